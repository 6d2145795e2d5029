"""A trace in a terminal: every entry on one line, under the last of its causes, harmless whatever sources wrote."""

import unicodedata
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from muniment.cli.tracetree import fitted, tree
from muniment.server.causality.answers import edge_json, happening_json
from muniment.server.causality.graph import graph_of
from tests.causality.test_graph import any_graph, happening


def drawn(rows: list[Any], width: int = 80) -> list[str]:
    graph = graph_of(rows)
    nodes = [happening_json(one) for one in graph.happenings]
    return list(tree(nodes, [edge_json(edge) for edge in graph.edges], width=width))


def columns(line: str) -> int:
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in line
    )


@given(any_graph(circles=True), st.integers(20, 120))
@settings(max_examples=100, deadline=None)
def test_every_entry_stands_on_exactly_one_line_that_fits(rows: list[Any], width: int) -> None:
    lines = drawn(rows, width)
    assert len(lines) == len(rows)
    assert all(columns(line) <= width for line in lines)


def test_failing_and_refused_branches_are_words_and_signs_and_no_colours() -> None:
    lines = drawn([
        happening(1, action="agent.delegate"),
        happening(2, 1, action="agent.start", actor="agent:b"),
        happening(3, 2, target="http_request", outcome="failure"),
        happening(4, 2, target="delete_all", outcome="denied"),
        happening(5, 2, 3),
    ])  # fmt: skip
    assert lines == [
        "1 agent.delegate  · agent:a",
        "└─ 2 agent.start  · agent:b  +1.000s",
        "   ├─ 3 ✕ FAILED tool.call http_request  · agent:a  +2.000s",
        "   │  └─ 5 tool.call  · agent:a  +4.000s  also after 2",
        "   └─ 4 ⊘ REFUSED tool.call delete_all  · agent:a  +3.000s",
    ]


def test_what_could_act_on_a_terminal_is_spelt_out() -> None:
    (line,) = drawn([happening(1, target="\x1b[31m\u202eevil\r", actor="agent:\u2066x")])
    assert line.isprintable()
    assert "\\x1b[31m" in line


def test_wide_letters_take_two_columns() -> None:
    assert fitted("日本語", 4) == "日…"
    assert fitted("日本", 4) == "日本"


def test_a_chain_of_five_thousand_does_not_run_off_to_the_right() -> None:
    lines = drawn([happening(seq, *([seq - 1] if seq else [])) for seq in range(5_000)])
    assert len(lines) == 5_000
    assert "4999 tool.call" in lines[-1]


def test_an_entry_that_is_not_sealed_says_so() -> None:
    node = happening_json(replace(happening(1), occurred_at=0)) | {"sealed": False}
    assert list(tree([node], [])) == ["1 tool.call  · agent:a  not sealed yet"]
