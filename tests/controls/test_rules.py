"""Rules without a database: what a control may become, what is overdue, what a period is, and what a table says."""

from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as some

from muniment.core.errors import Malformed, Refused
from muniment.server.controls.tables import COLUMNS, read_table, write_table
from muniment.server.controls.workflow import FREQUENCIES, STATUSES, TRANSITIONS, Definition, checked
from muniment.server.matrix.period import Period, read_period
from muniment.server.matrix.rows import Examination, Row, count_rows, is_overdue

NOW = datetime(2026, 3, 31, 23, 59, tzinfo=UTC)
SAID = Definition("What is done", owner="user:usr_1", retired_on=date(2026, 1, 1), reason="why")


def row(**said: object) -> Row:
    whole = Row(
        "own:A", 1, "x", "", "weekly", "", "in-force", (), date(2026, 1, 1), 0, 0, None, False, None, Examination()
    )
    return replace(whole, **said)  # type: ignore[arg-type]


def test_a_control_goes_only_where_the_table_of_steps_leads() -> None:
    allowed = {(step.before, step.after) for step in TRANSITIONS}
    for before, after in product(("", *STATUSES), STATUSES):
        old = None if before == "" else replace(SAID, status=before, statement="What was done")
        if (before, after) in allowed:
            assert checked(replace(SAID, status=after), old).status == after
        else:
            with pytest.raises(Refused) as refused:
                checked(replace(SAID, status=after), old)
            assert refused.value.where == "status"
    for step in TRANSITIONS:
        old = None if step.before == "" else replace(SAID, status=step.before, statement="What was done")
        for name in step.needs:
            empty: object = None if name == "retired_on" else ""
            with pytest.raises(Malformed) as malformed:
                checked(replace(SAID, status=step.after, **{name: empty}), old)  # type: ignore[arg-type]
            assert malformed.value.where == name


@pytest.mark.parametrize("frequency", sorted(FREQUENCIES))
def test_a_control_is_overdue_the_day_after_its_last_day(frequency: str) -> None:
    days = FREQUENCIES[frequency].days
    first = date(2020, 1, 1)
    for back in range(400):
        late = is_overdue(frequency, "in-force", first, date.fromordinal(NOW.toordinal() - back), NOW.date())
        assert late == (days is not None and back > days), back
    assert is_overdue(frequency, "in-force", first, None, NOW.date()) == (days is not None)
    assert not is_overdue(frequency, "in-force", NOW.date(), None, NOW.date())
    assert not is_overdue(frequency, "retired", first, None, NOW.date())


def test_a_period_is_whole_days_and_the_last_twelve_months_unless_it_is_said() -> None:
    assert read_period("", "", now=NOW) == Period(date(2025, 4, 1), date(2026, 4, 1))
    assert read_period("2026-01-01", "2026-04-01", now=NOW).words == "2026-01-01 to 2026-03-31"
    assert read_period("", "2024-02-29", now=NOW).since == date(2023, 2, 28)
    for since, until, field in (
        ("2026-1-1", "", "from"), ("2026-02-30", "", "from"), ("20260101", "", "from"), ("", "soon", "to"),
        ("1969-12-31", "", "from"), ("2026-01-01", "2026-01-01", "to"), ("2026-01-01T00", "", "from"),
        ("", "9999-12-31", "from"),
    ):  # fmt: skip
        with pytest.raises(Malformed) as malformed:
            read_period(since, until, now=NOW)
        assert malformed.value.where in (field, "to"), (since, until)


def test_no_number_of_exceptions_stands_where_nobody_looked() -> None:
    seen = Examination(samples=1, last_at=NOW, recent=True)
    long_ago = Examination(samples=1, last_at=NOW, recent=False, exceptions=0)
    assert count_rows([]).exceptions is None
    assert count_rows([row(), row(examination=long_ago)]).exceptions is None
    counters = count_rows([row(count=3), row(examination=seen), row(overdue=True, examination=long_ago)])
    assert counters.statement == "1 / 3 evidenced, 1 overdue; 0 exceptions in 12 months in 1 examined, 2 not examined"
    assert [one.state for one in (Examination(), long_ago, seen)] == ["never", "not-recently", "clean"]
    assert replace(seen, exceptions=2).state == replace(seen, concluded_bad=True).state == "exceptions"


CELLS = some.text(some.characters(codec="utf-8", exclude_categories=("Cc", "Zs", "Zl", "Zp")), max_size=12)


@given(some.lists(some.tuples(CELLS.map(lambda cell: f"x{cell}"), CELLS), min_size=1, max_size=4))
def test_a_table_that_was_written_is_read_as_it_was(rows: list[tuple[str, str]]) -> None:
    # An apostrophe before a formula is what writing puts there.
    rows = [(one, two.lstrip("'")) for one, two in rows]
    text = "".join(write_table(COLUMNS[:2], rows))
    assert [(line.cells["id"], line.cells["statement"]) for line in read_table(text)] == rows
    for line in text.splitlines()[1:]:
        assert not line.partition(",")[2].lstrip('"').startswith(("=", "+", "-", "@"))


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "csv"),
        ("id,statement\n", "csv"),
        ("statement\nx\n", "line 1"),
        ("id,id\nA,B\n", "line 1"),
        ("id,colour\nA,red\n", "line 1"),
        ('id,statement\nA,"x"y\n', "line 2"),
        ('id,statement\n\nA,"two\nlines",3\n', "line 3"),
        ("id\n" + "A\n" * 2_001, "csv"),
        ("id\n" + "é" * 600_000, "csv"),
    ],
)
def test_what_is_no_table_is_refused_with_its_line(text: str, where: str) -> None:
    with pytest.raises(Malformed) as malformed:
        read_table(text)
    assert malformed.value.where == where
