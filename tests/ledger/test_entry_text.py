"""The text that the database writes is the text that core writes, and it refuses what core refuses."""

import re
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from muniment.core.entry import Entry, entry_hash, parse_entry
from muniment.core.errors import Malformed, Refused
from muniment.core.event import Source, event_from_mapping, event_hash
from muniment.core.fields import check_array
from muniment.core.identifiers import CONTROLS, MAPPINGS
from muniment.ledger.columns import PLACEHOLDERS, Column, columns
from muniment.ledger.receipt import Known, Recorded, Refusal
from muniment.ledger.submission import Submission
from tests.ledger.append_world import CONTROL_SETS, EVENTS, MAPPING, SOURCE, Ledger, event, event_id, source_id

SLOW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SLOW
@given(events=st.lists(st.tuples(EVENTS, CONTROL_SETS), min_size=1, max_size=6))
def test_every_event_is_written_as_core_writes_it(module_ledger: Ledger, events):
    submissions = [Submission(replace(one, id=event_id())) for one, _ in events]
    controls = [tuple(sorted({*one.controls, *more})) for one, more in events]
    outcomes = module_ledger.append(*submissions, controls=controls)
    receipts = [outcome.receipt for outcome in outcomes if isinstance(outcome, Recorded)]
    assert len(receipts) == len(submissions)
    stored = module_ledger.rows("entry, entry_hash, prev", where=f"seq >= {receipts[0].seq}")
    for (text, hashed, prev), receipt, submission, control in zip(stored, receipts, submissions, controls, strict=True):
        expected = Entry(
            seq=receipt.seq,
            prev=prev,
            recorded_at=receipt.recorded_at,
            log=module_ledger.origin,
            by=f"key:{module_ledger.key.key_id}",
            map=MAPPING,
            event=submission.event,
            controls=control,
        )
        assert text.encode() == expected.text()
        assert hashed == receipt.entry_hash == entry_hash(expected.text())
    last = module_ledger.rows("event_hash", table="event_ids", where=f"seq = {receipts[-1].seq}")
    assert bytes(last[0][0]) == event_hash(submissions[-1].event.text())


@SLOW
@given(one=EVENTS)
def test_every_column_says_what_the_text_says(module_ledger: Ledger, one):
    one = replace(one, id=event_id())
    [outcome] = module_ledger.append(Submission(one))
    assert isinstance(outcome, Recorded)
    [row] = module_ledger.rows(
        "entry, event_id, action, actor_type, actor_id, outcome, occurred_at, source_id, epoch, source_seq,"
        "source_prev, tool, workspace, resource_type, resource_id, trace_id, span_id, labels, causes, event_controls,"
        "body_commit, body_len, body_type, body_scheme, controls",
        where=f"seq = {outcome.receipt.seq}",
    )
    told = parse_entry(row[0].encode())
    e = told.event
    assert row[1:] == (
        *(e.id, e.action, e.actor.type, e.actor.id, e.outcome, e.occurred_at),
        *(e.source.id, e.source.epoch, e.source.seq, e.source.prev, e.tool, e.workspace),
        *((e.resource.type, e.resource.id) if e.resource else (None, None)),
        *((e.trace.id, e.trace.span) if e.trace else (None, None)),
        *(list(items) or None for items in (e.labels, e.causes, e.controls)),
        *((e.body.commit, e.body.len, e.body.type, 1) if e.body else (None,) * 4),
        list(told.controls) or None,
    )


def test_entry_zero_is_the_one_of_the_format(ledger: Ledger):
    first = parse_entry(ledger.texts()[0])
    assert (first.seq, first.prev, first.by, first.event.action) == (0, bytes(32), "system:muniment", "log.create")
    assert first.event.resource is not None
    assert (first.event.resource.type, first.event.resource.id) == ("log", ledger.origin)
    root, seal, tenant = first.event.labels
    assert (root, seal) == ("log.root=root.example+0123abcd", "log.seal-within=2")
    assert re.fullmatch("log.tenant=tnt_[0-7][0-9A-HJKMNP-TV-Z]{25}", tenant)
    assert entry_hash(first.text()) == ledger.genesis


# One column at a time is given to the database as a thief of the ingest password could give it.
COLUMN = {
    "id": 1,
    "action": 2,
    "actor.type": 3,
    "actor.id": 4,
    "outcome": 5,
    "occurred_at": 6,
    "source.id": 7,
    "source.epoch": 8,
    "source.seq": 9,
    "source.prev": 10,
    "tool": 11,
    "workspace": 12,
    "resource.type": 13,
    "resource.id": 14,
    "trace.id": 15,
    "trace.span": 16,
    "labels": 17,
    "causes": 18,
    "controls": 19,
    "body.commit": 20,
    "body.len": 21,
    "body.type": 22,
    "entry.controls": 23,
}
RICH: dict[str, Any] = {
    "id": "evt_01KAY9M2Z7Q4WXYH3J8V5T6R0C",
    "action": "tool.call",
    "actor.type": "agent",
    "actor.id": "agent:x",
    "outcome": "success",
    "occurred_at": "1772374987847291000",
    "source.id": SOURCE,
    "source.epoch": "ab" * 16,
    "source.seq": "7",
    "source.prev": "cd" * 32,
    "tool": "http",
    "workspace": "wks",
    "resource.type": "tool",
    "resource.id": "r",
    "trace.id": "ef" * 16,
    "trace.span": "01" * 8,
    "labels": "env=prod",
    "causes": None,
    "controls": None,
    "body.commit": "23" * 32,
    "body.len": "5",
    "body.type": "a/b",
    "entry.controls": "soc2:CC6.1",
}
OPTIONAL = {"tool", "workspace", "labels", "causes", "controls", "entry.controls"}
ARRAYS = {"labels", "causes", "controls", "entry.controls"}


def document(values: dict[str, Any]) -> dict[str, Any]:
    """The event that these columns would be, as parsed JSON."""
    made: dict[str, Any] = {}
    for name, value in values.items():
        if value is None or name == "entry.controls":
            continue
        if name in ARRAYS:
            value = value.split("\t")
        elif name in ("source.seq", "body.len"):
            value = int(value) if re.fullmatch("0|[1-9][0-9]*", value) else value
        group, _, key = name.rpartition(".")
        (made.setdefault(group, {}) if group else made)[key] = value
    if "body" in made:
        made["body"]["scheme"] = 1
    return made


def core_accepts(values: dict[str, Any]) -> bool:
    """Whether core takes the same values; times and numbers apart, which have tests of their own."""
    try:
        fields = document(values)
        fields["occurred_at"] = "2026-03-01T14:23:07.847291000Z"
        read = event_from_mapping(fields)
        whole = values["entry.controls"].split("\t") if values["entry.controls"] is not None else []
        check_array(tuple(whole), CONTROLS, 16, "controls")
        return set(read.controls) <= set(whole)
    except Malformed:
        return False


def database_answer(ledger: Ledger, values: dict[str, Any]) -> list[dict[str, str]] | str | None:
    """What append() refuses; nothing is kept."""
    column_values: list[Column] = columns([Submission(event())], [()])
    for name, at in COLUMN.items():
        column_values[at] = values[name]
    statement = f"SELECT refused, first_seq, settled FROM ledger.append(%s, %s, %s, {PLACEHOLDERS})"
    with ledger.database.connect("ingest") as conn:
        try:
            row = conn.execute(statement, [ledger.key.key_id, ledger.log, MAPPING, *column_values]).fetchone()
        except psycopg.Error as error:
            return error.sqlstate or "?"
        finally:
            conn.rollback()
    assert row is not None
    return row[0]


NASTY = st.one_of(
    st.text(st.sampled_from('aAzZ09_.-:/=()+!#$&^ "\\\x00\x01\x1f\x7f\x80\x85\x9f\xa0é\u2028'), max_size=80),
    st.text(max_size=20).filter(lambda t: t.isprintable()),
    st.sampled_from(["", "x", "X", "a.b", "a.B", "é", "a" * 64, "a" * 65, "a" * 256, "é" * 128, "é" * 129, "a" * 1025]),
    st.sampled_from(["a=b", "A=b", "a=", "a=é", "a=" + "x" * 256, "a=" + "x" * 257, "a" * 63 + "=x", "a" * 64 + "=x"]),
    st.sampled_from(["a=1\ta=2", "a=2\ta=1", "a=1\ta=1", "a=1\t", "\ta=1", "\t".join(f"a=x{n:02}" for n in range(33))]),
    st.sampled_from(["soc2:CC6.1\tsoc2:CC6.2", "soc2:CC6.2", "soc2", "a--b:c", "-a:b", "a-:b", "a:" + "x" * 62]),
    st.sampled_from(["a:" + "x" * 63, "a:b\ta:b", "Z:b", "\t".join(f"a:{n:02}" for n in range(17))]),
    st.sampled_from(["text/plain", "text/plain;q=1", "Text/plain", "/", "a/", "x" * 63 + "/" + "x" * 63]),
    st.sampled_from(["x" * 64 + "/" + "x" * 63, "ab" * 32, "AB" * 32, "ab" * 16, "ab" * 8, "ab" * 33, "0" * 64]),
    st.sampled_from(["agent", "Agent", "user", "system", "service", "session", "denied", "failure", "unknown"]),
    st.sampled_from(
        ["evt_01KAY9M2Z7Q4WXYH3J8V5T6R0C", "evt_81KAY9M2Z7Q4WXYH3J8V5T6R0C", "src_01KAY9M2Z7Q4WXYH3J8V5T6R0C"]
    ),
    st.sampled_from(
        ["evt_01KAY9M2Z7Q4WXYH3J8V5T6R0I", "evt_01kay9m2z7q4wxyh3j8v5t6r0c", "evt_01KAY9M2Z7Q4WXYH3J8V5T6R0"]
    ),
    st.just(f"{SOURCE}/evt_01KAY9M2Z7Q4WXYH3J8V5T6R0C\t{SOURCE}/evt_01KAY9M2Z7Q4WXYH3J8V5T6R0D"),
    st.sampled_from(
        ["0", "1", "00", "-1", "+1", "1e3", "9007199254740991", "9007199254740992", "99999999999999999999"]
    ),
)


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(sorted(set(COLUMN) - {"occurred_at"})), value=NASTY)
def test_the_database_refuses_what_core_refuses_and_nothing_else(module_ledger: Ledger, name: str, value: str):
    values = {**RICH, name: value}
    # An empty line is how an absent value is written: it is the absence that is then judged.
    told = {**values, name: None} if value == "" else values
    if value == "" and name == "id":
        told["id"] = "no id"
    accepted = core_accepts(told)
    answer = database_answer(module_ledger, values)
    if name == "id" and accepted and value > "evt_01T":
        assert isinstance(answer, list)
        assert "ahead" in answer[0]["reason"]
    else:
        assert (answer is None) == accepted, (name, value, answer)


@pytest.mark.parametrize(
    "group",
    [
        ("source.epoch", "source.seq", "source.prev"),
        ("body.commit", "body.len", "body.type"),
        ("resource.type", "resource.id"),
    ],
)
def test_what_stands_together_is_refused_apart(module_ledger: Ledger, group: tuple[str, ...]):
    assert database_answer(module_ledger, {**RICH, **dict.fromkeys(group)}) is None
    for name in group:
        assert isinstance(database_answer(module_ledger, {**RICH, name: None}), list)


def test_a_span_needs_a_trace(module_ledger: Ledger):
    answer = database_answer(module_ledger, {**RICH, "trace.id": None})
    assert isinstance(answer, list)
    assert answer[0]["field"] == "trace"
    assert database_answer(module_ledger, {**RICH, "trace.span": None}) is None


@pytest.mark.parametrize(
    "value", ["-1", "", "01", "1.5", "9214646400000000000", "9223372036854775808", "99999999999999999999"]
)
def test_a_time_outside_1970_to_2261_is_refused_by_name(module_ledger: Ledger, value: str):
    answer = database_answer(module_ledger, {**RICH, "occurred_at": value})
    assert isinstance(answer, list)
    assert answer[0]["field"] == "occurred_at"
    assert database_answer(module_ledger, {**RICH, "occurred_at": "9214646399999999999"}) is None


def test_an_entry_must_hold_every_control_of_its_event(module_ledger: Ledger):
    answer = database_answer(module_ledger, {**RICH, "controls": "soc2:CC6.1", "entry.controls": "soc2:CC6.2"})
    assert isinstance(answer, list)
    assert answer[0]["field"] == "entry.controls"


@pytest.mark.parametrize("name", sorted(set(COLUMN) - {"causes", "controls"}))
def test_a_line_too_many_in_one_column_shifts_nothing(module_ledger: Ledger, name: str):
    assert database_answer(module_ledger, {**RICH, name: f"{RICH[name]}\n{RICH[name]}"}) == "MU004"


@pytest.mark.parametrize("mapping", ["", "Base", "a" * 65, 'a","prev":"', "a\n"])
def test_a_mapping_is_a_version_and_nothing_else(module_ledger: Ledger, mapping: str):
    assert MAPPINGS.fullmatch(mapping) is None
    with module_ledger.database.connect("ingest") as conn, pytest.raises(psycopg.Error) as caught:
        conn.execute(
            f"SELECT * FROM ledger.append(%s, %s, %s, {PLACEHOLDERS})",
            [module_ledger.key.key_id, module_ledger.log, mapping, *columns([Submission(event())], [()])],
        )
    assert caught.value.sqlstate == "MU004"


def test_the_good_events_of_a_partly_bad_batch_are_recorded(ledger: Ledger):
    good, bad = Submission(event()), Submission(event(id="evt_7ZZZZZZZZZZZZZZZZZZZZZZZZZ"))
    outcomes = ledger.append(good, bad, Submission(event()))
    assert [type(outcome) for outcome in outcomes] == [Recorded, Refusal, Recorded]
    assert isinstance(outcomes[1], Refusal)
    assert (outcomes[1].field, "ahead" in outcomes[1].reason) == ("id", True)
    assert isinstance(outcomes[0], Recorded)
    assert isinstance(outcomes[2], Recorded)
    assert outcomes[2].receipt.seq == outcomes[0].receipt.seq + 1
    assert isinstance(ledger.append(good)[0], Known)


def test_a_batch_of_which_all_is_refused_records_nothing(ledger: Ledger):
    size = ledger.size()
    bad = [Submission(event(id="evt_7ZZZZZZZZZZZZZZZZZZZZZZZZ" + last)) for last in "AB"]
    assert all(isinstance(outcome, Refusal) for outcome in ledger.append(*bad))
    assert ledger.size() == size


def test_five_thousand_events_are_a_batch_and_one_more_is_not(ledger: Ledger):
    many = [Submission(event()) for _ in range(5001)]
    with pytest.raises(Refused, match="5000"):
        ledger.append(*many)
    outcomes = ledger.append(*many[:5000])
    seqs = [outcome.receipt.seq for outcome in outcomes if isinstance(outcome, Recorded)]
    assert seqs == list(range(seqs[0], seqs[0] + 5000))


def test_two_sources_may_use_the_same_event_id(ledger: Ledger):
    other = source_id()
    same_id = event_id()
    outcomes = ledger.append(Submission(event(id=same_id)), Submission(event(id=same_id, source=Source(other))))
    assert [type(outcome) for outcome in outcomes] == [Recorded, Recorded]
