"""`muniment verify report.pdf`: is a report's PDF recorded, is it what its document draws, are its numbers the same."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import click
import httpx

from muniment.cli.ledgerclient import ledger_client
from muniment.core.bundle import EntryLine, read_bundle
from muniment.core.entry import parse_entry
from muniment.core.errors import Malformed, Refused
from muniment.reports.checking import Check, Compared, ReportVerdict, check_numbers, check_pages, opened
from muniment.reports.document import Document
from muniment.reports.extraction import is_pdf
from muniment.reports.rendering import MAX_PDF
from muniment.verifier.options import Options, verify_file

ASKED_AT_ONCE: Final = 50
_WORDS: Final = {"same": "same", "differs": "DIFFERS", "not_checked": "not checked"}
_TONES: Final = {"verified": "good", "not verified": "strong", "same": "good", "differs": "bad", "not_checked": "quiet"}
_COLOURS: Final[dict[str, dict[str, Any]]] = {
    "good": {"fg": "green"},
    "bad": {"fg": "red", "bold": True},
    "quiet": {"dim": True},
    "strong": {"bold": True},
}
_SHOWN: Final = 20
_OFFLINE: Final = "no ledger was named: --url and --key, or MUNIMENT_URL and MUNIMENT_READ_KEY"


def is_report(target: str) -> bool:
    """Whether a target of `muniment verify` is a PDF."""
    path = Path(target)
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return is_pdf(file.read(8))


def verify_report(target: str, options: Options, *, url: str | None, proof: Path | None) -> ReportVerdict:
    """Check a report's PDF.

    Args:
        target: the file.
        options: pins and key; for the proof, and for the ledger.
        url: of the ledger to ask; None to ask nobody.
        proof: a bundle with the entry that recorded the report, to be verified offline.
    """
    path = Path(target)
    with path.open("rb") as file:
        pdf = file.read(MAX_PDF + 1)
    digest = sha256(pdf).hexdigest()
    document, form = opened(pdf)
    if document is None:
        rest = tuple(Check(name, "not_checked", "it has no document") for name in ("pages", "record", "numbers"))
        return ReportVerdict(target, digest, None, (form, *rest))
    pages = check_pages(pdf, document)
    recorded, trust = (None, "") if proof is None else _in_bundle(digest, document, proof, options)
    numbers: tuple[Compared, ...] = ()
    why = _OFFLINE
    if url and options.api_key:
        with ledger_client(url, options.api_key) as client:
            try:
                _check_log(client, document)
                recorded = recorded or _in_ledger(client, digest)
                numbers = tuple(_compared(client, document))
            except Refused as error:
                why = str(error)
    recorded = recorded or Check("record", "not_checked", f"{why}; or --proof with a bundle of its entry")
    checks = (form, pages, recorded, check_numbers(numbers, len(document.numbers), why))
    return ReportVerdict(target, digest, document, checks, numbers, trust or "self-attested")


def _compared(client: httpx.Client, document: Document) -> Iterator[Compared]:
    every = document.numbers
    for first in range(0, len(every), ASKED_AT_ONCE):
        part = every[first : first + ASKED_AT_ONCE]
        order = {
            "size": document.checkpoint.size,
            "root": document.checkpoint.root,
            "asks": [one.ask.as_json() for one in part],
        }
        answer = client.post("/api/reports/ask", json=order)
        answers = _answers(answer, len(part))
        for at, (one, got) in enumerate(zip(part, answers, strict=True), first + 1):
            value = got.get("value")
            usable = value if isinstance(value, int | str) and not isinstance(value, bool) else None
            yield Compared(at, one.what, one.value, usable, str(got.get("refused") or "no answer"))


def _answers(answer: httpx.Response, count: int) -> list[dict[str, Any]]:
    found = _answered(answer).get("answers")
    if not isinstance(found, list) or len(found) != count or not all(isinstance(one, dict) for one in found):
        raise Refused("the ledger does not answer each question", "/api/reports/ask")
    return found


def _answered(answer: httpx.Response) -> dict[str, Any]:
    try:
        value = answer.json()
    except ValueError:
        value = None
    said = value if isinstance(value, dict) else {}
    if answer.status_code != 200:
        raise Refused(str(said.get("detail") or f"the ledger answers {answer.status_code}"), str(answer.url.path))
    return said


def _check_log(client: httpx.Client, document: Document) -> None:
    origin = _answered(client.get("/api/log")).get("origin")
    if origin != document.log:
        raise Refused(f"the ledger that was asked is the log {origin}, the report is of {document.log}", "log")


def _in_ledger(client: httpx.Client, digest: str) -> Check:
    wanted = {"action": "report.create", "label": f"report.sha256={digest}", "outcome": "success", "limit": "1"}
    entries = _answered(client.get("/api/entries", params=wanted)).get("entries")
    if not entries:
        return Check("record", "differs", "the ledger has no entry report.create with the hash of this file")
    try:
        seq = int(entries[0]["seq"])
    except (LookupError, TypeError, ValueError):
        raise Refused("the ledger's answer is no list of entries", "/api/entries") from None
    return Check("record", "same", f"entry {seq:,} holds the hash of this file, says the ledger")


def _in_bundle(digest: str, document: Document, proof: Path, options: Options) -> tuple[Check, str]:
    report = verify_file(proof, options)
    if report.verdict != "verified":
        return Check("record", "differs", f"{proof.name} is {report.verdict}: verify it by itself to see why"), ""
    with proof.open("rb") as stream:
        for line in read_bundle(stream):
            if not isinstance(line, EntryLine):
                continue
            try:
                entry = parse_entry(line.text)
            except Malformed:
                continue  # Another kind of entry than this release knows holds no report.
            event = entry.event
            if (
                event.action == "report.create"
                and f"report.sha256={digest}" in event.labels
                and entry.log == document.log
            ):
                said = f"entry {entry.seq:,} in {proof.name} holds the hash of this file"
                pinned = (
                    "under what you pinned" if report.trust == "pinned" else "self-attested only, nothing was pinned"
                )
                return Check("record", "same", f"{said}; {pinned}"), report.trust or ""
    return Check("record", "differs", f"{proof.name} holds no entry report.create with the hash of this file"), ""


def painted_report(found: ReportVerdict, *, quiet: bool = False) -> str:
    """The verdict as the terminal shows it; with `quiet` its first line alone."""
    head = f"{_paint(found.verdict.upper(), _TONES.get(found.verdict, 'bad'))}  {found.name}"
    if quiet:
        return head
    lines = [head]
    if found.document is not None:
        at = found.document.checkpoint
        lines.append(f"  {_plain(found.document.title)}; log {_plain(found.document.log)}, {at.size:,} entries")
    lines.append(f"  sha256     {found.sha256}")
    for check in found.checks:
        malformed = check.name == "document" and found.document is None
        word = f"{'MALFORMED' if malformed else _WORDS[check.state]:<12}"
        lines.append(f"  {check.name:<10} {_paint(word, _TONES[check.state])} {_plain(check.reason)}")
    for one in [each for each in found.numbers if each.state != "same"][:_SHOWN]:
        now = _plain(one.reason) if one.found is None else f"{_plain(str(one.found))} in the ledger"
        lines.append(f"    [{one.number}] {_WORDS[one.state]}: {_plain(one.what)}: {_plain(str(one.said))} here, {now}")
    return "\n".join(lines)


def _paint(text: str, tone: str) -> str:
    return click.style(text, **_COLOURS[tone])


def _plain(text: str) -> str:
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
