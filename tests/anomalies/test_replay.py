"""Ninety made-up days: what is found, how often wolf is cried, and that rounds and restarts change nothing."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muniment.anomalies.happening import MAX_LINE, Happening, read_lines
from muniment.anomalies.memory import Memory
from muniment.anomalies.rehearsal.company import DAYS, KINDS, Company, in_order
from muniment.anomalies.rehearsal.incidents import MAKERS
from muniment.anomalies.rehearsal.judging import Judged, judge_all, table, watch_over
from muniment.anomalies.rehearsal.judging import settings as settings_of
from muniment.anomalies.watch import Watch
from muniment.anomalies.watched import WATCH_DAYS
from muniment.core.errors import Malformed

PAGE = Path(__file__).parents[2] / "docs" / "anomalies.md"
FALSE_A_WEEK = 0.5
"""False alerts of one tenant that docs/anomalies.md promises to stay below, at normal sensitivity."""
TOO_SMALL = {"8 approvals by one person in 45 minutes", "an approval 2 hours after the approver's day"}


@pytest.fixture(scope="module")
def judged() -> list[Judged]:
    return judge_all()


def test_an_incident_of_each_kind_is_found_in_every_company(judged: list[Judged]) -> None:
    missed = {(one.kind.name, one.seed, incident.name) for one in judged for incident, found in one.found if not found}
    assert {name for _, _, name in missed} <= TOO_SMALL
    assert all(len(one.found) == len(MAKERS) for one in judged)
    assert {incident.detector for incident, _ in judged[0].found} == set(settings_of(KINDS[0], "normal").sensitivity)


def test_ordinary_days_raise_few_false_alerts(judged: list[Judged]) -> None:
    weeks = (DAYS - WATCH_DAYS) / 7
    for one in judged:
        later = len(one.false) - one.false_before(WATCH_DAYS)
        assert later / weeks <= FALSE_A_WEEK, (one.kind.name, one.seed, [found.sentence for found in one.false])
        assert one.false_before(WATCH_DAYS) <= 3, (one.kind.name, one.seed)


def test_the_page_publishes_what_was_computed(judged: list[Judged]) -> None:
    assert "\n".join(table(judged)) in PAGE.read_text(encoding="utf-8")


class Kept(Memory):
    """A memory that is written down between rounds, as rows of a database are."""

    def __init__(self, rows: dict[str, bytes]) -> None:
        super().__init__()
        self.rows = rows

    def kept(self, name: str) -> dict[str, object]:
        return dict(orjson.loads(self.rows.get(name, b"{}")))

    def keep(self) -> None:
        self.rows |= {name: orjson.dumps(row) for name, row in self.taken()}


@pytest.fixture(scope="module")
def small() -> list[Happening]:
    """Ninety days of the small office, with an incident a day in the last third."""
    company = Company.of(KINDS[0], 7)
    moments = list(company.days())
    for number, make in enumerate(MAKERS):
        moments += make(company, 60 + number).moments
    return in_order(moments)


@settings(max_examples=4)
@given(cuts=st.sets(st.integers(1, 1_500), max_size=6))
def test_rounds_of_any_size_and_restarts_between_them_find_the_same(small: list[Happening], cuts: set[int]) -> None:
    watched = settings_of(KINDS[0], "normal")
    whole = list(watch_over(small, watched))
    assert len(whole) > 8
    rows: dict[str, bytes] = {}
    pieces, begin = [], 0
    for cut in [*sorted(cuts), len(small)]:
        memory = Kept(rows)
        watch = Watch(watched, memory)
        pieces += [found for one in small[begin:cut] for found in watch.feed(one)]
        memory.keep()
        begin = cut
    assert pieces == whole


def test_a_company_is_drawn_again_the_same_way() -> None:
    assert in_order(list(Company.of(KINDS[0], 3).days())) == in_order(list(Company.of(KINDS[0], 3).days()))
    assert in_order(list(Company.of(KINDS[0], 3).days())) != in_order(list(Company.of(KINDS[0], 4).days()))


ENTRY = (
    b'{"event":{"action":"user.login","actor":{"id":"user:usr_1","type":"user"},"id":"evt_1","labels":["method=password"],'
    b'"outcome":"failure","source":{"id":"src_1"}},"recorded_at":"2026-03-01T10:00:00.000000Z","seq":%d}'
)


def test_lines_of_an_export_and_bare_entries_are_read_alike() -> None:
    export = [
        b'{"format":"muniment-export/1"}\n',
        b'{"seq":4,"entry_hash":"00","controls":[],"entry":' + ENTRY % 4 + b"}\n",
        b"\n",
        ENTRY % 5,
        b'{"end":{"entries":2}}',
    ]
    found = list(read_lines(export))
    assert [(one.seq, one.reference, one.facts["method"]) for one in found] == [
        (4, "src_1/evt_1", "password"),
        (5, "src_1/evt_1", "password"),
    ]


def test_what_a_program_submitted_is_passed_over() -> None:
    by_program = (ENTRY % 5).replace(b'{"event"', b'{"by":"key:ak_1","event"', 1)
    assert [one.seq for one in read_lines([ENTRY % 4, by_program, ENTRY % 6])] == [4, 6]


@pytest.mark.parametrize(
    "line",
    [
        b"nonsense",
        b"[1]",
        b'{"entry":5}',
        b'{"event":{}}',
        b'{"event":7,"seq":1,"recorded_at":"x"}',
        ENTRY.replace(b"10:00:00.000000Z", b"later") % 9,
        ENTRY.replace(b"00.000000Z", b"00") % 9,
        ENTRY % 1,
        b" " * (MAX_LINE + 1),
        b'"\xff"',
    ],
)
def test_a_line_that_cannot_be_read_is_named(line: bytes) -> None:
    with pytest.raises(Malformed) as error:
        list(read_lines([ENTRY % 1, line]))
    assert error.value.where == "line 2"
