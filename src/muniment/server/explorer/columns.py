"""Which columns the table shows and how dense it is: said in the address, and kept in a cookie for the next visit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

COLUMNS: Final = {
    "seal": "Seal",
    "time": "Time",
    "action": "Action",
    "actor": "Actor",
    "target": "Tool or resource",
    "outcome": "Outcome",
    "workspace": "Workspace",
    "controls": "Controls",
    "occurred": "Occurred",
    "source": "Source",
    "event": "Event",
    "trace": "Trace",
    "labels": "Labels",
    "seq": "Seq",
}
"""Every column in its order, with its heading. Time is when the ledger recorded; Occurred is what the source says."""
DEFAULT: Final = ("seal", "time", "action", "actor", "target", "outcome", "workspace", "controls", "seq")
DENSITIES: Final = ("roomy", "compact")
COLUMNS_COOKIE: Final = "ledger_columns"
DENSITY_COOKIE: Final = "ledger_density"


@dataclass(frozen=True, slots=True)
class Layout:
    """How the table looks: `columns` in their order, `density` one of `DENSITIES`."""

    columns: tuple[str, ...]
    density: str

    @property
    def headings(self) -> tuple[tuple[str, str], ...]:
        """Code and heading of each column that is shown."""
        return tuple((code, COLUMNS[code]) for code in self.columns)


def read_columns(said: Sequence[str], kept: str) -> tuple[str, ...]:
    """The columns that an address names, else those of the cookie, else the default; unknown ones are left out.

    Args:
        said: values of the parameter, each one code or several with commas.
        kept: the cookie.
    """
    for text in (",".join(said), kept):
        wanted = set(text[:400].split(","))
        found = tuple(code for code in COLUMNS if code in wanted)
        if found:
            return found
    return DEFAULT


def read_density(said: str, kept: str) -> str:
    """The density that an address names, else that of the cookie, else roomy."""
    return next((value for value in (said, kept) if value in DENSITIES), DENSITIES[0])
