"""The causal order: a linear extension of the causes, with nothing lost, whatever the causes are."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muniment.core.errors import Malformed
from muniment.server.causality.findings import CONTRADICTIONS, MOST, Findings, findings_in
from muniment.server.causality.graph import Edge, graph_of
from muniment.server.causality.happening import Happening, read_happening

SECOND = 10**9
TRACE = "ab" * 16


def happening(seq: int, *causes: int | str, **changes: object) -> Happening:
    """The entry at a place; causes by place."""
    named = tuple(cause if isinstance(cause, str) else f"s/{cause}" for cause in causes)
    whole = Happening(
        reference=f"s/{seq}", seq=seq, recorded_at=seq * 10**6, occurred_at=seq * SECOND, action="tool.call",
        actor="agent:a", actor_type="agent", target="", outcome="success", source="s", epoch="", number=None, trace="",
        span="", parent="", causes=named,
    )  # fmt: skip
    return replace(whole, **changes)


def kinds(found: Findings) -> list[str]:
    return [finding.kind for finding in found.listed]


@st.composite
def any_graph(draw: st.DrawFn, *, circles: bool) -> list[Happening]:
    """Entries whose causes may stand anywhere in the log; without circles, along a hidden order."""
    size = draw(st.integers(1, 25))
    hidden = draw(st.permutations(range(size)))
    rows = []
    for place, seq in enumerate(hidden):
        reachable = range(size) if circles else hidden[:place]
        causes = draw(st.sets(st.sampled_from(list(reachable) or [seq]), max_size=4)) if place or circles else set()
        rows.append(happening(seq, *sorted(causes)))
    return rows


@given(any_graph(circles=False))
@settings(max_examples=100, deadline=None)
def test_without_circles_nothing_stands_before_its_causes_and_nothing_is_lost(rows: list[Happening]) -> None:
    graph = graph_of(rows)
    place = {one.reference: number for number, one in enumerate(graph.happenings)}
    assert sorted(place) == sorted(one.reference for one in rows)
    assert all(place[cause] < place[one.reference] for one in rows for cause in one.causes)
    assert len(graph.edges) == sum(len(one.causes) for one in rows)
    assert graph.cycles == graph.knots == ()


@given(any_graph(circles=False))
@settings(max_examples=100, deadline=None)
def test_of_two_entries_that_may_come_next_the_earlier_in_the_log_does(rows: list[Happening]) -> None:
    graph = graph_of(rows)
    done: set[str] = set()
    for one in graph.happenings:
        ready = [other.seq for other in rows if other.reference not in done and set(other.causes) <= done]
        assert one.seq == min(ready)
        done.add(one.reference)


@given(any_graph(circles=True))
@settings(max_examples=100, deadline=None)
def test_circles_lose_nothing_and_everything_outside_of_them_keeps_its_order(rows: list[Happening]) -> None:
    graph = graph_of(rows)
    place = {one.reference: number for number, one in enumerate(graph.happenings)}
    assert sorted(place) == sorted(one.reference for one in rows)
    circling = {reference: number for number, cycle in enumerate(graph.cycles) for reference in cycle}
    for edge in graph.edges:
        if edge.cause != edge.effect and circling.get(edge.cause, -1) != circling.get(edge.effect, -2):
            assert place[edge.cause] < place[edge.effect]


@given(any_graph(circles=True), st.randoms())
@settings(max_examples=50, deadline=None)
def test_the_order_does_not_depend_on_the_order_in_which_entries_were_found(
    rows: list[Happening], chance: object
) -> None:
    turned = list(rows)
    chance.shuffle(turned)  # type: ignore[attr-defined]
    assert graph_of(turned) == graph_of(rows)


def test_numbers_of_a_source_order_what_no_cause_does() -> None:
    late = happening(9, number=0, epoch="e")
    early = happening(3, number=1, epoch="e")
    assert [one.seq for one in graph_of([late, early]).happenings] == [9, 3]


def test_a_circle_is_a_finding_and_ends() -> None:
    graph = graph_of([happening(1, 2), happening(2, 1), happening(3, 2)])
    assert graph.cycles == (("s/1", "s/2"),)
    assert [one.seq for one in graph.happenings] == [1, 2, 3]
    assert kinds(findings_in(graph)) == ["cycle", "recorded-earlier"]


def test_an_event_that_names_itself_is_a_finding() -> None:
    graph = graph_of([happening(1, 1)])
    assert graph.edges == (Edge("s/1", "s/1", "cause"),)
    assert kinds(findings_in(graph)) == ["self-cause"]
    assert "self-cause" in CONTRADICTIONS


def test_a_chain_of_ten_thousand_is_walked_without_recursion() -> None:
    graph = graph_of([happening(seq, *([seq - 1] if seq else [])) for seq in range(10_000)])
    assert [one.seq for one in graph.happenings] == list(range(10_000))
    ring = graph_of([happening(seq, (seq - 1) % 10_000) for seq in range(10_000)])
    assert len(ring.cycles[0]) == 10_000
    assert len(findings_in(ring).listed[0].about) == 16


def test_an_effect_recorded_before_its_cause_stands_after_it_and_is_noted() -> None:
    cause, effect = happening(7, occurred_at=SECOND), happening(4, 7)
    graph = graph_of([effect, cause])
    assert [one.seq for one in graph.happenings] == [7, 4]
    found = findings_in(graph)
    assert kinds(found) == ["recorded-earlier"]
    assert not found.listed[0].contradicts
    assert found.listed[0].about == ("s/7", "s/4")


def test_a_source_that_numbered_the_effect_before_the_cause_contradicts_itself() -> None:
    cause = happening(5, number=8, epoch="e", occurred_at=SECOND)
    effect = happening(4, 5, number=7, epoch="e")
    found = findings_in(graph_of([cause, effect]))
    assert kinds(found) == ["source-order"]
    assert found.listed[0].contradicts


def test_numbers_of_two_sources_that_cannot_both_hold_with_the_causes_are_found() -> None:
    a1 = happening(1, "b/4", reference="a/1", source="a", number=1, epoch="e")
    a2 = happening(2, reference="a/2", source="a", number=2, epoch="e")
    b3 = happening(3, "a/2", reference="b/3", source="b", number=3, epoch="e")
    b4 = happening(4, reference="b/4", source="b", number=4, epoch="e")
    graph = graph_of([a1, a2, b3, b4])
    assert graph.cycles == ()
    assert graph.knots == (("a/1", "a/2", "b/3", "b/4"),)
    assert "source-order" in kinds(findings_in(graph))
    place = {one.reference: number for number, one in enumerate(graph.happenings)}
    assert place["b/4"] < place["a/1"]
    assert place["a/2"] < place["b/3"]


def test_clocks_that_differ_by_less_than_the_allowance_are_no_finding() -> None:
    cause, effect = happening(1, source="a"), happening(2, 1, source="b", occurred_at=-3 * SECOND)
    assert findings_in(graph_of([cause, effect])).listed == ()
    assert kinds(findings_in(graph_of([cause, effect]), skew_ns=2 * SECOND)) == ["clock"]
    assert kinds(findings_in(graph_of([cause, replace(effect, occurred_at=-5 * SECOND)]))) == ["clock"]


def test_within_one_numbering_no_clock_may_run_backwards_from_cause_to_effect() -> None:
    cause = happening(1, number=1, epoch="e")
    effect = happening(2, 1, number=2, epoch="e", occurred_at=SECOND - 1)
    assert kinds(findings_in(graph_of([cause, effect]))) == ["clock"]


def test_a_span_of_another_process_leads_to_the_first_event_of_its_parent() -> None:
    asked = happening(1, trace=TRACE, span="aa" * 8)
    answered = happening(2, 1, trace=TRACE, span="aa" * 8)
    under = happening(3, trace=TRACE, span="bb" * 8, parent="aa" * 8)
    graph = graph_of([asked, answered, under])
    assert Edge("s/1", "s/3", "span") in graph.edges
    stranger = replace(under, trace="cd" * 16)
    assert not [edge for edge in graph_of([asked, stranger]).edges if edge.kind == "span"]
    told = replace(under, causes=("s/2",))
    assert [edge.kind for edge in graph_of([asked, answered, told]).edges] == ["cause", "cause"]


def test_a_cause_that_is_not_there_is_named_and_only_said_to_be_missing_where_that_is_known() -> None:
    graph = graph_of([happening(1, "s/77")])
    assert graph.outside == ("s/77",)
    assert findings_in(graph).listed == ()
    found = findings_in(graph, missing=["s/77"])
    assert kinds(found) == ["missing"]
    assert "entry 1" in found.listed[0].says


def test_findings_are_counted_beyond_those_listed() -> None:
    found = findings_in(graph_of([happening(seq, seq) for seq in range(MOST + 7)]))
    assert (len(found.listed), found.more) == (MOST, 7)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"{}", b'{"event":3}', b'{"event":{"source":{},"id":1}}', b"\xff"])
def test_what_is_no_entry_is_malformed(text: bytes) -> None:
    with pytest.raises(Malformed):
        read_happening(text)
