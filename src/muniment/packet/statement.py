"""A statement of what the ledger evidences of a framework, as a page of a packet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from muniment.packet.page import Markup, facts, joined, link, page, table, tag
from muniment.packet.places import PLACES


def statement_page(document: Mapping[str, Any], *, data: str) -> bytes:
    """The page.

    Args:
        document: the statement's JSON, as the ledger's server issues it.
        data: name of the file beside it that holds this JSON.
    """
    searched, period = document["searched"], document["period"]
    body = joined(
        (
            tag("p", document["claim"]),
            tag("p", document["note"]) if document["note"] else Markup(),
            facts(
                (
                    ("Period (UTC)", f"{period['from']} until before {period['to']}"),
                    ("Searched", f"{searched['log']}, places 0 to {searched['size'] - 1:,}"),
                    ("Root", searched["root"]),
                    ("Mapping", document["mapping"]["version"]),
                    ("Definition", f"version {document['definition']['version']}"),
                    ("Sources", "; ".join(document["sources"])),
                )
            ),
            *(_requirement(one) for one in document["requirements"]),
            tag("h2", "Queries"),
            tag("p", "Each number above comes from one of these; [Q1] is the first."),
            table(
                ("Query", "Asked", "Found", "By annotation alone", "Newest"),
                [_query(one) for one in document["queries"]],
            ),
            tag("p", "The same for programs: ", link(data, data), "."),
        )
    )
    footer = "Counts come from the operator's database, under the checkpoint named above."
    return page(document["title"], body, home="../", places=PLACES, here="pages/statements.html", footer=footer)


def _requirement(one: Mapping[str, Any]) -> Markup:
    return joined(
        (
            tag("h2", f"{', '.join(one['ids'])} {one['label']}"),
            _listed("The ledger evidences", one["evidences"]),
            _listed("Nothing was found", one["found_nothing"]),
            tag("p", tag("strong", "It does not evidence: "), one["does_not_evidence"]),
        )
    )


def _listed(title: str, sentences: Sequence[str]) -> Markup:
    if not sentences:
        return Markup()
    return joined((tag("h3", title), tag("ul", *(tag("li", one) for one in sentences))))


def _query(one: Mapping[str, Any]) -> tuple[str, ...]:
    asked = ", ".join(f"{name} {value}" for name, value in sorted(one["asked"].items())) or "every entry"
    count = "more than can be counted" if one.get("count") is None else f"{one['count']:,}"
    annotated = "" if one.get("annotated") is None else f"{one['annotated']:,}"
    newest = "none" if one.get("newest") is None else f"entry {one['newest']:,}, {one['newest_at']}"
    return (one["id"], asked, count, annotated, newest)
