"""Rows of the ledger's table as HTML.

Written with `format_html`, which escapes every value, and not as a template: a page has hundreds of cells, and one
would take most of its time for them. The shapes are those of the components `seal`, `time` and `badge`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from muniment.server.explorer.bodies import visible
from muniment.server.explorer.columns import COLUMNS, Layout
from muniment.server.explorer.rows import Row
from muniment.server.web.templatetags.web import exact, seal_meaning, seal_word, shortened

MOST: Final = 60
"""Characters of a source's text in a cell."""
_BADGES: Final = 2

Cell = Callable[[Row, str], SafeString]


def rows_html(rows: Iterable[Row], layout: Layout, base: str, *, new: bool = False) -> SafeString:
    """The rows, one after the other.

    Args:
        rows: in the order in which they stand.
        layout: which columns.
        base: address of the ledger page, with the tenant's prefix.
        new: they were recorded while the page was open, and slide in.
    """
    return format_html_join("\n", "{}", ((_row(row, layout, base, new),) for row in rows))


def fitting(text: str, most: int = MOST) -> str:
    """A source's text with unseen characters made visible, cut after so many characters."""
    seen = visible(text)
    return seen if len(seen) <= most else seen[: most - 1] + "…"


def _row(row: Row, layout: Layout, base: str, new: bool) -> SafeString:
    cells = [(_CLASSES[code], COLUMNS[code], _CELLS[code](row, base)) for code in layout.columns]
    inside = format_html_join("", '<td class="{}" data-label="{}">{}</td>', cells)
    mark = mark_safe(" data-new") if new else ""
    return format_html('<tr data-seq="{}"{}>{}</tr>', row.seq, mark, inside)


def _seal(row: Row, base: str) -> SafeString:
    return format_html(
        '<a class="seal seal-{state}" href="{base}/{seq}" title="{meaning}" hx-get="{base}/{seq}/panel" '
        'hx-target="#panel-body" data-panel="panel" data-panel-title="Entry {seq}">'
        '<svg class="seal-mark" aria-hidden="true"><use href="#seal-{state}"/></svg><span>{word}</span></a>',
        state=row.state,
        base=base,
        seq=row.seq,
        meaning=seal_meaning(row.state),
        word=seal_word(row.state),
    )


def _time(value: object) -> SafeString:
    text = exact(value)
    return format_html('<time class="when" datetime="{}" data-exact="{}" data-relative>{}</time>', text, text, text)


def _text(shown: str, whole: str) -> SafeString:
    return format_html('<bdi title="{}">{}</bdi>', visible(whole), fitting(shown)) if shown else SafeString("")


def _code(value: str, ends: int) -> SafeString:
    return format_html('<code title="{}">{}</code>', value, shortened(value, ends)) if value else SafeString("")


def _controls(row: Row, base: str) -> SafeString:
    del base
    badges = format_html_join(" ", '<span class="badge" title="{}">{}</span>', row.controls[:_BADGES])
    more = row.controls[_BADGES:]
    if not more:
        return badges
    rest = " ".join(control for control, _ in more)
    return format_html('{} <span class="badge" title="{}">+{}</span>', badges, rest, len(more))


def _labels(row: Row, base: str) -> SafeString:
    del base
    pairs = ((visible(label), fitting(label, 24)) for label in row.labels[:3])
    return format_html_join(" ", '<bdi class="badge" title="{}">{}</bdi>', pairs)


_CELLS: Final[Mapping[str, Cell]] = {
    "seal": _seal,
    "time": lambda row, _base: _time(row.recorded_at),
    "action": lambda row, base: format_html(
        '<a class="ledger-action" href="{}/{}" data-row-link>{}</a>', base, row.seq, row.action
    ),
    "actor": lambda row, _base: _text(row.name or row.actor, row.actor),
    "target": lambda row, _base: _text(row.target, f"{row.target_kind}: {row.target}"),
    "outcome": lambda row, _base: format_html(
        '<span class="ledger-outcome ledger-outcome-{}">{}</span>', row.outcome, row.outcome
    ),
    "workspace": lambda row, _base: _text(row.workspace, row.workspace),
    "controls": _controls,
    "occurred": lambda row, _base: _time(row.occurred_at),
    "source": lambda row, _base: _code(row.source, 7),
    "event": lambda row, _base: _code(row.event, 7),
    "trace": lambda row, _base: _code(row.trace, 6),
    "labels": _labels,
    "seq": lambda row, base: format_html('<a href="{}/{}">{}</a>', base, row.seq, row.seq),
}
_CLASSES: Final[Mapping[str, str]] = {
    **dict.fromkeys(COLUMNS, ""),
    **dict.fromkeys(("seal", "time", "outcome", "occurred", "source", "event", "trace"), "tight"),
    **dict.fromkeys(("actor", "target", "labels"), "ledger-text"),
    "workspace": "ledger-short",
    "controls": "ledger-controls",
    "seq": "number tight",
}
