"""What a tenant watches, and how keenly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal
from zoneinfo import ZoneInfo

from muniment.anomalies.deeds import Deed
from muniment.anomalies.localtime import zone_of
from muniment.core.errors import Malformed

Detector = Literal["approval-spike", "mass-delete", "off-hours", "login-surge", "self-dealing"]
Sensitivity = Literal["off", "low", "normal", "high"]
SENSITIVITIES: Final[tuple[Sensitivity, ...]] = ("off", "low", "normal", "high")

DETECTORS: Final[Mapping[Detector, str]] = {
    "approval-spike": "Approval spike",
    "mass-delete": "Mass delete",
    "off-hours": "Off-hours activity",
    "login-surge": "Login surge",
    "self-dealing": "Self-dealing",
}
MEANINGS: Final[Mapping[Detector, str]] = {
    "approval-spike": "More approvals in an hour or a day than this tenant, or this person, usually gives",
    "mass-delete": "More removals, revocations, withdrawals and erasures than usual",
    "off-hours": "Approvals, removals and sign-ins at hours at which the person is never active",
    "login-surge": "More sign-ins, or more failed ones, than usual",
    "self-dealing": "Approvals that the requester may have had a hand in",
}
OF_DEED: Final[Mapping[Deed, Detector]] = {
    "approval": "approval-spike",
    "removal": "mass-delete",
    "login": "login-surge",
    "failed-login": "login-surge",
}
WATCH_DAYS: Final = 14
"""Days for which a tenant must have been watched before what was learned counts; until then fixed bounds hold."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many of something in an hour are too many; for a day, `OF_DAY` times as many.

    Attributes:
        least: fewer are never an alert, however quiet the tenant is.
        fixed: what counts for one person while too little is known.
        together: and for everybody together.
    """

    least: int
    fixed: int
    together: int


OF_DAY: Final = 2
TAILS: Final[Mapping[Sensitivity, float]] = {"low": 1e-7, "normal": 1e-6, "high": 1e-4}
"""With which probability a usual hour may reach the bound."""
BOUNDS: Final[Mapping[Deed, Mapping[Sensitivity, Bounds]]] = {
    "approval": {"low": Bounds(12, 30, 40), "normal": Bounds(7, 15, 20), "high": Bounds(5, 10, 12)},
    "removal": {"low": Bounds(15, 30, 40), "normal": Bounds(8, 15, 20), "high": Bounds(5, 10, 12)},
    "login": {"low": Bounds(25, 60, 200), "normal": Bounds(12, 30, 100), "high": Bounds(8, 20, 50)},
    "failed-login": {"low": Bounds(20, 40, 60), "normal": Bounds(10, 15, 25), "high": Bounds(6, 10, 15)},
}


def title_of(detector: str) -> str:
    """What a detector is called; a name that is none stays as it is."""
    return next((title for name, title in DETECTORS.items() if name == detector), detector)


@dataclass(frozen=True, slots=True)
class Watched:
    """The settings of one tenant.

    Attributes:
        zone: IANA name of the zone in which its hours are counted.
        sensitivity: of each detector; `normal` where nothing is said.
    """

    zone: str = "UTC"
    sensitivity: Mapping[Detector, Sensitivity] = field(default_factory=dict)

    def __post_init__(self) -> None:
        zone_of(self.zone)
        for name, keen in self.sensitivity.items():
            if name not in DETECTORS:
                raise Malformed(f"is one of {', '.join(DETECTORS)}, not {name}", "sensitivity")
            if keen not in SENSITIVITIES:
                raise Malformed(f"is one of {', '.join(SENSITIVITIES)}", name)

    @property
    def tz(self) -> ZoneInfo:
        """The zone itself."""
        return zone_of(self.zone)

    def of(self, detector: Detector) -> Sensitivity:
        """How keenly a detector watches."""
        return self.sensitivity.get(detector, "normal")
