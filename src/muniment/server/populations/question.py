"""What a population is asked for: read from strings, and written as canonical JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from muniment.core.canonical import dump_json, parse_json
from muniment.core.errors import Malformed
from muniment.ledger.query import EntryFilter
from muniment.server.moments import moment, read_moment

LABELS: Final = {
    "control": "Control",
    "from": "From",
    "to": "Until",
    "action": "Action",
    "actor": "Actor",
    "agent": "Agent",
    "workspace": "Workspace",
    "outcome": "Outcome",
}
"""Every filter with its name on screen."""
OUTCOMES: Final = ("success", "failure", "denied", "unknown")
MAX_VALUE: Final = 1024


@dataclass(frozen=True, slots=True)
class Question:
    """What the entries of a population have in common.

    Attributes:
        given: by filter; times as RFC 3339 in UTC with six digits. `from` is "recorded at or after", `to` "before".
        asked: the same as the ledger takes it, without a range.
    """

    given: Mapping[str, str]
    asked: EntryFilter

    @property
    def text(self) -> str:
        """Canonical JSON (RFC 8785)."""
        return dump_json(dict(self.given)).decode()

    @property
    def words(self) -> list[tuple[str, str]]:
        """Name and value of each filter, in the order of `LABELS`."""
        return [(LABELS[name], self.given[name]) for name in LABELS if name in self.given]


def read_question(values: Mapping[str, str | None]) -> Question:
    """Read the filters; empty values are none.

    Raises:
        Malformed: naming the filter.
    """
    given = {name: text for name in LABELS if (text := (values.get(name) or "").strip())}
    for name, text in given.items():
        if len(text) > MAX_VALUE:
            raise Malformed(f"is longer than {MAX_VALUE} characters", name)
        if any(ord(letter) < 32 for letter in text):
            raise Malformed("holds a control character", name)
    if given.get("outcome", "success") not in OUTCOMES:
        raise Malformed(f"is one of {', '.join(OUTCOMES)}", "outcome")
    if "actor" in given and "agent" in given:
        raise Malformed("give either an actor or an agent", "agent")
    since, until = (_time(given, name) for name in ("from", "to"))
    if since is not None and until is not None and since >= until:
        raise Malformed("lies before the beginning", "to")
    asked = EntryFilter(
        since=since,
        until=until,
        control=given.get("control"),
        action=given.get("action"),
        actor=given.get("actor", given.get("agent")),
        actor_type="agent" if "agent" in given else None,
        workspace=given.get("workspace"),
        outcome=given.get("outcome"),
        newest_first=False,
    )
    return Question(given, asked)


def stored_question(text: str) -> Question:
    """The question of a saved population.

    Raises:
        Malformed: if the text was not written by `Question.text`.
    """
    value = parse_json(text.encode())
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        raise Malformed("is no question", "question")
    return read_question({name: str(one) for name, one in value.items()})


def _time(given: dict[str, str], name: str) -> datetime | None:
    text = given.get(name)
    if text is None:
        return None
    read = read_moment(text, name)
    given[name] = moment(read) or ""
    return read
