"""A trace in a terminal: a tree that is read at a glance, of which nothing that went wrong is folded away."""

import unicodedata
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from muniment.cli.tracetree import fitted, tree
from muniment.server.causality.findings import findings_in
from muniment.server.causality.folding import steps_of
from muniment.server.causality.graph import graph_of
from muniment.server.causality.happening import Happening
from tests.causality.test_graph import any_graph, happening


def drawn(rows: list[Any], width: int = 76, **options: Any) -> list[str]:
    graph = graph_of(rows)
    return list(tree(graph.happenings, graph.edges, width=width, **options))


def columns(line: str) -> int:
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in line
    )


ACTIONS = ["tool.call", "tool.result", "tool.refuse", "agent.step", "agent.start", "agent.finish", "resource.read"]


@st.composite
def told_graph(draw: st.DrawFn) -> list[Happening]:
    """Any graph, of actions and outcomes that begin, end and fail."""
    rows = draw(any_graph(circles=True))
    return [
        replace(
            one,
            action=draw(st.sampled_from(ACTIONS)),
            outcome=draw(st.sampled_from(["unknown", "success", "failure", "denied"])),
            actor=draw(st.sampled_from(["agent:a", "agent:b"])),
        )
        for one in rows
    ]


@given(any_graph(circles=True), st.integers(30, 120))
@settings(max_examples=50, deadline=None)
def test_in_full_every_entry_stands_on_exactly_one_line_that_fits(rows: list[Any], width: int) -> None:
    lines = drawn(rows, width, fold=False)
    assert len(lines) == len(rows)
    assert all(columns(line) <= width for line in lines)
    assert sorted(int(line.split()[0]) for line in lines) == sorted(one.seq for one in rows)


@given(told_graph())
@settings(max_examples=100, deadline=None)
def test_folding_loses_no_entry_and_nothing_that_went_wrong_or_contradicts(rows: list[Happening]) -> None:
    graph = graph_of(rows)
    marked = {name for one in findings_in(graph).listed if one.contradicts for name in one.about}
    found = steps_of(graph.happenings, graph.edges, kept=marked)
    shown = [one.reference for step in found.steps for one in (step.first, step.end) if one is not None]
    assert len(shown) == len(set(shown))
    assert len(found.steps) + found.ends + found.turns == len(rows)
    hidden = [one for one in rows if one.reference not in shown]
    assert len(hidden) == found.turns
    assert all(one.action == "agent.step" and one.outcome in ("unknown", "success") for one in hidden)
    told_outcomes = {step.end.reference: step.outcome for step in found.steps if step.end is not None}
    assert all(told_outcomes.get(one.reference, one.outcome) == one.outcome for one in rows)
    assert all(step.first.outcome in ("unknown", "denied") for step in found.steps if step.end is not None)
    assert not marked & {one.reference for step in found.steps if step.end for one in (step.first, step.end)}
    assert not marked & {one.reference for one in hidden}
    assert all(step.parent < place for place, step in enumerate(found.steps))


@given(told_graph())
@settings(max_examples=60, deadline=None)
def test_the_lines_and_the_number_that_is_said_to_be_folded_are_all_entries(rows: list[Happening]) -> None:
    lines = drawn(rows, 200)
    said = next((line for line in lines if line.startswith("Folded: ")), f"Folded: 0 of {len(rows)} entries")
    more = sum("more like it" in line for line in lines)
    entries = [line for line in lines if line and not line.startswith("Folded") and "more like it" not in line]
    assert len(entries) + int(said.split()[1]) == len(rows)
    assert more == 0 or "like the one above them" in said
    wrong = list(steps_of(graph_of(rows).happenings, graph_of(rows).edges).steps)
    assert sum("✕ FAILED" in line for line in entries) == sum(step.outcome == "failure" for step in wrong)
    assert sum("⊘ REFUSED" in line for line in entries) == sum(step.outcome == "denied" for step in wrong)


def test_a_delegation_reads_as_steps_with_their_outcome_and_their_time() -> None:
    second = 10**9
    lines = drawn([
        happening(1, action="agent.start", outcome="unknown"),
        happening(2, 1, action="agent.step", outcome="unknown"),
        happening(3, 2, action="model.invoke", outcome="unknown"),
        happening(4, 3, action="model.result"),
        happening(5, 4, target="ask", outcome="unknown"),
        happening(6, 5, action="agent.start", actor="agent:b", outcome="unknown"),
        happening(7, 6, actor="agent:b", target="get", outcome="unknown"),
        happening(8, 7, actor="agent:b", action="tool.result", target="get", outcome="failure"),
        happening(9, 6, actor="agent:b", target="drop", outcome="denied"),
        happening(10, 9, actor="agent:b", action="tool.refuse", target="drop", outcome="denied"),
        happening(11, 6, 8, actor="agent:b", action="agent.finish"),
        happening(12, 5, 11, action="tool.result", target="ask", occurred_at=151 * second),
        happening(13, 2, action="agent.step"),
        happening(14, 1, 13, action="agent.finish", occurred_at=152 * second),
    ])  # fmt: skip
    assert lines == [
        " 1  ● agent.start · agent:a                              success       2m31s",
        " 3    model.invoke                                       success      1.000s",
        " 5    tool.call ask                                      success       2m26s",
        " 6    └─ agent.start · agent:b                           success      5.000s",
        " 7       ├─ tool.call get → 8                            ✕ FAILED     1.000s",
        " 9       └─ tool.call drop → 10                          ⊘ REFUSED    1.000s",
        "",
        "Folded: 8 of 14 entries (6 on the line of what they ended, 2 of turns of an",
        "  agent); --full shows them.",
    ]


def test_an_intent_that_nothing_ended_or_that_two_entries_ended_is_a_line_of_its_own() -> None:
    lines = drawn([
        happening(1, target="a", outcome="unknown"),
        happening(2, target="b", outcome="unknown"),
        happening(3, 2, action="tool.result", target="b"),
        happening(4, 2, action="tool.result", target="b", outcome="failure"),
    ])  # fmt: skip
    assert [line.split()[0] for line in lines] == ["1", "2", "3", "4"]
    assert "? unknown" in lines[0]
    assert "✕ FAILED" in lines[3]


def test_who_ends_what_another_began_is_not_folded() -> None:
    intent = happening(1, target="a", outcome="unknown")
    ended = happening(2, 1, action="tool.result", target="a")
    for forged in (replace(ended, source="x"), replace(ended, actor="agent:x"), replace(ended, target="b")):
        assert len(drawn([intent, forged])) == 2
    assert drawn([intent, ended])[1:3] == [
        "",
        "Folded: 1 of 2 entries (1 on the line of what they ended); --full shows",
    ]


def test_a_turn_that_failed_or_was_never_ended_stays() -> None:
    begun = happening(1, action="agent.step", outcome="unknown")
    assert "agent.step" in drawn([begun, happening(2, 1)])[0]
    failed = drawn([begun, happening(2, 1), happening(3, 1, action="agent.step", outcome="failure")])
    assert "agent.step → 3" in failed[0]
    assert "✕ FAILED" in failed[0]


def test_what_a_contradiction_names_carries_a_sign_and_is_not_folded() -> None:
    rows = [happening(1, outcome="unknown"), happening(2, 1, action="tool.result")]
    lines = drawn(rows, marked=frozenset({"s/2"}))
    assert len(lines) == 2
    assert "! tool.result" in lines[1]


def test_many_that_say_the_same_are_one_line_and_a_number_and_what_differs_among_them_is_not() -> None:
    rows = [happening(0, action="agent.start"), *(happening(seq, 0) for seq in range(1, 1_001))]
    rows[500] = replace(rows[500], outcome="failure")
    lines = drawn(rows)
    assert "498 more like it, up to 499" in lines[2]
    assert "✕ FAILED" in lines[3]
    assert lines[3].split()[0] == "500"
    assert "499 more like it, up to 1000" in lines[5]
    assert "Folded: 997 of 1001 entries" in lines[-2]


def test_what_could_act_on_a_terminal_is_spelt_out() -> None:
    (line,) = drawn([happening(1, target="\x1b[31m\u202eevil\r", actor="agent:\u2066x")])
    assert line.isprintable()
    assert "\\x1b[31m" in line


def test_wide_letters_take_two_columns() -> None:
    assert fitted("日本語", 4) == "日…"
    assert fitted("日本", 4) == "日本"


def test_a_chain_of_five_thousand_and_agents_that_hand_on_for_ever_do_not_run_off_to_the_right() -> None:
    chain = [happening(seq, *([seq - 1] if seq else [])) for seq in range(5_000)]
    lines = drawn(chain, fold=False)
    assert len(lines) == 5_000
    assert "4999    tool.call" in lines[-1]
    assert "4999 more like it, up to 4999" in drawn(chain)[1]
    lines = drawn([replace(one, actor=f"agent:{one.seq % 2}") for one in chain])
    assert len(lines) == 5_000
    assert "(4999) tool.call" in lines[-1]


def test_a_long_target_does_not_push_out_who_did_it() -> None:
    (line,) = drawn([happening(1, target="muniment.log/" + "x" * 60, actor="agent:" + "y" * 60)])
    assert "tool.call muniment…xxxxxxx · agent:yy…yyyyyyy" in line
