"""How a request for a packet goes on: a table of steps, a due-time clock, and nothing of the database."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final, Literal

from muniment.core.errors import Malformed, Refused
from muniment.server.capabilities import Capability
from muniment.server.zones import zone_of

REQUESTED: Final = "requested"
APPROVED: Final = "approved"
REFUSED: Final = "refused"
BUILT: Final = "built"
DELIVERED: Final = "delivered"
WITHDRAWN: Final = "withdrawn"
STATES: Final = {
    REQUESTED: "Waiting for a decision",
    APPROVED: "Approved, not built yet",
    REFUSED: "Refused",
    BUILT: "Built, not handed over yet",
    DELIVERED: "Handed over",
    WITHDRAWN: "Withdrawn",
}
DUE_HOURS: Final = (1, 2160)
LINK_HOURS: Final = (1, 2160)
MAX_TEXT: Final = 100_000
MAX_PURPOSE: Final = 4_000
_SATURDAY: Final = 5

Step = Literal["approve", "refuse", "withdraw", "build", "deliver"]


@dataclass(frozen=True, slots=True)
class Transition:
    """One step of a request.

    Attributes:
        step: what is done.
        source, target: states.
        by: capabilities of which one is needed.
        needs: what must be given or there: `reason`, `signature` (where the tenant asks for one), `packet`.
        not_by: who may not do it: `requester`.
    """

    step: Step
    source: str
    target: str
    by: tuple[Capability, ...]
    needs: tuple[str, ...] = ()
    not_by: str = ""


_DESK: Final = (Capability.PACKET_APPROVE,)
_OUT: Final = (Capability.PACKET_DELIVER,)
_ANY: Final = (Capability.PACKET_REQUEST, Capability.PACKET_APPROVE)
_TAKE: Final = (Capability.PACKET_DELIVER, Capability.PACKET_REQUEST)
TRANSITIONS: Final = (
    Transition("approve", REQUESTED, APPROVED, _DESK, not_by="requester"),
    Transition("refuse", REQUESTED, REFUSED, _DESK, ("reason",), not_by="requester"),
    Transition("build", APPROVED, BUILT, _OUT, ("packet",)),
    Transition("deliver", BUILT, DELIVERED, _TAKE, ("packet", "signature")),
    Transition("deliver", DELIVERED, DELIVERED, _TAKE, ("packet", "signature")),
    *(Transition("withdraw", state, WITHDRAWN, _ANY, ("reason",)) for state in (REQUESTED, APPROVED, BUILT, DELIVERED)),
)


@dataclass(frozen=True, slots=True)
class Matter:
    """What of a request its next step depends on.

    Attributes:
        state: one of `STATES`.
        requested_by: who asked.
        party: who shall have it.
        asks_signature: the tenant asks for one; signed: the party gave it.
        packet: it was built and is there.
    """

    state: str
    requested_by: str
    party: str
    asks_signature: bool
    signed: bool = False
    packet: bool = False


def advance(
    matter: Matter, step: Step, *, by: str, capabilities: Set[Capability] | None = None, reason: str = ""
) -> str:
    """The state after a step.

    Args:
        matter: the request as it stands.
        step: what is to be done.
        by: who does it, as the ledger names them; a recipient by its `rcp_…`.
        capabilities: what they may do; None for a recipient, who has none and can only take what is theirs.
        reason: why, where it is needed.

    Raises:
        Refused: naming what stands against it.
        Malformed: without a reason where one is needed.
    """
    found = next((one for one in TRANSITIONS if one.step == step and one.source == matter.state), None)
    if found is None:
        raise Refused(f"is {STATES.get(matter.state, matter.state).lower()}; that cannot be done now", "state")
    if capabilities is None:
        if step != "deliver" or by != matter.party:
            raise Refused("only whom it is for can take it this way", "party")
    elif not set(found.by) & capabilities:
        raise Refused(f"needs the capability {' or '.join(found.by)}", "capability")
    elif step == "withdraw" and Capability.PACKET_APPROVE not in capabilities and by != matter.requested_by:
        raise Refused("was asked for by somebody else", "requester")
    elif step == "deliver" and Capability.PACKET_DELIVER not in capabilities and by != matter.party:
        raise Refused("is for somebody else", "party")
    if found.not_by == "requester" and by in (matter.requested_by, matter.party):
        raise Refused("who asks for a packet, or shall have it, does not decide on it: ask somebody else", "approver")
    if "reason" in found.needs:
        checked_purpose(reason, "reason")
    if "signature" in found.needs and matter.asks_signature and not matter.signed:
        raise Refused("the text to be signed was not signed yet", "signature")
    if "packet" in found.needs and not matter.packet:
        raise Refused("there is no packet yet", "packet")
    return found.target


def checked_purpose(text: str, field: str) -> str:
    """A purpose or a reason, without blanks around it.

    Raises:
        Malformed: if it is empty, too long, or holds what no text holds.
    """
    text = text.strip()
    if not 1 <= len(text) <= MAX_PURPOSE:
        raise Malformed(f"has 1 to {MAX_PURPOSE:,} characters", field)
    return _printable(text, field)


def checked_text(text: str) -> str:
    """A text to be signed, with plain line ends.

    Raises:
        Malformed: naming the field.
    """
    text = text.replace("\r\n", "\n").strip()
    if not 1 <= len(text) <= MAX_TEXT:
        raise Malformed(f"has 1 to {MAX_TEXT:,} characters", "text")
    return _printable(text, "text")


@dataclass(frozen=True, slots=True)
class Rules:
    """What a tenant asks of its desk.

    Attributes:
        due_hours: from the request to its first delivery, 1 to 2160.
        working_days: only Mondays to Fridays count (holidays do too: nobody told us which there are).
        zone: IANA name of the zone in which days begin and times are shown.
        nda_required: whoever takes a packet signs the tenant's text first.
        link_hours: how long a link for somebody outside opens, 1 to 2160.
    """

    due_hours: int = 72
    working_days: bool = False
    zone: str = "UTC"
    nda_required: bool = True
    link_hours: int = 168

    def __post_init__(self) -> None:
        for field, value, (least, most) in (
            ("due_hours", self.due_hours, DUE_HOURS),
            ("link_hours", self.link_hours, LINK_HOURS),
        ):
            if not least <= value <= most:
                raise Malformed(f"is {least} to {most}", field)
        zone_of(self.zone)


def due_at(asked: datetime, rules: Rules) -> datetime:
    """When a request is due.

    Args:
        asked: aware.
        rules: of the tenant. Hours are hours that pass, also where a clock is put forward or back.

    >>> rules = Rules(due_hours=48, working_days=True, zone="Europe/Warsaw")
    >>> due_at(datetime(2026, 3, 27, 15, 0, tzinfo=UTC), rules).isoformat()
    '2026-03-31T14:00:00+00:00'
    """
    if not rules.working_days:
        return asked.astimezone(UTC) + timedelta(hours=rules.due_hours)
    zone, at, left = zone_of(rules.zone), asked.astimezone(UTC), timedelta(hours=rules.due_hours)
    while True:
        day = at.astimezone(zone).date()
        midnight = datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
        if day.weekday() < _SATURDAY:
            if at + left <= midnight:
                return at + left
            left -= midnight - at
        at = midnight


@dataclass(frozen=True, slots=True)
class Clock:
    """Where a request stands against its due time; derived whenever it is shown.

    Attributes:
        due: aware.
        word: `running`, `overdue`, `met`, `late` (handed over after it was due) or `stopped` (refused, withdrawn).
        off: how long it still has or had, or by how much it is or was over.
    """

    due: datetime
    word: Literal["running", "overdue", "met", "late", "stopped"]
    off: timedelta

    @property
    def hours(self) -> str:
        """`off` in hours and minutes."""
        minutes = int(self.off.total_seconds()) // 60
        return f"{minutes // 60} h {minutes % 60:02} min"


def clock(state: str, due: datetime, delivered: datetime | None, now: datetime) -> Clock:
    """Where a request stands against its due time."""
    if delivered is not None:
        return Clock(due, "met" if delivered <= due else "late", abs(due - delivered))
    if state in (REFUSED, WITHDRAWN):
        return Clock(due, "stopped", timedelta())
    return Clock(due, "running" if now <= due else "overdue", abs(due - now))


def _printable(text: str, field: str) -> str:
    if any(ord(letter) < 32 and letter not in "\n\r\t" for letter in text):
        raise Malformed("holds a control character", field)
    return text
