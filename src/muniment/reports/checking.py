"""What a check of a report's PDF found: is it what its document draws, is it recorded, are its numbers the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from muniment.core.errors import Malformed
from muniment.reports.document import Document, Value
from muniment.reports.extraction import read_document
from muniment.reports.rendering import CannotDraw, draw, renderer

State = Literal["same", "differs", "not_checked"]
CHECKS: Final = ("document", "pages", "record", "numbers")


@dataclass(frozen=True, slots=True)
class Check:
    """How one check ended.

    Attributes:
        name: one of `CHECKS`.
        state: same, differs, or not checked.
        reason: one sentence, no full stop.
    """

    name: str
    state: State
    reason: str

    def as_json(self) -> dict[str, object]:
        """The check as a JSON object."""
        return {"name": self.name, "state": self.state, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Compared:
    """A number of the report beside what the ledger answers now.

    Attributes:
        number: its reference, from 1.
        what: it is.
        said: by the report.
        found: now; None if there is no answer.
        reason: why there is none; "" if there is one.
    """

    number: int
    what: str
    said: Value
    found: Value | None
    reason: str = ""

    @property
    def state(self) -> State:
        """Same, differs, or not checked."""
        if self.found is None:
            return "not_checked"
        # 1 and "1" are two answers.
        return "same" if type(self.found) is type(self.said) and self.found == self.said else "differs"

    def as_json(self) -> dict[str, object]:
        """The comparison as a JSON object."""
        found = {"reason": self.reason} if self.found is None else {"found": self.found}
        return {"number": self.number, "what": self.what, "state": self.state, "said": self.said, **found}


@dataclass(frozen=True, slots=True)
class ReportVerdict:
    """Everything that was found of one PDF.

    Attributes:
        name: of the file.
        sha256: of its bytes.
        document: inside it; None if it is malformed.
        checks: one of each of `CHECKS`.
        numbers: each, compared; empty where nobody was asked.
        trust: `pinned` if its entry stands under what the reader pinned, else `self-attested`: the operator's word.
    """

    name: str
    sha256: str
    document: Document | None
    checks: tuple[Check, ...]
    numbers: tuple[Compared, ...] = ()
    trust: str = "self-attested"

    @property
    def verdict(self) -> str:
        """`malformed`, `failed` if anything differs, `verified` if all was checked, else `not verified`."""
        if self.document is None:
            return "malformed"
        states = {one.state for one in self.checks}
        if "differs" in states:
            return "failed"
        return "verified" if states == {"same"} else "not verified"

    @property
    def exit_code(self) -> int:
        """0 verified, 1 failed or not verified, 2 malformed."""
        return {"verified": 0, "malformed": 2}.get(self.verdict, 1)

    def as_json(self) -> dict[str, object]:
        """The verdict as a JSON object."""
        document = self.document
        return {
            "file": self.name,
            "verdict": self.verdict,
            "trust": self.trust,
            "sha256": self.sha256,
            "log": None if document is None else document.log,
            "size": None if document is None else document.checkpoint.size,
            "checks": [one.as_json() for one in self.checks],
            "numbers": [one.as_json() for one in self.numbers],
        }


def opened(pdf: bytes) -> tuple[Document | None, Check]:
    """The document of a PDF and the check of its form."""
    try:
        document = read_document(pdf)
    except Malformed as error:
        return None, Check("document", "differs", str(error))
    return document, Check("document", "same", f"its document has {len(document.numbers):,} numbers")


def check_pages(pdf: bytes, document: Document) -> Check:
    """Draw the document again and compare the bytes: nothing may stand on the pages that the document does not say."""
    if renderer() != document.drawn_by:
        here = renderer() or "none"
        return Check("pages", "not_checked", f"{document.drawn_by} drew them; installed here is {here}")
    try:
        again = draw(document)
    except (CannotDraw, Malformed) as error:
        return Check("pages", "differs", f"its document cannot be drawn: {error}")
    if again == pdf:
        return Check("pages", "same", f"{renderer()} draws the same {len(pdf):,} bytes from its document")
    at = next((place for place, (one, other) in enumerate(zip(pdf, again, strict=False)) if one != other), None)
    where = f"byte {min(len(pdf), len(again)) if at is None else at:,}"
    return Check(
        "pages", "differs",
        f"{renderer()} draws other bytes from its document, from {where} on: the pages or the document were changed",
    )  # fmt: skip


def check_numbers(numbers: Sequence[Compared], total: int, reason: str = "") -> Check:
    """One check over all compared numbers.

    Args:
        numbers: compared; empty if nobody was asked.
        total: numbers of the report.
        reason: why nobody was asked.
    """
    if not total:
        return Check("numbers", "same", "it shows no number")
    if not numbers:
        return Check("numbers", "not_checked", reason)
    by: dict[State, list[Compared]] = {"same": [], "differs": [], "not_checked": []}
    for one in numbers:
        by[one.state].append(one)
    if by["differs"]:
        first = by["differs"][0]
        said = f"[{first.number}] {first.what}: the report says {first.said}, the ledger {first.found}"
        return Check("numbers", "differs", f"{len(by['differs']):,} of {total:,} differ; the first is {said}")
    if by["not_checked"]:
        first = by["not_checked"][0]
        said = f"[{first.number}] {first.what}: {first.reason}"
        return Check("numbers", "not_checked", f"{len(by['not_checked']):,} of {total:,} have no answer; {said}")
    return Check("numbers", "same", f"all {total:,} were asked for again and are the same")
