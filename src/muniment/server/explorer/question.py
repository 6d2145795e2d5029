"""The filters of the ledger page: read from an address, and written into one.

A question that cannot be read is refused by field; nothing of it reaches the database as SQL.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from muniment.core.errors import Malformed
from muniment.ledger.query import EntryFilter

MAX_VALUE: Final = 1024
OUTCOMES: Final = ("success", "failure", "denied", "unknown")
PRESETS: Final[Mapping[str, timedelta]] = {
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "24h": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
PRESET_WORDS: Final = {
    "15m": "Last 15 minutes",
    "1h": "Last hour",
    "24h": "Last 24 hours",
    "7d": "Last 7 days",
    "30d": "Last 30 days",
}
LABELS: Final = {
    "within": "Time",
    "from": "From",
    "to": "Until",
    "action": "Action",
    "actor": "Actor",
    "tool": "Tool",
    "resource": "Resource",
    "resource_type": "Resource type",
    "outcome": "Outcome",
    "workspace": "Workspace",
    "control": "Control",
    "label": "Label",
    "trace": "Trace",
    "source": "Source",
    "order": "Order",
}
"""Every filter, in the order in which the chips stand, with its name on screen."""
_PLAIN: Final = ("action", "actor", "tool", "resource", "resource_type", "workspace", "control", "source")


@dataclass(frozen=True, slots=True)
class Question:
    """What the ledger page is asked for.

    Attributes:
        asked: the same as the ledger takes it.
        given: what the address said, by filter, in the order of `LABELS`.
    """

    asked: EntryFilter
    given: tuple[tuple[str, str], ...]

    @property
    def query(self) -> str:
        """The question as the query of an address."""
        return urlencode(self.given)

    @property
    def fixed(self) -> str:
        """The same with a time span counted back from now turned into the moment at which it began: pages need one."""
        pairs = [(name, value) for name, value in self.given if name != "within"]
        if len(pairs) != len(self.given) and self.asked.since is not None:
            pairs.append(("from", self.asked.since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")))
        return urlencode(pairs)

    @property
    def filters(self) -> tuple[tuple[str, str], ...]:
        """What narrows the answer: everything but the order."""
        return tuple(pair for pair in self.given if pair[0] != "order")

    @property
    def is_live(self) -> bool:
        """Whether entries that are recorded from now on would come first in the answer."""
        return self.asked.newest_first and self.asked.until is None

    def without(self, name: str) -> str:
        """The query of the address without one filter."""
        return urlencode([pair for pair in self.given if pair[0] != name])

    def with_value(self, name: str, value: str) -> str:
        """The query of the address with one filter set, and others of its kind gone."""
        gone = {"within", "from", "to"} if name == "within" else {name}
        return urlencode([*(pair for pair in self.given if pair[0] not in gone), (name, value)])

    def chips(self) -> Iterator[tuple[str, str, str]]:
        """Name, value and the query without it, of each filter."""
        for name, value in self.given:
            shown = {"within": PRESET_WORDS, "order": {"oldest": "Oldest first"}}.get(name, {}).get(value, value)
            yield LABELS[name], shown, self.without(name)


def read_question(parameters: Mapping[str, str], now: datetime) -> Question:
    """Read the filters of an address; parameters that are no filters are for others to judge.

    Args:
        parameters: by name; empty values are no filters.
        now: aware; presets count back from it.

    Raises:
        Malformed: naming the filter.
    """
    given = {name: value for name in LABELS if (value := parameters.get(name, "").strip())}
    for name, value in given.items():
        if len(value) > MAX_VALUE:
            raise Malformed(f"is longer than {MAX_VALUE} characters", name)
        if any(ord(letter) < 32 for letter in value):
            raise Malformed("holds a control character", name)
    if given.get("order") == "newest":
        del given["order"]
    if given.get("order", "oldest") != "oldest":
        raise Malformed("is newest or oldest", "order")
    if "outcome" in given and given["outcome"] not in OUTCOMES:
        raise Malformed(f"is one of {', '.join(OUTCOMES)}", "outcome")
    if "label" in given and "=" not in given["label"].strip("="):
        raise Malformed("looks like name=value", "label")
    since, until = _times(given, now)
    plain: dict[str, Any] = {name: given.get(name) for name in _PLAIN}
    asked = EntryFilter(
        since=since,
        until=until,
        outcome=given.get("outcome"),
        label=given.get("label"),
        trace=_trace(given.get("trace")),
        newest_first="order" not in given,
        **plain,
    )
    return Question(asked, tuple(given.items()))


def _times(given: Mapping[str, str], now: datetime) -> tuple[datetime | None, datetime | None]:
    since, until = _time(given.get("from"), "from"), _time(given.get("to"), "to")
    if "within" in given:
        if given["within"] not in PRESETS:
            raise Malformed(f"is one of {', '.join(PRESETS)}", "within")
        if since is not None or until is not None:
            raise Malformed("give either a time span or from and to", "within")
        since = (now - PRESETS[given["within"]]).replace(microsecond=0)
    if since is not None and until is not None and since >= until:
        raise Malformed("lies before the beginning", "to")
    return since, until


def _time(text: str | None, field: str) -> datetime | None:
    if text is None:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise Malformed("looks like 2026-03-01T14:23 (UTC) or 2026-03-01T14:23:07Z", field) from None
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read


def _trace(text: str | None) -> bytes | None:
    if text is None:
        return None
    if len(text) != 32 or not set(text) <= set("0123456789abcdef"):
        raise Malformed("is 32 hex digits in lower case", "trace")
    return bytes.fromhex(text)
