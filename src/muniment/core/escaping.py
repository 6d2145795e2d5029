"""One reversible rule that turns any string into one the format accepts, so that an odd name never costs an event.

A *text* (actor id, resource id, tool) that the format accepts is kept as it is. One that it does not accept is
escaped, and the event carries the label `text.escaped=<fields>`. Label values must be printable ASCII and are always
written by the same rule, so they need no mark.

* A character that may not occur, a lone surrogate, and `%` itself become `%XX` for each byte of their UTF-8
  (surrogates as if UTF-8 allowed them).
* The empty string becomes `%`.
* What is longer than the field allows is cut at a character's end and closed with `%~` and the SHA-256, in hex, of the
  whole original's UTF-8.

None of the three can occur in an escaped text by chance, because a literal `%` is always `%25`.
"""

import hashlib
import re
from dataclasses import dataclass

_NOT_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_ESCAPED_IN_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff%]")
_ESCAPED_IN_LABEL = re.compile("[^ -$&-~]")
_UNIT = re.compile("(?:%[0-9A-F]{2})+|[^%]")
_CUT_MARK = "%~"
_CUT_TAIL = len(_CUT_MARK) + 64


@dataclass(frozen=True, slots=True)
class Original:
    """What an escaped text stood for.

    Attributes:
        text: the original, or its beginning where it was cut.
        sha256: SHA-256 (hex) of the whole original's UTF-8 where it was cut, otherwise None.
    """

    text: str
    sha256: str | None


def fit_text(value: str, limit: int) -> tuple[str, bool]:
    """Return the value as *text* of at most `limit` bytes of UTF-8, and whether it had to be escaped.

    >>> fit_text("git_log", 256)
    ('git_log', False)
    >>> fit_text("50%\\nof", 256)
    ('50%25%0Aof', True)
    """
    if value and len(value) <= limit and value.isascii() and value.isprintable():
        return value, False
    if value and not _NOT_TEXT.search(value) and len(value.encode()) <= limit:
        return value, False
    return _escape(value, _ESCAPED_IN_TEXT, limit), True


def fit_label(value: str, limit: int = 256) -> str:
    """Return the value as the value of a label: printable ASCII, 1 to `limit` characters, always escaped.

    >>> fit_label("50% Ł")
    '50%25 %C5%81'
    """
    if value and len(value) <= limit and not _ESCAPED_IN_LABEL.search(value):
        return value
    return _escape(value, _ESCAPED_IN_LABEL, limit)


def original(text: str) -> Original:
    """Undo the rule on a text that is known to be escaped.

    >>> original("50%25%0Aof").text
    '50%\\nof'
    """
    digest = None
    if text == "%":
        return Original("", None)
    if text[-_CUT_TAIL:].startswith(_CUT_MARK):
        text, digest = text[:-_CUT_TAIL], text[-64:]
    raw = re.sub("(?:%[0-9A-F]{2})+", _decode, text)
    return Original(raw, digest)


def _escape(value: str, forbidden: re.Pattern[str], limit: int) -> str:
    if not value:
        return "%"
    # Each character takes at least one byte, so of a huge string only the beginning needs escaping.
    escaped = forbidden.sub(_encode, value[: limit + 1])
    if len(value) <= limit and len(escaped.encode()) <= limit:
        return escaped
    digest = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
    kept, room = [], limit - _CUT_TAIL
    for unit in _characters(escaped):
        room -= len(unit.encode())
        if room < 0:
            break
        kept.append(unit)
    return "".join(kept) + _CUT_MARK + digest


def _characters(escaped: str) -> list[str]:
    """Split an escaped text so that no character's bytes are torn apart."""
    units: list[str] = []
    for unit in _UNIT.findall(escaped):
        if unit[0] != "%":
            units.append(unit)
            continue
        for character in bytes.fromhex(unit.replace("%", "")).decode("utf-8", "surrogatepass"):
            units.append(_percent(character))
    return units


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))


def _encode(match: re.Match[str]) -> str:
    return _percent(match[0])


def _decode(match: re.Match[str]) -> str:
    return bytes.fromhex(match[0].replace("%", "")).decode("utf-8", "surrogatepass")
