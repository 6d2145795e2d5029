"""Recognising canonical entries piece by piece, several times faster than parsing them.

A canonical entry (docs/format.md sections 1 and 2) is a sentence of a regular language. Between the values that change
with every entry (hashes, numbers, times, ids) stand pieces that are the same in many entries: who acted, with which
tool, in which log. A piece that was once held against its grammar need not be held against it again. So:

- a text is cut into pieces and values; each piece begins and ends at a fixed state of the grammar;
- a piece is looked up among those already found good, or matched once against the pattern between its two states;
- the values are checked every time.

If all of it fits, the text is in the language, because it is the concatenation of parts that lead from state to state.
If anything does not fit, nothing is said: the caller takes the entry apart with `muniment.core.entry`, which names
what is wrong. Entries with escapes in their strings always take that way.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Final, NamedTuple

from muniment.core import identifiers as names
from muniment.core.canonical import MAX_BYTES
from muniment.core.errors import Malformed
from muniment.core.times import parse_time6

_HEX: Final = b"0123456789abcdef"
_CROCKFORD: Final = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LONGEST_PIECE: Final = 512
_MOST_PIECES: Final = 2048

_TEXT: Final = rb"[ !#-\[\]-~\x80-\xff]"
_ARRAY: Final = rb'\["([^"\\]+(?:","[^"\\]+)*)"\]'
_SOURCE: Final = b"src_" + names.ULID.encode()
_HEAD: Final = (
    rb'\{"by":"([a-z]+:[A-Za-z0-9_.-]+)"(?:,"controls":' + _ARRAY + rb')?,"event":'
    rb'\{"action":"([a-z0-9_.]+)","actor":\{"id":"' + _TEXT + rb'{1,256}",'
    rb'"type":"(?:' + "|".join(sorted(names.ACTOR_TYPES)).encode() + rb')"\}'
)
_BEFORE_ID: Final = rb'(?:,"causes":' + _ARRAY + rb')?(?:,"controls":' + _ARRAY + rb')?,"id":"evt_'
_REST: Final = (
    rb'(?:,"workspace":"' + names.WORKSPACE.encode() + rb'")?\},"log":"%b","map":"' + names.MAPPING.encode() + b'"'
)

_CONTROLS: Final = (names.CONTROLS.fullmatch, names.MAX_CONTROLS)
_CAUSES: Final = (names.EVENT_REFERENCES.fullmatch, names.MAX_CAUSES)
_LABELS: Final = (names.LABELS.fullmatch, names.MAX_LABELS)


class Facts(NamedTuple):
    """What a recognised entry says.

    Attributes:
        time: `recorded_at`.
        event: the event's canonical text.
        commit: of the body, 64 hex; empty without a body. `length`: its bytes.
        source: source id; epoch: 32 hex, empty for an unnumbered source, as is `prev`; seq: its number.
    """

    time: bytes
    event: bytes
    commit: bytes
    length: int
    source: str
    epoch: str
    prev: bytes
    seq: int


class _Pieces:
    """Pieces between two states: those found good, and how one is checked. The value is an offset into the piece."""

    __slots__ = ("_check", "good")

    def __init__(self, check: Callable[[bytes], int | None]) -> None:
        self.good: dict[bytes, int] = {}
        self._check = check

    def learn(self, piece: bytes) -> int | None:
        """Check a piece that is not known; None if it does not lead from state to state."""
        if not _is_clean(piece) or (value := self._check(piece)) is None:
            return None
        if len(piece) <= _LONGEST_PIECE:
            if len(self.good) >= _MOST_PIECES:
                self.good.clear()
            self.good[piece] = value
        return value


class Recogniser:
    """Recognises the canonical entries of one log.

    Args:
        origin: what `log` must be.
    """

    def __init__(self, origin: str) -> None:
        log = re.escape(origin.encode("ascii"))
        body = re.compile(_HEAD + rb',"body":\{"commit":"')
        bodiless = re.compile(_HEAD + _BEFORE_ID)
        media = re.compile(rb',"scheme":1,"type":"([^"\\]+)"\}' + _BEFORE_ID)
        labels = re.compile(rb'"(?:,"labels":' + _ARRAY + rb')?,"occurred_at":"')
        resource = re.compile(
            rb'","outcome":"(?:' + "|".join(sorted(names.OUTCOMES)).encode() + rb')"'
            rb'(?:,"resource":\{"id":"' + _TEXT + rb'{1,1024}","type":"' + names.RESOURCE_TYPE.encode() + rb'"\})?'
            rb',"source":\{'
        )
        tool = rb'\}(?:,"tool":"' + _TEXT + rb'{1,256}")?'
        trace = re.compile(tool + rb',"trace":\{"id":"')
        rest = _REST.replace(b"%b", log)
        traced = re.compile(rb'"\}' + rest)
        untraced = re.compile(tool + rest)
        self._to_body = _Pieces(lambda piece: _head(body, piece))
        self._to_id = _Pieces(lambda piece: _head(bodiless, piece))
        self._media = _Pieces(lambda piece: _media(media, piece))
        self._labels = _Pieces(lambda piece: _labels(labels, piece))
        self._resource = _Pieces(lambda piece: _plain(resource, piece))
        self._trace = _Pieces(lambda piece: _plain(trace, piece))
        self._traced = _Pieces(lambda piece: _end(traced, piece))
        self._untraced = _Pieces(lambda piece: _end(untraced, piece))
        self._sources: dict[bytes, tuple[str, str]] = {}
        self._seconds: set[bytes] = set()

    def facts(self, text: bytes, seq: int, prev: bytes) -> Facts | None:
        """Recognise the canonical entry number `seq` of this log that follows the entry with hash `prev` (64 hex).

        Returns:
            Its facts; None says nothing about the entry.
        """
        tail = b'","seq":%d,"v":3}' % seq
        size = len(text)
        at = size - len(tail)
        if at < 117 or text[at:] != tail or size > MAX_BYTES or b"\\" in text:
            return None
        time = text[at - 27 : at]
        end = at - 117
        if text[end : at - 27] != b',"prev":"%b","recorded_at":"' % prev or not self._is_time(time, 26):
            return None
        # From the beginning to the value of the event's id, by way of a body or without one.
        here = text.find(b'"body":{"commit":"') + 18
        commit, length = b"", 0
        if here > 18:
            piece = text[:here]
            start = self._to_body.good.get(piece) or self._to_body.learn(piece)
            commit = text[here : here + 64]
            mark = text.find(b",", here + 72)
            digits = text[here + 72 : mark]
            if start is None or text[here + 64 : here + 72] != b'","len":' or not _is_number(digits):
                return None
            length = int(digits)
            here = text.find(b'"id":"evt_', mark) + 10
            piece = text[mark:here]
            if piece not in self._media.good and self._media.learn(piece) is None:
                return None
        else:
            here = text.find(b'"id":"evt_') + 10
            piece = text[:here]
            start = self._to_id.good.get(piece) or self._to_id.learn(piece)
            if start is None:
                return None
        ulid = text[here : here + 26]
        if ulid[:1] > b"7" or ulid.translate(None, _CROCKFORD):
            return None
        # From there to the source.
        mark = text.find(b'"occurred_at":"', here + 26) + 15
        piece = text[here + 26 : mark]
        if piece not in self._labels.good and self._labels.learn(piece) is None:
            return None
        here = mark + 30
        if not self._is_time(text[mark:here], 29):
            return None
        mark = text.find(b'"source":{', here) + 10
        piece = text[here:mark]
        if piece not in self._resource.good and self._resource.learn(piece) is None:
            return None
        source_prev, number = b"", 0
        if text[mark : mark + 2] == b'"e':
            here = mark + 89
            source = self._sources.get(text[mark:here]) or self._learn_source(text[mark:here])
            source_prev = text[here : here + 64]
            mark = here + 72
            here = text.find(b"}", mark)
            digits = text[mark:here]
            if source is None or text[mark - 8 : mark] != b'","seq":' or not _is_number(digits):
                return None
            number = int(digits)
        else:
            here = mark + 37
            source = self._sources.get(text[mark:here]) or self._learn_source(text[mark:here])
            if source is None:
                return None
        # From the source to the end, by way of a trace or without one.
        mark = text.find(b'"trace":{"id":"', here, end) + 15
        if mark > 15:
            piece = text[here:mark]
            if piece not in self._trace.good and self._trace.learn(piece) is None:
                return None
            here = mark + 32
            hexes = text[mark:here]
            if text[here : here + 10] == b'","span":"':
                hexes += text[here + 10 : here + 26]
                here += 26
            piece = text[here:end]
            stop = self._traced.good.get(piece) or self._traced.learn(piece)
        else:
            hexes = b""
            piece = text[here:end]
            stop = self._untraced.good.get(piece) or self._untraced.learn(piece)
        if stop is None or (hexes + commit + source_prev).translate(None, _HEX):
            return None
        return Facts(time, text[start : here + stop], commit, length, source[0], source[1], source_prev, number)

    def _is_time(self, time: bytes, digits_end: int) -> bool:
        """`YYYY-MM-DDTHH:MM:SS`, a point, digits up to `digits_end`, Z."""
        second = time[:19]
        if second not in self._seconds:
            try:
                parse_time6(second.decode("ascii") + ".000000Z")
            except (Malformed, UnicodeDecodeError):
                return False
            if len(self._seconds) >= _MOST_PIECES:
                self._seconds.clear()
            self._seconds.add(second)
        return time[19:20] == b"." and time[20:digits_end].isdigit() and time[digits_end:] == b"Z"

    def _learn_source(self, piece: bytes) -> tuple[str, str] | None:
        found = _NUMBERED.fullmatch(piece) or _UNNUMBERED.fullmatch(piece)
        if found is None:
            return None
        if len(self._sources) >= _MOST_PIECES:
            self._sources.clear()
        source = (found["id"].decode("ascii"), found.groupdict().get("epoch", b"").decode("ascii"))
        self._sources[piece] = source
        return source


_NUMBERED: Final = re.compile(rb'"epoch":"(?P<epoch>[0-9a-f]{32})","id":"(?P<id>' + _SOURCE + rb')","prev":"')
_UNNUMBERED: Final = re.compile(rb'"id":"(?P<id>' + _SOURCE + rb')"')


def _is_number(digits: bytes) -> bool:
    """A canonical number of at most 15 digits; larger ones, which are rare, take the long way."""
    return digits.isdigit() and len(digits) <= 15 and (digits[0] != 48 or len(digits) == 1)


def _is_clean(piece: bytes) -> bool:
    """Strict UTF-8 without control characters (those below U+0080 are not in any pattern)."""
    if piece.isascii():
        return True
    try:
        return _LATE_CONTROL.search(piece.decode("utf-8")) is None
    except UnicodeDecodeError:
        return False


_LATE_CONTROL: Final = re.compile("[\x80-\x9f]")


def _is_array(content: bytes | None, kind: tuple[Callable[[str], object], int]) -> bool:
    if content is None:
        return True
    grammar, most = kind
    try:
        items = content.decode("ascii").split('","')
    except UnicodeDecodeError:
        return False
    ascends = all(one < other for one, other in pairwise(items))
    return ascends and len(items) <= most and all(grammar(item) is not None for item in items)


def _head(pattern: re.Pattern[bytes], piece: bytes) -> int | None:
    found = pattern.fullmatch(piece)
    if found is None:
        return None
    by, controls, action, *arrays = found.groups()
    if (
        names.SUBMITTERS.fullmatch(by.decode("ascii")) is None
        or names.ACTIONS.fullmatch(action.decode("ascii")) is None
    ):
        return None
    causes, own = arrays or (None, None)
    if not _is_array(controls, _CONTROLS) or not _is_array(causes, _CAUSES) or not _is_array(own, _CONTROLS):
        return None
    return piece.index(b'"event":{') + 8


def _media(pattern: re.Pattern[bytes], piece: bytes) -> int | None:
    found = pattern.fullmatch(piece)
    if found is None or not piece.isascii() or names.MEDIA_TYPES.fullmatch(found[1].decode("ascii")) is None:
        return None
    return 1 if _is_array(found[2], _CAUSES) and _is_array(found[3], _CONTROLS) else None


def _labels(pattern: re.Pattern[bytes], piece: bytes) -> int | None:
    found = pattern.fullmatch(piece)
    return 1 if found is not None and _is_array(found[1], _LABELS) else None


def _plain(pattern: re.Pattern[bytes], piece: bytes) -> int | None:
    return 1 if pattern.fullmatch(piece) is not None else None


def _end(pattern: re.Pattern[bytes], piece: bytes) -> int | None:
    return piece.index(b'},"log":"') + 1 if pattern.fullmatch(piece) is not None else None
