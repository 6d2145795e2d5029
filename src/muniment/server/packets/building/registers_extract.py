"""A register as a file of its own: CSV of its rows, or Markdown of its rows, their steps and decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal

from muniment.core.errors import Malformed
from muniment.ledger.population import Searched, searched
from muniment.packet.tabular import as_csv, as_markdown
from muniment.server.access.standing import Standing
from muniment.server.moments import moment
from muniment.server.packets.building.registers import Extraction, own_criteria
from muniment.server.packets.building.registers_exceptions import exceptions_shown
from muniment.server.packets.building.registers_risks import risks_shown

Register = Literal["exceptions", "risks"]
Form = Literal["csv", "md"]
TYPES: Final[dict[Form, str]] = {"csv": "text/csv; charset=utf-8", "md": "text/markdown; charset=utf-8"}
EVER: Final = (datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))
"""A period in which everything was."""


@dataclass(frozen=True, slots=True)
class Extracted:
    """The checkpoint as of which a register stands in a file, and the file's bytes."""

    under: Searched
    content: bytes


def extract_of(
    standing: Standing,
    register: Register,
    form: Form,
    *,
    controls: Sequence[str] = (),
    frameworks: Sequence[str] = (),
    size: int | None = None,
) -> Extracted:
    """A register as it stood under a checkpoint.

    Args:
        standing: of who asks; in their tenant's open scope.
        register: which.
        form: csv for its rows, md for all that a packet shows of it.
        controls: what names one of these, or none at all; with `frameworks`, any of both.
        frameworks: ids of catalogs.
        size: of a checkpoint; None for the newest.

    Raises:
        NotSealed: if there is no such checkpoint.
        Refused: for more than a packet takes.
        VerificationFailed: for what is not what was recorded any more.
    """
    with standing.transaction() as reading:
        under = searched(reading, standing.log_id, size=size)
        extraction = Extraction(
            standing, reading, tuple(controls), tuple(frameworks), under.size, *EVER, own_criteria()
        )
        shown = (exceptions_shown if register == "exceptions" else risks_shown)(extraction).extracts
    if form == "md":
        head = (
            f"Log `{under.origin}`, as of its first {under.size:,} entries, sealed {moment(under.sealed_at)}, "
            f"root `{under.root.hex()}`.\n\n"
        )
        return Extracted(under, head.encode() + b"\n".join(as_markdown(one) for one in shown))
    if shown[0].table is None:
        raise Malformed("has no rows", "register")
    return Extracted(under, as_csv(shown[0].table))
