"""Asking the log for the numbers of a report, under one checkpoint; and asking again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from muniment.catalogs.actions import registry
from muniment.core.entry import parse_entry
from muniment.core.errors import Malformed, Refused
from muniment.core.event import Event
from muniment.ledger.newest_steps import NewestStep, newest_steps
from muniment.ledger.population import Searched, Stratum, count_members, in_range, member_strata
from muniment.ledger.query import EntryFilter, Evidence, find_entries, in_one_process
from muniment.ledger.read import entry_at
from muniment.reports.asks import STRATA, Ask, Group
from muniment.reports.blocks import Figure
from muniment.reports.conditions import ACTION, Condition
from muniment.reports.document import Number, Value
from muniment.server.access.standing import Standing
from muniment.server.moments import moment
from muniment.server.populations.models import Mark, Population, Sample
from muniment.server.populations.question import read_question
from muniment.server.populations.services import asked_of, population_for, sample_for
from muniment.server.populations.workflow import RESULTS

if TYPE_CHECKING:
    from psycopg import Connection

NONE = "none"
"""What is answered where there is nothing."""


@dataclass
class Asking:
    """Questions to one log under one checkpoint, in one transaction, and the numbers that came of them.

    Attributes:
        standing: of whoever asks.
        reading: in a transaction of the tenant.
        under: what is searched.
        numbers: in the order in which they were asked.
    """

    standing: Standing
    reading: Connection[Any]
    under: Searched
    numbers: list[Number] = field(default_factory=list)
    _strata: dict[tuple[str, str], Mapping[str, int]] = field(default_factory=dict)
    _known: dict[str, Figure] = field(default_factory=dict)
    _evidenced: dict[str, bool] = field(default_factory=dict)
    _steps: dict[tuple[str, tuple[str, ...], int], Mapping[str, Mapping[str, NewestStep]]] = field(default_factory=dict)

    def figure(self, what: str, ask: Ask) -> Figure:
        """Ask, and keep the answer as a number with a reference; what was asked before has the reference it had."""
        asked = orjson.dumps(ask.as_json(), option=orjson.OPT_SORT_KEYS).decode()
        if (known := self._known.get(asked)) is not None:
            return known
        self.numbers.append(Number(what, ask, self.answer(ask)))
        self._known[asked] = Figure(len(self.numbers))
        return self._known[asked]

    def value(self, figure: Figure) -> Value:
        """What was answered."""
        return self.numbers[figure.number - 1].value

    def answer(self, ask: Ask) -> Value:
        """The answer to a question.

        Raises:
            Malformed: naming the filter.
            Refused: for what is not there under this checkpoint, or may not be shown.
        """
        match ask.kind:
            case "entries":
                return self.under.size
            case "count":
                asked = self._asked(ask)
                if ask.stratum is not None:
                    return self._stratum(
                        orjson.dumps(ask.as_json()["filters"]).decode() + str(asked), asked, ask.stratum
                    )
                return count_members(self.reading, self.standing.log_id, asked)
            case "newest":
                return self._newest(ask)
            case "population":
                return self._population(ask)
            case "sample":
                return self._sample(ask)
            case "subjects":
                return self._subjects(ask)
            case "evidenced":
                return sum(self._is_evidenced(ask, group) for group in ask.groups)
        return self._recorded(ask)

    def steps(self, about: str, actions: Sequence[str], below: int = 0) -> Mapping[str, Mapping[str, NewestStep]]:
        """The newest step of each action, for all things of a type, under the checkpoint or before an earlier place."""
        limit = min(below or self.under.size, self.under.size)
        known = (about, tuple(actions), limit)
        if known not in self._steps:
            self._steps[known] = newest_steps(
                self.reading, self.standing.log_id, kind=about, actions=actions, below=limit
            )
        return self._steps[known]

    def _subjects(self, ask: Ask) -> int:
        found = self.steps(ask.about, ask.actions, ask.below)
        wanted = found if ask.ids is None else [one for one in dict.fromkeys(ask.ids) if one in found]
        return sum(_stands(found[one], ask.where) for one in wanted)

    def _is_evidenced(self, ask: Ask, group: Group) -> bool:
        controls, actions, besides = group
        one = Ask("newest", ask.filters, controls, actions, besides, of="place")
        asked = orjson.dumps(one.as_json(), option=orjson.OPT_SORT_KEYS).decode()
        if asked not in self._evidenced:
            # A question that names neither would be one about every entry.
            self._evidenced[asked] = bool(controls or actions) and self._newest(one) != NONE
        return self._evidenced[asked]

    def place_at(self, at: datetime) -> int:
        """How many entries under the checkpoint were recorded before a time."""
        in_one_process(self.reading)
        asked = EntryFilter(until=at, below=self.under.size)
        page = find_entries(self.reading, self.standing.log_id, asked, limit=1)
        return page.entries[0].seq + 1 if page.entries else 0

    def is_evidenced(self, filters: Mapping[str, str], group: Group) -> bool:
        """Whether a control has an entry."""
        return self._is_evidenced(Ask("evidenced", filters), group)

    def strata(self, population: Population, by: str) -> Mapping[str, int]:
        """How many entries of a saved population are in each stratum, by its name."""
        return self._strata_of(population.id, _members(population), by)

    def population_of(self, wanted: str) -> Population:
        """A population that was saved under this checkpoint's log, and searches no more than it covers.

        Raises:
            Refused: if there is none, or it goes further.
        """
        row = population_for(self.standing, wanted)
        if row.log != self.under.origin:
            raise Refused(f"it was taken from the log {row.log}, which is not the active one", "population")
        if row.size > self.under.size:
            raise Refused(
                f"it ends at {row.size:,} entries, beyond the checkpoint of {self.under.size:,}", "population"
            )
        return row

    def sample_of(self, wanted: str) -> Sample:
        """A sample that was drawn under this checkpoint.

        Raises:
            Refused: if there is none.
        """
        row = sample_for(self.standing, wanted)
        if row.seq >= self.under.size:
            raise Refused("it was drawn after the checkpoint", "sample")
        return row

    def _asked(self, ask: Ask) -> EntryFilter:
        asked = read_question(dict(ask.filters or {})).asked
        if ask.controls or ask.actions:
            asked = replace(asked, evidence=Evidence(ask.controls, ask.actions, ask.besides))
        return in_range(asked, self.under.size)

    def _newest(self, ask: Ask) -> Value:
        asked = replace(self._asked(ask), newest_first=True)
        in_one_process(self.reading)
        page = find_entries(self.reading, self.standing.log_id, asked, limit=1)
        if not page.entries:
            return NONE
        found = page.entries[0]
        return found.seq if ask.of == "place" else moment(found.recorded_at) or NONE

    def _population(self, ask: Ask) -> Value:
        row = self.population_of(ask.id)
        if ask.stratum is not None:
            return self._stratum(row.id, _members(row), ask.stratum)
        return count_members(self.reading, self.standing.log_id, _members(row))

    def _sample(self, ask: Ask) -> Value:
        row = self.sample_of(ask.id)
        if ask.of == "items":
            return len(row.places)
        below = Mark.objects.filter(tenant_id=row.tenant_id, sample_id=row.id, seq__lt=self.under.size)
        if ask.of == "conclusion":
            whole = below.filter(place__isnull=True).order_by("-number").first()
            return NONE if whole is None else RESULTS.get(whole.conclusion, whole.conclusion)
        newest = (
            below.filter(place__isnull=False)
            .order_by("place", "-number")
            .distinct("place")
            .values_list("exception", flat=True)
        )
        marks = list(newest)
        return sum(marks) if ask.of == "exceptions" else len(marks)

    def _recorded(self, ask: Ask) -> Value:
        found = entry_at(self.reading, self.standing.log_id, ask.seq) if ask.seq < self.under.size else None
        if found is None:
            raise Refused(f"there is no entry {ask.seq:,} under the checkpoint", "seq")
        entry, body = found
        event = parse_entry(entry.text).event
        if ask.path[0] == "labels":
            return _label(event, ask.path[1])
        known = registry().get(event.action)
        if (known is None or known.emitter != "ledger") and not self.standing.sees_bodies:
            raise Refused("its body may not be shown to you", "path")
        if body is None or body.body is None:
            raise Refused("its body is not stored here", "path")
        return _within(body.body, ask.path[1:])

    def _stratum(self, name: str, asked: EntryFilter, stratum: tuple[str, str]) -> int:
        return self._strata_of(name, asked, stratum[0]).get(stratum[1], 0)

    def _strata_of(self, name: str, asked: EntryFilter, by: str) -> Mapping[str, int]:
        if (name, by) not in self._strata:
            found = member_strata(self.reading, self.standing.log_id, asked, _stratum_name(by))
            self._strata[name, by] = {one: len(places) for one, places in found.items()}
        return self._strata[name, by]


def _stands(steps: Mapping[str, NewestStep], where: Sequence[Condition]) -> bool:
    newest = max(steps.values(), key=lambda one: one.seq)
    for condition in where:
        step = newest if not condition.of else steps.get(condition.of)
        if step is None:
            return False
        value = step.action if condition.label == ACTION else step.labels.get(condition.label, "")
        if not condition.holds(value):
            return False
    return True


def _members(population: Population) -> EntryFilter:
    return in_range(asked_of(population).entries, population.size)


def _stratum_name(by: str) -> Stratum:
    for known in STRATA:
        if by == known:
            return known
    raise Malformed(f"is one of {', '.join(STRATA)}", "stratum")


def _label(event: Event, name: str) -> str:
    for label in event.labels:
        key, _, value = label.partition("=")
        if key == name:
            return value
    return NONE


def _within(body: bytes, path: tuple[str, ...]) -> Value:
    try:
        value: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refused("its body is no JSON", "path") from None
    for step in path:
        if isinstance(value, list):
            value = next((one for one in value if isinstance(one, dict) and one.get("name") == step), None)
        else:
            value = value.get(step) if isinstance(value, dict) else None
        if value is None:
            return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | str):
        return value
    raise Refused("is no single value", "path")
