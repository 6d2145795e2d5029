"""Risks as a table: which columns there are, and a row of it. `server/tables` reads and writes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from muniment.server.risks.matrix import BANDS, cell_of
from muniment.server.risks.models import Risk
from muniment.server.risks.services import Held, accepted_among, level_of
from muniment.server.risks.workflow import MAX_LINKS, MAX_TEXT, SCORES, STATES, TREATMENTS
from muniment.tables import Column, Table

_CELL: Final = "likelihood and impact, such as 3x5"
RISKS: Final = Table(
    "risks",
    (
        Column("id", "Id", longest=30, help="of a risk that is there; empty to open one"),
        Column("title", "Title", required=True, longest=200),
        Column("description", "Description", "prose", longest=MAX_TEXT),
        Column("owner", "Owner", longest=254, help="an e-mail address or usr_… of a member"),
        Column("treatment", "Treatment", "choice", choices=tuple(TREATMENTS)),
        Column("plan", "Plan", "prose", longest=MAX_TEXT),
        Column("review_on", "Review by", "date"),
        *(Column(score, f"{score.title()} risk", longest=3, help=_CELL) for score in SCORES),
        Column("level", "Level", "choice", choices=BANDS, given=False),
        Column("state", "State", "choice", choices=tuple(STATES), given=False),
        Column("accepted_until", "Accepted until", "date", given=False),
        Column("exceptions", "Exceptions", "list", longest=MAX_LINKS),
        Column("controls", "Controls", "list", longest=MAX_LINKS),
        Column("assets", "Assets", "list", longest=MAX_LINKS),
        Column("findings", "Findings", "list", longest=MAX_LINKS),
        Column("version", "Version", "integer", given=False),
        Column("digest", "Digest", longest=64, given=False),
        Column("changed_at", "Changed", "time", given=False),
        Column("entry", "Entry", "integer", given=False),
    ),
)


def table_rows(rows: Iterable[Risk], held: Held) -> Iterator[Mapping[str, object]]:
    """Risks as rows of the table.

    Args:
        rows: of the open tenant.
        held: the matrix in force.
    """
    every = list(rows)
    accepted = accepted_among([row.id for row in every])
    for row in every:
        acceptance = accepted.get(row.id)
        yield {
            "id": row.id,
            "title": row.title,
            "description": row.description,
            "owner": row.owner,
            "treatment": row.treatment,
            "plan": row.plan,
            "review_on": row.review_on,
            **{score: place(getattr(row, score)) for score in SCORES},
            "level": level_of(row, held) or None,
            "state": row.state,
            "accepted_until": acceptance.until if acceptance and acceptance.state == "accepted" else None,
            "exceptions": tuple(row.exceptions),
            "controls": tuple(row.controls),
            "assets": tuple(row.assets),
            "findings": tuple(row.findings),
            "version": row.version,
            "digest": row.digest,
            "changed_at": row.changed_at,
            "entry": row.seq,
        }


def place(code: int | None) -> str:
    """A cell's code as tables and addresses write it: `3x5`; "" of none."""
    cell = cell_of(code)
    return "" if cell is None else f"{cell.likelihood}x{cell.impact}"
