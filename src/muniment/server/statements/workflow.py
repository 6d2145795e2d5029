"""A statement with its numbers: put together from a definition and answers, the same for the same. No database."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from muniment.core.canonical import dump_json
from muniment.server.statements.definition import FORMAT, PLACE, Definition, Query, Requirement

REFERENCE: Final = re.compile(r"\[Q(\d+)\]")
UNREGISTERED: Final = (
    "No action is registered as a change that needs a reason; counted are those that usually are registered."
)
CLAIM: Final = (
    "This page says what the ledger evidences and what it does not. It is no opinion on whether a requirement is met."
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query found.

    Attributes:
        number: of the query, from 1, as the statement refers to it.
        name: of the query in the definition.
        ask: filters with the period in them; of changes, the states (`changes`) and the actions, joined by commas.
        evidence: what a control was taken to mean, as canonical JSON; "" for other questions.
        count: exactly; None for more changes than are counted.
        annotated: of them, how many evidence a control by annotation alone; None for other questions.
        newest: place of the newest that was found; None if none was, or for changes.
        newest_at: when it was recorded, RFC 3339; "" where there is none.
    """

    number: int
    name: str
    ask: Mapping[str, str]
    evidence: str
    count: int | None
    annotated: int | None
    newest: int | None
    newest_at: str

    @property
    def document(self) -> dict[str, Any]:
        """The answer as JSON; what there is not is left out."""
        found = {
            "id": f"Q{self.number}",
            "asked": dict(self.ask),
            "evidence": self.evidence or None,
            "count": self.count,
            "annotated": self.annotated,
            "newest": self.newest,
            "newest_at": self.newest_at or None,
            "path": self.path,
        }
        return {name: value for name, value in found.items() if value is not None}

    @property
    def is_changes(self) -> bool:
        """Whether it asked for reasons of changes."""
        return "changes" in self.ask

    @property
    def shown(self) -> str:
        """The count as it is written."""
        return "more than can be counted" if self.count is None else f"{self.count:,}"

    @property
    def path(self) -> str:
        """Where a page shows what was found, without the tenant's prefix."""
        if self.is_changes:
            period = {name: self.ask[name] for name in ("from", "to") if name in self.ask}
            states = self.ask["changes"].split(",")
            return "/changes?" + urlencode({**period, "state": states[0] if len(states) == 1 else ""})
        return "/populations/new?" + urlencode({**self.ask, "ask": "1"})

    @property
    def words(self) -> str:
        """What was asked for, in a few words."""
        if self.is_changes:
            return f"changes, reason {self.ask['changes'].replace(',', ' or ')}"
        asked = ", ".join(f"{name} {value}" for name, value in self.ask.items() if name not in ("from", "to"))
        return asked or "every entry"


@dataclass(frozen=True, slots=True)
class Said:
    """A requirement as a statement shows it: sentences with their numbers and references such as `[Q3]`."""

    ids: tuple[str, ...]
    label: str
    evidences: tuple[str, ...]
    found_nothing: tuple[str, ...]
    lacks: str


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement over a period, under a checkpoint.

    Attributes:
        framework: its id.
        definition: version of the definition, and `definition_digest` the SHA-256 of its file.
        definition_digest: see `definition`.
        title: for people.
        sources: of the requirements.
        note: under the title.
        since: the first day, `until` the day after the last one; of UTC.
        until: see `since`.
        log: its name.
        size: of the checkpoint, whose `root` is hex and which was made at `sealed_at`.
        root: see `size`.
        sealed_at: see `size`.
        mapping: version of the mapping in force, and `mapping_digest` its digest.
        mapping_digest: see `mapping`.
        answers: in the order of their numbers.
        requirements: with their sentences.
    """

    framework: str
    definition: str
    definition_digest: str
    title: str
    sources: tuple[str, ...]
    note: str
    since: str
    until: str
    log: str
    size: int
    root: str
    sealed_at: str
    mapping: str
    mapping_digest: str
    answers: tuple[Answer, ...]
    requirements: tuple[Said, ...]

    @property
    def document(self) -> dict[str, Any]:
        """The statement as JSON: the same text and numbers as every other form of it."""
        return {
            "format": FORMAT,
            "framework": self.framework,
            "definition": {"version": self.definition, "sha256": self.definition_digest},
            "title": self.title,
            "claim": CLAIM,
            "note": self.note,
            "sources": list(self.sources),
            "period": {"from": self.since, "to": self.until},
            "searched": {
                "log": self.log,
                "first": 0,
                "size": self.size,
                "root": self.root,
                "sealed_at": self.sealed_at,
            },
            "mapping": {"version": self.mapping, "digest": self.mapping_digest},
            "requirements": [
                {
                    "ids": list(one.ids),
                    "label": one.label,
                    "evidences": list(one.evidences),
                    "found_nothing": list(one.found_nothing),
                    "does_not_evidence": one.lacks,
                }
                for one in self.requirements
            ],
            "queries": [one.document for one in self.answers],
        }

    @property
    def text(self) -> str:
        """The document as canonical JSON (RFC 8785)."""
        return dump_json(self.document).decode()

    @property
    def digest(self) -> str:
        """SHA-256 of the text, hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def say(definition: Definition, answers: Mapping[str, Answer], *, registered: bool) -> tuple[Said, ...]:
    """The requirements of a definition with the numbers that were found.

    Args:
        definition: of the statement.
        answers: by name of their query, one for each.
        registered: whether the tenant registered changes that need a reason.
    """
    return tuple(_said(one, definition.queries, answers, registered=registered) for one in definition.requirements)


def _said(
    requirement: Requirement, queries: Mapping[str, Query], answers: Mapping[str, Answer], *, registered: bool
) -> Said:
    evidences: list[str] = []
    nothing: list[str] = []
    for sentence in requirement.says:
        found = not sentence.names or answers[sentence.names[0]].count != 0
        text = sentence.text if found or not sentence.none else sentence.none
        (evidences if found else nothing).append(_filled(text, answers))
    if not registered and any(queries[name].changes for one in requirement.says for name in one.names):
        nothing.append(UNREGISTERED)
    return Said(requirement.ids, requirement.label, tuple(evidences), tuple(nothing), requirement.lacks)


def _filled(text: str, answers: Mapping[str, Answer]) -> str:
    def number(match: re.Match[str]) -> str:
        answer = answers[match[1]]
        return f"{answer.newest_at[:10] or 'an unknown day' if match[2] else answer.shown} [Q{answer.number}]"

    return PLACE.sub(number, text)


def markdown(statement: Statement) -> str:
    """The statement as Markdown."""
    lines = [
        f"# {statement.title}",
        "",
        f"Period {statement.since} to {statement.until} (not included, UTC). {CLAIM}",
        "",
        statement.note,
        "",
    ]
    for one in statement.requirements:
        lines += [f"## {one.label}", ""]
        if one.ids:
            lines += [", ".join(f"`{control}`" for control in one.ids), ""]
        lines += [f"- Evidences: {text}" for text in one.evidences]
        lines += [f"- In this period: {text}" for text in one.found_nothing]
        lines += [f"- Does not evidence: {one.lacks}", ""]
    lines += ["## Queries", "", "| | Asked for | Found | Newest |", "|---|---|---|---|"]
    for answer in statement.answers:
        newest = "" if answer.newest is None else f"entry {answer.newest:,}, {answer.newest_at}"
        lines.append(f"| Q{answer.number} | `{answer.path}` | {answer.shown} | {newest} |")
    lines += [
        "",
        f"Searched: places 0 to {statement.size - 1:,} of `{statement.log}`, root `{statement.root}`, sealed "
        f"{statement.sealed_at}. Mapping `{statement.mapping}`, digest `{statement.mapping_digest}`. Definition "
        f"{statement.framework} {statement.definition}, SHA-256 `{statement.definition_digest}`.",
        "",
        *(f"Source: {source}" for source in statement.sources),
        "",
        f"SHA-256 of this statement's canonical JSON: `{statement.digest}`",
        "",
    ]
    return "\n".join(lines)
