"""One page of a packet: static HTML without scripts and without addresses, readable on a phone, light and dark.

What a ledger holds is hostile here: it becomes text alone, and what cannot be seen in it is spelt out.
"""

from __future__ import annotations

import base64
import hashlib
import html
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

STYLE: Final = """
:root{color-scheme:light dark;--paper:#fff;--sunk:#f6f7f8;--line:#e2e4e9;--ink:#16181d;--ink-2:#454b57;
--accent:#2f4bc7;--warn:#855000;--warn-soft:#fdf3dd;--good:#0f6b41;--bad:#b3261e;
--face:Inter,system-ui,"Segoe UI","DejaVu Sans",sans-serif;
--mono:"JetBrains Mono",ui-monospace,SFMono-Regular,"DejaVu Sans Mono",monospace}@media (prefers-color-scheme:dark){
:root{--paper:#131418;--sunk:#0d0e11;--line:#2a2d34;--ink:#eceef2;--ink-2:#b6bbc6;--accent:#9db0ff;--warn:#f0b95a;
--warn-soft:#35280d;--good:#5fd39a;--bad:#ff8f86}}*{box-sizing:border-box}body{margin:0;background:var(--sunk);
color:var(--ink);font:.9375rem/1.55 var(--face);font-variant-numeric:tabular-nums}header,main,footer{
max-width:72rem;margin:0 auto;padding:1rem 1.5rem}header{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;
border-bottom:1px solid var(--line)}main{padding-bottom:3rem}footer{color:var(--ink-2);font-size:.8125rem;
border-top:1px solid var(--line);overflow-wrap:anywhere}a{color:var(--accent)}header a[aria-current]{
color:var(--ink);font-weight:600;text-decoration:none}h1{font-size:1.5rem;line-height:2rem;margin:1rem 0 .5rem;
overflow-wrap:anywhere}h2{font-size:1.125rem;margin:2rem 0 .5rem}h3{font-size:.9375rem;margin:1.5rem 0 .5rem}
p,ul,ol,dl{max-width:46rem;margin:.5rem 0}li{margin:.25rem 0}code,pre{font:.8125rem/1.5 var(--mono);
overflow-wrap:anywhere}pre{padding:.75rem 1rem;background:var(--paper);border:1px solid var(--line);
border-radius:6px;overflow-x:auto;white-space:pre-wrap;max-width:46rem}dl{display:grid;
grid-template-columns:minmax(8rem,auto) 1fr;gap:.25rem 1rem}dt{color:var(--ink-2)}dd{margin:0;
overflow-wrap:anywhere;min-width:0}.scroll{overflow-x:auto;background:var(--paper);border:1px solid var(--line);
border-radius:8px;margin:.75rem 0}table{border-collapse:collapse;width:100%;font-size:.8125rem}th,td{
padding:.5rem .75rem;text-align:left;vertical-align:top;border-bottom:1px solid var(--line);overflow-wrap:anywhere;
min-width:6.5rem;max-width:28rem}tr:last-child td{border-bottom:0}th{color:var(--ink-2);font-weight:600;
white-space:nowrap}.none{display:inline-block;padding:.125rem .5rem;border-radius:4px;background:var(--warn-soft);
color:var(--warn);font-weight:600}.bad{color:var(--bad);font-weight:600}.soft{color:var(--ink-2)}.mark{
margin:.5rem 0 0}.counters{display:flex;flex-wrap:wrap;gap:1rem;margin:.75rem 0}.counters div{padding:.75rem 1rem;
background:var(--paper);border:1px solid var(--line);border-radius:8px}.counters b{display:block;font-size:1.25rem}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}@media (max-width:40rem){header,main,footer{
padding-left:1rem;padding-right:1rem}dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.5rem}.cards thead{
display:none}.cards tr,.cards td{display:block;max-width:none;border:0}.cards td{padding:.125rem .75rem}
.cards td[data-of]::before{content:attr(data-of);display:block;color:var(--ink-2);font-size:.75rem}.cards tr{
padding:.5rem 0;border-bottom:1px solid var(--line)}}@media print{body{background:#fff;color:#000}header{
display:none}}
"""
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY: Final = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'"
"""No script, no address, no style but its own."""
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def text(value: str) -> Markup:
    r"""Text as HTML, with everything spelt out that is invisible or could turn the order of letters around.

    >>> text("a<b\u202e")
    'a&lt;b\\u202e'
    """
    shown = "".join(
        letter if letter == "\n" or unicodedata.category(letter) not in _UNSEEN else f"\\u{ord(letter):04x}"
        for letter in value
    )
    return Markup(html.escape(shown))


def tag(name: str, *inside: str, **attributes: str) -> Markup:
    """An element; what is inside is text unless it is `Markup`. `class_`, `data_of` and the like stand for names."""
    shown = "".join(
        f' {key.strip("_").replace("_", "-")}="{text(value)}"' for key, value in attributes.items() if value
    )
    return Markup(f"<{name}{shown}>{joined(inside)}</{name}>")


def joined(parts: Iterable[str]) -> Markup:
    """Parts after one another; those that are not `Markup` are text."""
    return Markup("".join(part if isinstance(part, Markup) else text(part) for part in parts))


def link(address: str, *inside: str) -> Markup:
    """A link to another file of the packet."""
    return tag("a", *inside, href=address.replace(" ", "%20"))


def facts(rows: Sequence[tuple[str, str]]) -> Markup:
    """Names with what is said of them."""
    return tag("dl", *(joined((tag("dt", name), tag("dd", value, dir="auto"))) for name, value in rows))


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Markup:
    """A table that becomes cards on a phone."""
    head = tag("tr", *(tag("th", column, scope="col") for column in columns))
    body = joined(
        tag("tr", *(tag("td", cell, data_of=column, dir="auto") for column, cell in zip(columns, row, strict=True)))
        for row in rows
    )
    return tag("div", tag("table", tag("thead", head), tag("tbody", body), class_="cards"), class_="scroll")


NOT_SUPPLIED: Final = tag("span", "not supplied", class_="none")


def page(title: str, body: str, *, home: str, places: Sequence[tuple[str, str]], here: str, footer: str) -> bytes:
    """A whole page.

    Args:
        title: of the page.
        body: HTML.
        home: how the packet's top folder is reached from here: "" or "../".
        places: addresses from the top folder, and titles, of all pages.
        here: which of these addresses this page is.
        footer: one line under it.
    """
    links = (
        tag("a", name, href=home + address.replace(" ", "%20"), aria_current="page" if address == here else "")
        for address, name in places
    )
    lines = (
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer"><meta name="color-scheme" content="light dark">',
        f"<title>{text(title)}</title><style>{STYLE}</style></head><body>",
        f'<header><nav aria-label="Pages">{Markup(" ").join(links)}</nav></header>',
        f"<main><h1>{text(title)}</h1>{body}</main>",
        f"<footer>{text(footer)}</footer></body></html>",
        "",
    )
    return "\n".join(lines).encode("utf-8")
