"""The pages of a packet and the data beside each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Final

from muniment.packet.contents import Extract, MarkShown, PacketContents, SampleShown, SignatureShown, Table
from muniment.packet.page import NOT_SUPPLIED, Markup, facts, joined, link, page, table, tag
from muniment.packet.places import PLACES, README
from muniment.packet.readme import readme
from muniment.packet.tabular import as_csv, as_json

_OF_SAMPLES: Final = (
    "Each sample stands with its entries, the marks on each, and how it was drawn. Whether an entry is what the log "
    "holds is not for these pages to say: the verifiers do, from evidence.bundle."
)
_OF_ATTACHMENTS: Final = (
    "Files that people supplied. The ledger recorded the hash of each when it was received; it says nothing about "
    "whether what stands in them is true."
)


def write_pages(contents: PacketContents) -> Iterator[tuple[str, bytes]]:
    """Every page with its data: (path, bytes)."""
    yield README, _page(contents, README, f"Evidence packet: {contents.name}", readme(contents))
    yield "pages/scope.html", _page(contents, "pages/scope.html", "What was asked for", _scope(contents))
    yield "scope.json", as_json(contents.scope)
    for extract in (contents.matrix, contents.populations):
        address = f"pages/{extract.id}.html"
        yield address, _page(contents, address, extract.title, _extract(extract))
        yield from _data(extract)
    yield from _samples(contents)
    registers = joined(joined((tag("h2", one.title), _extract(one))) for one in contents.registers)
    yield "pages/registers.html", _page(contents, "pages/registers.html", "Register extracts", registers)
    for register in contents.registers:
        yield from _data(register)
    yield "pages/attachments.html", _page(contents, "pages/attachments.html", "Attachments", _slots(contents))
    yield "data/attachments.json", as_json(
        [
            {
                "id": slot.id,
                "title": slot.title,
                "files": [
                    {"path": f"attachments/{one.id}{one.suffix}", "name": one.name, "bytes": one.size,
                     "sha256": one.sha256, **dict(one.facts)}
                    for one in slot.files
                ] or "not supplied",
            }
            for slot in contents.slots
        ]
    )  # fmt: skip
    yield "pages/statements.html", _page(contents, "pages/statements.html", "Statements and reports", _papers(contents))


def _page(contents: PacketContents, here: str, title: str, body: Markup) -> bytes:
    footer = (
        f"Packet {contents.id}. Log {contents.log}, as of its first {contents.size:,} entries. "
        f"Built by {contents.software}. This page is listed in manifest.json with its SHA-256."
    )
    home = "../" if "/" in here else ""
    return page(title, body, home=home, places=PLACES, here=here, footer=footer)


def _data(extract: Extract) -> Iterator[tuple[str, bytes]]:
    value: dict[str, object] = {"id": extract.id, "title": extract.title, "said": extract.said}
    if extract.table is None:
        yield f"data/{extract.id}.json", as_json(value | {"state": "not supplied"})
        return
    rows = [dict(zip(extract.table.columns, row, strict=True)) for row in extract.table.rows]
    yield f"data/{extract.id}.json", as_json(value | {"counters": dict(extract.counters), "rows": rows})
    yield f"data/{extract.id}.csv", as_csv(extract.table)


def _extract(extract: Extract) -> Markup:
    if extract.table is None:
        return joined((tag("p", NOT_SUPPLIED), tag("p", extract.said)))
    counters = (tag("div", tag("b", value), name) for name, value in extract.counters)
    files = tag(
        "p", "The same as ", link(f"../data/{extract.id}.csv", "CSV"), " and ",
        link(f"../data/{extract.id}.json", "JSON"), ".",
    )  # fmt: skip
    return joined(
        (
            tag("p", extract.said),
            tag("div", *counters, class_="counters") if extract.counters else Markup(),
            table(extract.table.columns, extract.table.rows) if extract.table.rows else tag("p", "No rows."),
            files,
        )
    )


def _scope(contents: PacketContents) -> Markup:
    return joined(
        (
            tag("p", "This is the saved scope from which the packet was built, and who asked for it."),
            facts(contents.facts),
            tag("p", "The same for programs: ", link("../scope.json", "scope.json"), "."),
        )
    )


def _samples(contents: PacketContents) -> Iterator[tuple[str, bytes]]:
    rows = [
        (
            joined((link(f"sample-{one.id}.html", one.title),)),
            f"{len(one.items):,}",
            f"{sum(bool(item.marks) for item in one.items):,}",
            f"{sum(item.marks[-1].exception for item in one.items if item.marks):,}",
            ", ".join(one.conclusions[-1].said) if one.conclusions else "no conclusion recorded",
        )
        for one in contents.samples
    ]
    body = joined(
        (
            tag("p", _OF_SAMPLES),
            table(("Sample", "Entries", "Marked", "Exceptions noted", "Conclusion"), rows)
            if rows else tag("p", NOT_SUPPLIED),
        )
    )  # fmt: skip
    yield "pages/samples.html", _page(contents, "pages/samples.html", "Samples", body)
    for sample in contents.samples:
        address = f"pages/sample-{sample.id}.html"
        yield address, _page(contents, address, sample.title, _sample(sample))
        yield f"data/sample-{sample.id}.json", as_json(asdict(sample))
        yield f"data/sample-{sample.id}.csv", as_csv(_sample_table(sample))


def _sample(sample: SampleShown) -> Markup:
    rows = [
        (
            f"{item.seq:,}",
            item.recorded_at,
            item.action,
            item.actor,
            item.outcome,
            joined((_marks(item.marks, "not marked"), *map(_signature, item.signatures))),
            tag("code", item.hash),
        )
        for item in sample.items
    ]
    return joined(
        (
            facts(sample.facts),
            tag("h2", "Conclusion"),
            _marks(sample.conclusions, "no conclusion recorded"),
            tag("h2", "Entries and marks"),
            table(("Entry", "Recorded (UTC)", "Action", "Actor", "Outcome", "Marks", "Entry hash"), rows),
            tag("p", "The same as ", link(f"../data/sample-{sample.id}.csv", "CSV"), " and ",
                link(f"../data/sample-{sample.id}.json", "JSON"), "."),
        )
    )  # fmt: skip


def _marks(marks: Sequence[MarkShown], none: str) -> Markup:
    if not marks:
        return tag("p", none, class_="soft mark")
    return joined(
        tag(
            "p",
            tag("span", "Exception noted. ", class_="bad") if mark.exception else Markup(),
            "; ".join(mark.said) + (". " if mark.said else ""),
            mark.comment,
            tag("span", f" ({mark.by}, {mark.at}, entry {mark.entry:,})", class_="soft"),
            class_="mark",
        )
        for mark in marks
    )


def _signature(one: SignatureShown) -> Markup:
    comment = f" {one.comment}" if one.comment else ""
    fault = tag("span", f" It does not hold: {one.fault}.", class_="bad") if one.fault else Markup()
    said = tag("span", f" ({one.person}, {one.at}, entry {one.entry:,})", class_="soft")
    return tag("p", f"Signed by {one.name}: {one.meaning}.{comment}", fault, said, class_="mark")


def _sample_table(sample: SampleShown) -> Table:
    return Table(
        ("entry", "hash", "recorded_at", "action", "actor", "outcome", "marks", "exception", "newest_mark", "comment",
         "marked_by", "mark_entry"),
        tuple(
            (
                str(item.seq), item.hash, item.recorded_at, item.action, item.actor, item.outcome, str(len(item.marks)),
                *((
                    "yes" if item.marks[-1].exception else "no", "; ".join(item.marks[-1].said),
                    item.marks[-1].comment, item.marks[-1].by, str(item.marks[-1].entry),
                ) if item.marks else ("", "not marked", "", "", "")),
            )
            for item in sample.items
        ),
    )  # fmt: skip


def _slots(contents: PacketContents) -> Markup:
    parts = [tag("p", _OF_ATTACHMENTS)]
    for slot in contents.slots:
        parts.append(tag("h2", slot.title))
        if not slot.files:
            parts.append(tag("p", NOT_SUPPLIED))
        for one in slot.files:
            path = f"attachments/{one.id}{one.suffix}"
            said = (("Bytes", f"{one.size:,}"), ("SHA-256", one.sha256), *one.facts)
            parts += [tag("p", link(f"../{path}", one.name)), facts(said)]
    return joined(parts)


def _papers(contents: PacketContents) -> Markup:
    if not contents.papers:
        return joined((tag("p", NOT_SUPPLIED), tag("p", "No statement or report was part of the scope.")))
    return joined(
        joined((tag("h2", one.title), tag("p", one.said), tag("p", link(f"../statements/{one.name}", one.name))))
        for one in contents.papers
    )
