import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from muniment.core.entry import entry_hash, parse_entry
from muniment.core.errors import Malformed
from muniment.ledger.population import count_members, count_ways, in_range, member_places, member_strata
from muniment.ledger.query import EntryFilter, Evidence, Page, find_entries, statement
from muniment.ledger.read import entries_of_event, entry_at
from tests.ledger.seal_world import World, event, rich, tenant_connection

COUNT = 240


@pytest.fixture(scope="module")
def world(module_database, tmp_path_factory):
    made = World(module_database, tmp_path_factory.mktemp("read"))
    for start in range(0, COUNT, 40):
        made.append(submissions=[rich(n) for n in range(start, start + 40)])
        made.round()
    made.append(submissions=[rich(n) for n in range(COUNT, COUNT + 5)])
    yield made
    made.close()


@pytest.fixture(scope="module")
def conn(world):
    with tenant_connection(world) as connection:
        yield connection


@pytest.fixture(scope="module")
def everything(world):
    rows = world.rows("SELECT entry FROM ledger.entries WHERE log_id = %s ORDER BY seq", world.log)
    return [parse_entry(row[0].encode()) for row in rows]


# --- one entry -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seq", [0, 3, 4, 43, 44, 100, 243, 244, 248])
def test_an_entry_is_found_by_its_place_sealed_or_not(world, conn, seq):
    entry, body = entry_at(conn, world.log, seq)
    assert parse_entry(entry.text).seq == entry.seq == seq
    assert entry_hash(entry.text) == entry.entry_hash
    assert (body is not None) == (seq >= world.first or seq == 2)


def test_a_body_comes_with_its_entry(world, conn):
    _, body = entry_at(conn, world.log, world.first + 7)
    assert (body.state, body.body, len(body.salt)) == ("stored", b'{"n":7}', 32)


@pytest.mark.parametrize("seq", [-1, 249, 2**40])
def test_a_place_beyond_the_log_has_no_entry(world, conn, seq):
    assert entry_at(conn, world.log, seq) is None


def test_an_entry_is_found_by_its_event(world, conn):
    made = rich(7).event
    [(entry, _)] = entries_of_event(conn, world.log, made.id, made.source.id)
    assert entry.seq == world.first + 7
    assert entries_of_event(conn, world.log, made.id) == entries_of_event(conn, world.log, made.id, made.source.id)
    assert entries_of_event(conn, world.log, made.id, "src_00000000000000000000000000") == []
    assert entries_of_event(conn, world.log, "evt_00000000000000000000000000") == []


def test_another_tenant_reads_nothing(module_database, world, tmp_path_factory):
    other = World(module_database, tmp_path_factory.mktemp("other"), name="other")
    with tenant_connection(other) as connection:
        assert entry_at(connection, world.log, 5) is None
        assert entries_of_event(connection, world.log, rich(7).event.id) == []
        for asked in FILTERS.values():
            assert find_entries(connection, world.log, asked[0]).entries == []
    other.close()


# --- questions -----------------------------------------------------------------------------------------------------

FILTERS = {
    "everything": (EntryFilter(), lambda e: True),
    "action": (EntryFilter(action="tool.call"), lambda e: e.event.action == "tool.call"),
    "prefix": (EntryFilter(action="tool.*"), lambda e: e.event.action.startswith("tool.")),
    "prefix of nothing": (EntryFilter(action="zzz.*"), lambda e: False),
    "actor": (EntryFilter(actor="agent:1"), lambda e: e.event.actor.id == "agent:1"),
    "tool": (EntryFilter(tool="tool-3"), lambda e: e.event.tool == "tool-3"),
    "workspace": (EntryFilter(workspace="wks-2"), lambda e: e.event.workspace == "wks-2"),
    "resource": (EntryFilter(resource="res/4"), lambda e: e.event.resource and e.event.resource.id == "res/4"),
    "resource and type": (
        EntryFilter(resource="res/4", resource_type="host"),
        lambda e: False,
    ),
    "outcome": (EntryFilter(outcome="failure"), lambda e: e.event.outcome == "failure"),
    "usual outcome": (EntryFilter(outcome="success"), lambda e: e.event.outcome == "success"),
    "control": (EntryFilter(control="soc2:CC6.1"), lambda e: "soc2:CC6.1" in e.controls),
    "label": (EntryFilter(label="n=5"), lambda e: "n=5" in e.event.labels),
    "trace": (
        EntryFilter(trace=rich(9).event.trace.id),
        lambda e: e.event.trace and e.event.trace.id == rich(9).event.trace.id,
    ),
    "source": (EntryFilter(source=rich(9).event.source.id), lambda e: e.event.source.id == rich(9).event.source.id),
    "tool and outcome": (
        EntryFilter(tool="tool-0", outcome="failure"),
        lambda e: e.event.tool == "tool-0" and e.event.outcome == "failure",
    ),
    "control, label and prefix": (
        EntryFilter(control="soc2:CC6.1", label="env=prod", action="tool.*"),
        lambda e: "soc2:CC6.1" in e.controls and "env=prod" in e.event.labels and e.event.action.startswith("tool."),
    ),
    "label and prefix": (
        EntryFilter(label="n=5", action="model.*"),
        lambda e: "n=5" in e.event.labels and e.event.action.startswith("model."),
    ),
    "prefix and actor": (
        EntryFilter(action="tool.*", actor="agent:2"),
        lambda e: e.event.action.startswith("tool.") and e.event.actor.id == "agent:2",
    ),
    "control and actor": (
        EntryFilter(control="soc2:CC6.1", actor="agent:1"),
        lambda e: "soc2:CC6.1" in e.controls and e.event.actor.id == "agent:1",
    ),
    "evidence": (
        EntryFilter(evidence=Evidence(("soc2:CC6.1", "hipaa:164.312(b)"), ("log.create",))),
        lambda e: {"soc2:CC6.1", "hipaa:164.312(b)"} & {*e.controls} or e.event.action == "log.create",
    ),
    "evidence by annotation": (
        EntryFilter(evidence=Evidence(("own:none",), ("tool.call", "x"), ("x.named",))),
        lambda e: e.event.action == "tool.call" or (e.event.action.startswith("x.") and e.event.action != "x.named"),
    ),
    "evidence, prefix and actor": (
        EntryFilter(evidence=Evidence(("soc2:CC6.1",), ("model.invoke",)), action="model.*", actor="agent:2"),
        lambda e: (
            e.event.action.startswith("model.")
            and e.event.actor.id == "agent:2"
            and ("soc2:CC6.1" in e.controls or e.event.action == "model.invoke")
        ),
    ),
    "quotes": (EntryFilter(tool="a' OR 1=1 --"), lambda e: False),
}


def pages(conn, world, asked: EntryFilter, limit: int) -> list[Page]:
    found = [find_entries(conn, world.log, asked, limit=limit)]
    while found[-1].cursor is not None:
        found.append(find_entries(conn, world.log, asked, limit=limit, cursor=found[-1].cursor))
    return found


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("name", FILTERS)
def test_every_question_is_answered_exactly_page_by_page(world, conn, everything, name, newest_first):
    asked, holds = FILTERS[name]
    asked = EntryFilter(**{key: getattr(asked, key) for key in asked.__slots__} | {"newest_first": newest_first})
    expected = [entry.seq for entry in everything if holds(entry)]
    if newest_first:
        expected.reverse()
    for limit in (7, 1000):
        answer = pages(conn, world, asked, limit)
        assert [entry.seq for page in answer for entry in page.entries] == expected
        assert all(len(page.entries) == limit for page in answer[:-1])


@pytest.mark.parametrize("many", [0, 5_000], ids=["looked at", "looked up"])
@pytest.mark.parametrize("name", [name for name in FILTERS if "control" in name or "evidence" in name])
def test_a_count_agrees_with_the_pages_by_either_way(world, conn, everything, name, many, monkeypatch):
    monkeypatch.setattr("muniment.ledger.query.MANY", many)
    asked, holds = FILTERS[name]
    asked = in_range(asked, len(everything))
    expected = [entry.seq for entry in everything if holds(entry)]
    assert count_members(conn, world.log, asked) == len(expected)
    assert list(member_places(conn, world.log, asked)) == expected
    assert [entry.seq for entry in find_entries(conn, world.log, asked, limit=1000).entries] == expected
    strata = member_strata(conn, world.log, asked, "action").values()
    assert sorted(place for part in strata for place in part) == expected
    if asked.evidence is not None:
        ways = count_ways(conn, world.log, asked)
        held = [entry for entry in everything if holds(entry) and {*asked.evidence.controls} & {*entry.controls}]
        assert (ways.recorded, ways.annotated) == (len(held), len(expected) - len(held))


def test_a_time_range_has_its_beginning_and_not_its_end(world, conn, everything):
    times = sorted({entry.recorded_at for entry in everything})
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    since, until = (epoch + timedelta(microseconds=times[at]) for at in (2, 5))
    found = pages(conn, world, EntryFilter(since=since, until=until, newest_first=False), 20)
    expected = [entry.seq for entry in everything if times[2] <= entry.recorded_at < times[5]]
    assert [entry.seq for page in found for entry in page.entries] == expected
    assert expected


def test_pages_do_not_shift_when_entries_arrive(module_database, tmp_path_factory):
    world = World(module_database, tmp_path_factory.mktemp("shift"), name="shift")
    world.append(10)
    with world.database.connect("app", autocommit=True) as connection:

        def ask(cursor: str | None = None) -> Page:
            with connection.transaction():
                connection.execute("SELECT set_config('muniment.tenant', %s, true)", [str(world.tenant)])
                return find_entries(connection, world.log, EntryFilter(), limit=6, cursor=cursor)

        first = ask()
        world.append(10)
        second = ask(first.cursor)
    seqs = [entry.seq for page in (first, second) for entry in page.entries]
    assert seqs == list(range(world.first + 9, world.first - 3, -1))
    world.close()


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_a_page_has_bounds(world, conn, limit):
    with pytest.raises(Malformed, match="limit"):
        find_entries(conn, world.log, EntryFilter(), limit=limit)


@pytest.mark.parametrize("cursor", ["", "x", "A" * 32, "A" * 31, "=" * 8, "é", "A" * 10_000])
def test_a_cursor_from_elsewhere_is_refused(world, conn, cursor):
    with pytest.raises(Malformed, match="cursor"):
        find_entries(conn, world.log, EntryFilter(), cursor=cursor)


def test_a_cursor_does_not_serve_for_another_question(world, conn):
    cursor = find_entries(conn, world.log, EntryFilter(), limit=5).cursor
    with pytest.raises(Malformed, match="another question"):
        find_entries(conn, world.log, EntryFilter(actor="agent:1"), cursor=cursor)


@pytest.mark.parametrize(
    "asked",
    [{"since": datetime(2026, 1, 1)}, {"action": "tool*"}, {"action": "*.call"}, {"tool": "a\0b"}],  # noqa: DTZ001
)
def test_a_question_that_cannot_be_meant_is_refused(asked):
    with pytest.raises(Malformed):
        EntryFilter(**asked)


# --- plans ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large(module_database, tmp_path_factory):
    """Enough rows, and of enough kinds, that a plan without the right index would be dearer."""
    world = World(module_database, tmp_path_factory.mktemp("large"), name="large")
    for start in range(0, 12_000, 2_000):
        world.append(submissions=[plan_row(n) for n in range(start, start + 2_000)])
    with world.database.connect(autocommit=True) as conn:
        conn.execute("ANALYZE ledger.entries, ledger.entry_controls, ledger.entry_labels, ledger.event_ids")
    yield world
    world.close()


def plan_row(number: int):
    row = rich(number, world="large")
    made = event(
        number,
        world="large",
        action=f"x.kind{number % 40}",
        actor=type(row.event.actor)(f"agent:{number % 300}", "agent"),
        tool=f"tool-{number % 300}",
        workspace=f"wks-{number % 300}",
        resource=type(row.event.resource)(f"res/{number % 300}", "tool"),
        trace=type(row.event.trace)(number.to_bytes(16, "big")),
        labels=(f"n={number % 300}",),
        controls=(f"own:{number % 300}",),
        outcome="denied" if number % 300 == 0 else "success",
    )
    return type(row)(made)


PLANS = {
    "action": (EntryFilter(action="x.kind3"), r"entries_.*_action_"),
    "prefix": (EntryFilter(action="x.*"), r"entries_.*_action_"),
    "actor": (EntryFilter(actor="agent:3"), r"entries_.*_actor_id_"),
    "tool": (EntryFilter(tool="tool-3"), r"entries_.*_tool_"),
    "workspace": (EntryFilter(workspace="wks-3"), r"entries_.*_workspace_"),
    "resource": (EntryFilter(resource="res/3"), r"entries_.*_resource_id_"),
    "outcome": (EntryFilter(outcome="denied"), r"entries_.*_outcome_"),
    "trace": (EntryFilter(trace=(77).to_bytes(16, "big")), r"entries_.*_trace_id_"),
    "control": (EntryFilter(control="own:3"), r"entry_controls_.*_pkey"),
    "label": (EntryFilter(label="n=3"), "entry_labels_pkey"),
    "time": (EntryFilter(), r"entries_.*_log_id_recorded_at_"),
}


def nodes(plan: dict) -> list[dict]:
    return [plan, *(found for child in plan.get("Plans", ()) for found in nodes(child))]


@pytest.mark.parametrize("role", ["app", "auditor"])
@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("name", PLANS)
def test_every_question_is_led_by_its_index_for_a_role_under_row_level_security(large, name, newest_first, role):
    asked, index = PLANS[name]
    asked = EntryFilter(**{key: getattr(asked, key) for key in asked.__slots__} | {"newest_first": newest_first})
    captured: list[tuple[bytes, dict]] = []

    class Watching:
        def cursor(self, **_):
            return self

        def execute(self, sql, parameters, **_):
            captured.append((sql, parameters))
            return self

        def fetchall(self):
            return []

    find_entries(Watching(), large.log, asked, limit=20)
    [(sql, parameters)] = captured
    assert sql == statement(asked)
    with large.database.connect(role) as conn:
        conn.execute("SELECT set_config('muniment.tenant', %s, true)", [str(large.tenant)])
        row = conn.execute(b"EXPLAIN (ANALYZE, FORMAT JSON) " + sql, parameters, prepare=False).fetchone()
    plan = row[0][0]["Plan"] if not isinstance(row[0], str) else json.loads(row[0])[0]["Plan"]
    used = {node["Index Name"] for node in nodes(plan) if "Index Name" in node}
    assert any(re.match(index, one) for one in used), used
    read = sum(
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        for node in nodes(plan)
        if "Relation Name" in node
    )
    # 21 rows lead to a page of 20, or as many for each of 40 actions under a prefix; partitions ahead are empty.
    assert read < (1000 if name == "prefix" else 100), "more was read than the page and what leads to it"
