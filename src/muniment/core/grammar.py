"""The table of docs/format.md section 1 as expressions over canonical text.

Text that an expression here accepts, and that passes the checks beside it, is in canonical form and keeps every
grammar: the keys stand in their order, nothing else can occur. What is not accepted here is not wrong for that reason
alone: callers then use the slower code that names faults, and that code decides. Tests hold that both agree.
"""

import re
from functools import lru_cache
from operator import lt

from muniment.core import identifiers as names
from muniment.core.times import CLOCK

# One character of text, as bytes; what UTF-8 makes of the bytes from 0x80 on is checked beside the expression.
_CHARACTER = r'[^"\\\x00-\x1f\x7f]'
_STRING = rf'(?:{_CHARACTER}++|\\["\\])++'
_PRINTABLE = r"[ !#-\[\]-~]"
# Sixteen digits are rare and may pass 2^53-1: they take the slow way.
_INTEGER = "(?:0|[1-9][0-9]{0,14}+)"
_MEDIA = '(?=[^"]{3,127}")[a-z0-9][a-z0-9!#$&^_.+-]*+/[a-z0-9][a-z0-9!#$&^_.+-]*+'
_ACTION = r'(?=[^"]{3,64}")[a-z][a-z0-9_]*+(?:\.[a-z][a-z0-9_]*+)++'
_LABEL = rf'"[a-z][a-z0-9_.-]{{0,62}}+={_PRINTABLE}{{1,256}}+"'
_LABELS = rf"\[{_LABEL}(?:,{_LABEL}){{0,31}}+\]"
_ESCAPED_LABELS = rf'\["(?:{_PRINTABLE}++|\\["\\])++"(?:,"(?:{_PRINTABLE}++|\\["\\])++"){{0,31}}+\]'
# Arrays of names that recur: cut out here, judged by `read_names`, once for each distinct text.
_CONTROLS = r'\[["A-Za-z0-9._()/:,-]++\]'
_CAUSES = r'\[["A-Za-z0-9_/,]++\]'
_DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_ACTOR_TYPE = "(?:agent|service|session|system|user)"
_OUTCOME = "(?:success|failure|denied|unknown)"
_SLUG = "[a-z0-9][a-z0-9._-]*+"
_ORIGIN = f'(?=[^"]{{1,255}}")[a-z0-9][a-z0-9.-]*+(?:/{_SLUG})*+'

HEX_DIGITS = b"0123456789abcdef"
ULID_LETTERS = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def _text(maximum: int) -> str:
    """A string of text: its length is certain where no escape occurs; where one does, the group holds it."""
    return rf'"(?:{_CHARACTER}{{1,{maximum}}}+"|({_STRING})")'


def _any(length: int) -> str:
    """So many bytes of any kind: matched in one step, and looked at all together beside the expression."""
    return f"((?s:.{{{length}}}))"


_ULID = "([0-7](?s:.{25}))"

_ENTRY = (
    r'\{"by":"(?=[^"]{1,128}")[a-z]++:[A-Za-z0-9_.-]++"'
    rf'(?:,"controls":({_CONTROLS}))?+'
    rf',"event":(\{{"action":"{_ACTION}"'
    rf',"actor":\{{"id":{_text(names.MAX_ACTOR_ID)},"type":"{_ACTOR_TYPE}"\}}'
    rf'(?:,"body":\{{"commit":"{_any(64)}","len":({_INTEGER}),"scheme":1,"type":"{_MEDIA}"\}})?+'
    rf'(?:,"causes":({_CAUSES}))?+'
    rf'(?:,"controls":({_CONTROLS}))?+'
    rf',"id":"evt_{_ULID}"'
    rf'(?:,"labels":(?:({_LABELS})|({_ESCAPED_LABELS})))?+'
    rf',"occurred_at":"({_DATE})T{CLOCK}\.[0-9]{{9}}Z"'
    rf',"outcome":"{_OUTCOME}"'
    rf'(?:,"resource":\{{"id":{_text(names.MAX_RESOURCE_ID)},"type":"{names.RESOURCE_TYPE}"\}})?+'
    rf',"source":\{{(?:"epoch":"{_any(32)}","id":"src_{_ULID}","prev":"{_any(64)}","seq":({_INTEGER})'
    rf'|"id":"src_{_ULID}")\}}'
    rf'(?:,"tool":{_text(names.MAX_TOOL)})?+'
    rf'(?:,"trace":\{{"id":"{_any(32)}"(?:,"span":"{_any(16)}")?+\}})?+'
    rf'(?:,"workspace":"{names.WORKSPACE}")?+\}})'
    rf',"log":"({_ORIGIN})","map":"{names.MAPPING}","prev":"{_any(64)}"'
    rf',"recorded_at":"(({_DATE})T{CLOCK}\.[0-9]{{6}}Z)","seq":({_INTEGER}),"v":3\}}'
)

entry_lines = re.compile(f"^{_ENTRY}$".encode("ascii"), re.MULTILINE).findall
"""Find the lines that are entries; every line found gives its groups. See `columns` for what is left to check."""

_HEX = "[0-9a-f]"
_WORD = r'((?:[^"\\\x00-\x1f\x7f-\x9f]++|\\["\\])++)'
match_event = re.compile(
    rf'\{{"action":"({_ACTION})","actor":\{{"id":"{_WORD}","type":"({_ACTOR_TYPE})"\}}'
    rf'(?:,"body":\{{"commit":"({_HEX}{{64}})","len":({_INTEGER}),"scheme":1,"type":"({_MEDIA})"\}})?+'
    rf'(?:,"causes":({_CAUSES}))?+'
    rf'(?:,"controls":({_CONTROLS}))?+'
    rf',"id":"({names.EVENT_ID})"'
    rf'(?:,"labels":(?:({_LABELS})|({_ESCAPED_LABELS})))?+'
    rf',"occurred_at":"({_DATE}T{CLOCK})\.([0-9]{{9}})Z"'
    rf',"outcome":"({_OUTCOME})"'
    rf'(?:,"resource":\{{"id":"{_WORD}","type":"({names.RESOURCE_TYPE})"\}})?+'
    rf',"source":\{{(?:"epoch":"({_HEX}{{32}})","id":"({names.SOURCE_ID})","prev":"({_HEX}{{64}})","seq":({_INTEGER})'
    rf'|"id":"({names.SOURCE_ID})")\}}'
    rf'(?:,"tool":"{_WORD}")?+'
    rf'(?:,"trace":\{{"id":"({_HEX}{{32}})"(?:,"span":"({_HEX}{{16}})")?+\}})?+'
    rf'(?:,"workspace":"({names.WORKSPACE})")?+\}}'
).fullmatch
"""Match the text of an event; its groups are all its values. See `event` for what is left to check."""


@lru_cache(maxsize=4096)
def read_controls(array: str) -> tuple[str, ...] | None:
    """Read an array of control ids from its canonical text; None if it is not certain that it keeps the table."""
    return _read_names(array, names.CONTROLS, names.MAX_CONTROLS)


def read_causes(array: str) -> tuple[str, ...] | None:
    """Read an array of event references from its canonical text; None if it is not certain that it keeps the table."""
    return _read_names(array, names.EVENT_REFERENCES, names.MAX_CAUSES)


def read_labels(array: str) -> tuple[str, ...] | None:
    """Read an array of labels from its canonical text; None if it is not certain that it keeps the table."""
    if "\\" in array:
        items = tuple(map(unescape, _QUOTED.findall(array)))
        right = len(items) <= names.MAX_LABELS and all(map(names.LABELS.fullmatch, items))
        return items if right and _ascending(items) else None
    return _read_names(array, names.LABELS, names.MAX_LABELS)


def has_control_character(text: bytes) -> bool:
    """Say whether bytes that are not all ASCII hold U+0080 to U+009F, or are not UTF-8 at all."""
    try:
        return _C1.search(text.decode("utf-8")) is not None
    except UnicodeDecodeError:
        return True


def fit(raw: str, maximum: int) -> str | None:
    """Read text from inside a JSON string; None if it is not certain that it has at most `maximum` bytes."""
    if len(raw) > maximum or not (raw.isascii() or len(raw.encode("utf-8")) <= maximum):
        return None
    return unescape(raw) if "\\" in raw else raw


def unescape(raw: str) -> str:
    r"""Undo the two escapes that canonical text of the table can have.

    >>> unescape(r'a\\b\"')
    'a\\b"'
    """
    return _ESCAPE.sub(r"\1", raw)


_C1 = re.compile("[\x80-\x9f]")
_ESCAPE = re.compile(r'\\(["\\])')
_QUOTED = re.compile(r'"((?:[^"\\]++|\\["\\])++)"')


def _read_names(array: str, grammar: names.Grammar, maximum: int) -> tuple[str, ...] | None:
    items = tuple(array[2:-2].split('","'))
    if not array.startswith('["') or not array.endswith('"]') or len(items) > maximum:
        return None
    return items if all(map(grammar.fullmatch, items)) and _ascending(items) else None


def _ascending(items: tuple[str, ...]) -> bool:
    return len(items) < 2 or all(map(lt, items, items[1:]))
