"""Statements and reports of a packet: what the ledger's server made of live queries, and where that was recorded."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

import orjson

from muniment.core.errors import Refused, VerificationFailed
from muniment.packet.statement import statement_page
from muniment.server.access.standing import Standing
from muniment.server.packets.building.controls import period_of
from muniment.server.packets.building.snapshot import KeptPaper, kept_paper
from muniment.server.packets.scope import Scope
from muniment.server.reports import services as reports
from muniment.server.statements import services as statements

_ISSUED = "stm_"
_SAID_LIVE = "Asked of the ledger when the packet was built; every number stands with its query."
_SAID_REPORT = "PDF/A. Its numbers can be asked for again: muniment verify FILE."


@dataclass(frozen=True, slots=True)
class Papers:
    """Statements and reports, and the places of the entries that recorded them."""

    papers: tuple[KeptPaper, ...]
    places: frozenset[int]


def papers_of(standing: Standing, scope: Scope, *, size: int, sealed_at: datetime) -> Papers:
    """What a scope wants of statements (a framework's id, or `stm_…` for an issued one) and reports (`rep_…`).

    Raises:
        Malformed: for a framework without a statement.
        Refused: for what was issued or made after the checkpoint, or is not there.
        VerificationFailed: for what is not what was recorded any more.
    """
    papers: list[KeptPaper] = []
    places: set[int] = set()
    for wanted in scope.statements:
        if wanted.startswith(_ISSUED):
            row = statements.issued_for(standing, wanted)
            _before(wanted, row.seq, size, "statements")
            if hashlib.sha256(row.text.encode()).hexdigest() != row.digest:
                raise VerificationFailed("its text is not the one whose hash was recorded", wanted)
            text, places = row.text, places | {row.seq}
            said = f"Issued as {wanted}, SHA-256 {row.digest}, entry {row.seq:,}."
        else:
            text = statements.statement_of(standing, wanted, period_of(scope, sealed_at), size=size).text
            said = _SAID_LIVE
        papers += _statement(wanted, text, said)
    for wanted, (name, pdf, digest) in zip(scope.reports, reports.reports_for(standing, scope.reports), strict=True):
        report = reports.report_for(standing, wanted)
        _before(wanted, report.seq, size, "reports")
        places |= {report.seq}
        said = f"{_SAID_REPORT} Made as entry {report.seq:,}, SHA-256 {digest}."
        papers.append(kept_paper(name, report.title, said, pdf))
    return Papers(tuple(papers), frozenset(places))


def _statement(wanted: str, text: str, said: str) -> list[KeptPaper]:
    document, data = orjson.loads(text), f"statement-{wanted}.json"
    return [
        kept_paper(f"statement-{wanted}.html", document["title"], said, statement_page(document, data=data)),
        kept_paper(data, f"{document['title']} (data)", "The same for programs.", text.encode()),
    ]


def _before(wanted: str, seq: int, size: int, field: str) -> None:
    if seq >= size:
        raise Refused(f"{wanted} was made after the checkpoint of size {size:,}: take a newer one", field)
