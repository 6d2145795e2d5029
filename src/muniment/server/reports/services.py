"""Making, keeping and showing reports, and asking their questions again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from threading import BoundedSemaphore
from typing import Final

from muniment.core.errors import Malformed, MunimentError, Refused, VerificationFailed
from muniment.ledger.population import searched
from muniment.reports.asks import Ask
from muniment.reports.blocks import Block
from muniment.reports.document import Checkpoint, Document, Value
from muniment.reports.extraction import digest, read_document
from muniment.reports.rendering import CannotDraw, draw, renderer
from muniment.server.access.standing import Standing
from muniment.server.frameworks.services import mapping_in_force
from muniment.server.moments import moment
from muniment.server.populations.services import NoSuch
from muniment.server.populations.services.populations import reference_of
from muniment.server.problems import refuse
from muniment.server.recording import record
from muniment.server.reports.asking import Asking
from muniment.server.reports.board_report import board_blocks
from muniment.server.reports.control_report import control_blocks
from muniment.server.reports.custom_report import custom_blocks
from muniment.server.reports.executive_report import executive_blocks
from muniment.server.reports.integrity_report import integrity_blocks
from muniment.server.reports.models import Report, report_id
from muniment.server.reports.scope import Scope
from muniment.server.tenants.resolving import tenant_in_scope

MOST_LISTED: Final = 200
MOST_ASKED: Final = 100
"""Questions of one request."""
AT_ONE_TIME: Final = 2
"""Reports that one process draws at one time; drawing the largest takes some hundred megabytes."""
PATIENCE: Final = 30.0
"""Seconds that another one waits."""
_drawing: Final = BoundedSemaphore(AT_ONE_TIME)
_BLOCKS: Final[dict[str, Callable[[Asking, Scope], tuple[str, str, list[Block]]]]] = {
    "control": control_blocks,
    "integrity": integrity_blocks,
    "custom": custom_blocks,
    "board": board_blocks,
    "executive": executive_blocks,
}


def compose(standing: Standing, scope: Scope) -> Document:
    """The document of a report; the same scope under the same checkpoint gives the same document.

    Args:
        standing: of who asks; in their `tenant_scope`.
        scope: what is to be reported.

    Raises:
        Malformed: naming the field.
        Refused: for what is not there.
        NotSealed: if there is no such checkpoint.
    """
    mapping = mapping_in_force()
    with standing.transaction() as reading:
        under = searched(reading, standing.log_id, size=scope.size)
        asking = Asking(standing, reading, under)
        title, subtitle, blocks = _BLOCKS[scope.kind](asking, scope)
    return Document(
        kind=scope.kind,
        title=title,
        subtitle=subtitle,
        tenant=tenant_in_scope().name,
        log=under.origin,
        checkpoint=Checkpoint(under.size, under.root.hex(), moment(under.sealed_at) or ""),
        mapping=(mapping.version, mapping.digest),
        layout="" if scope.layout is None else scope.layout.text(),
        blocks=tuple(blocks),
        numbers=tuple(asking.numbers),
        drawn_by=renderer(),
    )


def make_report(standing: Standing, scope: Scope) -> Report:
    """Make a report, keep it, and record its hash.

    Raises:
        Malformed: naming the field.
        Refused: for what is not there, or cannot be drawn.
        NotSealed: if there is no such checkpoint.
    """
    document = compose(standing, scope)
    pdf = drawn(document)
    text = scope.text(document.checkpoint.size)
    row = Report(
        id=report_id(),
        tenant_id=standing.tenant_id,
        kind=document.kind,
        title=document.title[:200],
        scope=text,
        log=document.log,
        size=document.checkpoint.size,
        root=document.checkpoint.root,
        numbers=len(document.numbers),
        questions=sha256(document.questions()).hexdigest(),
        sha256=digest(pdf),
        length=len(pdf),
        pdf=pdf,
        created_by=standing.subject,
    )
    receipt = record(
        "report.create",
        by=standing.subject,
        resource=("report", row.id),
        labels={
            "kind": row.kind,
            "report.sha256": row.sha256,
            "report.questions": row.questions,
            "size": row.size,
            "root": row.root,
        },
        body={
            "title": row.title,
            "scope": text,
            "numbers": row.numbers,
            "length": row.length,
            "mapping": {"version": document.mapping[0], "digest": document.mapping[1]},
            "drawn_by": document.drawn_by,
        },
    )
    row.seq, row.event = receipt.seq, reference_of(receipt)
    row.save(force_insert=True)
    return row


def drawn(document: Document) -> bytes:
    """The PDF of a document, when its turn has come.

    Raises:
        ProblemError: unavailable, if too many are being drawn.
        CannotDraw: see `draw`; also if what was drawn does not read back.
    """
    if not _drawing.acquire(timeout=PATIENCE):
        raise refuse("unavailable", "too many reports are being drawn; try again", headers={"retry-after": "10"})
    try:
        pdf = draw(document)
    finally:
        _drawing.release()
    if read_document(pdf) != document:
        raise CannotDraw("what was drawn does not read back", "report")
    return pdf


def record_refused(standing: Standing, kind: str, error: MunimentError) -> None:
    """Record a report that was refused; in the open scope, after nothing else was written in it."""
    record(
        "report.create",
        by=standing.subject,
        outcome="denied",
        labels={"kind": kind, "reason": _word(error.where or "refused")},
        body={"said": str(error)[:1_000]},
    )


def _word(where: str) -> str:
    """A place in an order, whoever named it, as a label holds it."""
    return "".join(
        letter if letter.isascii() and letter.isprintable() and letter != " " else "-" for letter in where[:64]
    )


def reports(standing: Standing) -> list[Report]:
    """The newest reports of the tenant, newest first; without their bytes."""
    rows = Report.objects.filter(tenant_id=standing.tenant_id).defer("pdf")
    return list(rows.order_by("-created_at", "-id")[:MOST_LISTED])


def report_for(standing: Standing, wanted: str) -> Report:
    """A report by its id.

    Raises:
        NoSuch: if the tenant has none of that id.
    """
    found = None if "\0" in wanted else Report.objects.filter(tenant_id=standing.tenant_id, id=wanted).first()
    if found is None:
        raise NoSuch("there is no such report", "report")
    return found


def pdf_of(row: Report) -> bytes:
    """The bytes of a report.

    Raises:
        VerificationFailed: if they are not those that were recorded.
    """
    pdf = bytes(row.pdf)
    if digest(pdf) != row.sha256:
        raise VerificationFailed("the stored bytes are not those whose hash was recorded", row.id)
    return pdf


def document_of(row: Report) -> Document:
    """The document of a report.

    Raises:
        VerificationFailed: if its bytes are not those that were recorded.
        Malformed: if another release made it.
    """
    return read_document(pdf_of(row))


def answers(standing: Standing, *, size: int, root: str, asks: Sequence[Ask]) -> list[Value | MunimentError]:
    """Ask again, under the same checkpoint.

    Args:
        standing: of who asks.
        size: of the checkpoint.
        root: its root, 64 hex digits.
        asks: at most `MOST_ASKED`.

    Raises:
        NotSealed: if there is no such checkpoint.
        VerificationFailed: if it has another root.
    """
    if len(asks) > MOST_ASKED:
        raise Malformed(f"has at most {MOST_ASKED} questions", "asks")
    found: list[Value | MunimentError] = []
    with standing.transaction() as reading:
        under = searched(reading, standing.log_id, size=size)
        if under.root.hex() != root:
            raise VerificationFailed(
                "the stored checkpoint has another root than the report says", f"checkpoint {size}"
            )
        asking = Asking(standing, reading, under)
        for ask in asks:
            try:
                found.append(asking.answer(ask))
            except (Malformed, Refused) as error:
                found.append(error)
    return found


def reports_for(standing: Standing, wanted: Sequence[str]) -> list[tuple[str, bytes, str]]:
    """Reports as files of a packet: name, bytes, SHA-256 as recorded.

    Args:
        standing: of who builds the packet; in their `tenant_scope`.
        wanted: ids of reports.

    Raises:
        NoSuch: if the tenant has none of an id.
        VerificationFailed: if the bytes of one are not those that were recorded.
    """
    rows = [report_for(standing, one) for one in wanted]
    return [(file_name(row), pdf_of(row), row.sha256) for row in rows]


def file_name(row: Report) -> str:
    """What to call a report's file."""
    return f"{row.kind}-report-{row.id}.pdf"
