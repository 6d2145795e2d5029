r"""Frames: how a segment of a spool holds events, so that damage is found, named and stepped over.

A segment is a file of frames and nothing else. All integers are little-endian.

```
marker        8 bytes   SHA-256("muniment/spool/1\0" ‖ epoch ‖ first seq of the segment, 8 bytes)[:8]
seq           u64       the event's source.seq
event length  u32       bytes of canonical event text
body length   u32       bytes of salt ‖ body; 0: no body, 32: salt alone (the body is longer than may be stored)
event crc     u32       CRC-32 of the event text
body crc      u32       CRC-32 of salt ‖ body
header crc    u32       CRC-32 of the 32 bytes before
event text, salt, body
```

The marker cannot be guessed by whoever wrote a body (the epoch is random and leaves the machine only when the events
are shipped), so a frame hidden inside a body is not taken for one when reading has to find its place after damage.
"""

import hashlib
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from muniment.core.body import MAX_INLINE_BYTES, SALT_BYTES

_HEADER: Final = struct.Struct("<8sQIIII")
_CRC: Final = struct.Struct("<I")
HEADER_BYTES: Final = _HEADER.size + _CRC.size
MAX_EVENT_BYTES: Final = 65_535
MAX_BODY_BYTES: Final = MAX_INLINE_BYTES + SALT_BYTES


@dataclass(frozen=True, slots=True)
class Frame:
    """One event as the spool holds it.

    Attributes:
        seq: the event's place in its epoch.
        event: canonical text.
        salt: 32 bytes, or None if the event has no body (or its salt was damaged).
        body: the body's bytes; no bytes where it is empty or not stored, which `body.len` of the event tells apart;
            None if the event has no body.
        end: offset in the segment directly after the frame, in bytes.
        body_damaged: the event is whole and the bytes of its body are not; salt and body are None.
    """

    seq: int
    event: bytes
    salt: bytes | None
    body: bytes | None
    end: int
    body_damaged: bool = False


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes of a segment that are no frame.

    Attributes:
        start: offset of the first such byte.
        end: offset after the last.
        at_end: nothing follows: a frame that was being written, or was torn by a crash.
    """

    start: int
    end: int
    at_end: bool


def marker_of(epoch: bytes, first_seq: int) -> bytes:
    """The eight bytes that begin every frame of a segment."""
    return hashlib.sha256(b"muniment/spool/1\0" + epoch + first_seq.to_bytes(8, "little")).digest()[:8]


def frame_header(marker: bytes, seq: int, event: bytes, salt: bytes, body: bytes) -> bytes:
    """The header that goes before `event ‖ salt ‖ body`."""
    header = _HEADER.pack(
        marker, seq, len(event), len(salt) + len(body), zlib.crc32(event), zlib.crc32(body, zlib.crc32(salt))
    )
    return header + _CRC.pack(zlib.crc32(header))


def read_frames(data: bytes, marker: bytes, start: int = 0) -> Iterator[Frame | Damage]:
    """Read a segment from an offset at which a frame begins.

    Total: every byte of `data[start:]` belongs to exactly one of the frames and damages that come out, in order.
    """
    view = memoryview(data)
    position = lost = start
    while position < len(view):
        frame = _frame_at(view, position, marker)
        if frame is None:
            # Look for the next place where a whole header stands.
            found = data.find(marker, position + 1)
            position = len(data) if found < 0 else found
            continue
        if lost < position:
            yield Damage(lost, position, at_end=False)
        yield frame
        position = lost = frame.end
    if lost < len(view):
        yield Damage(lost, len(view), at_end=True)


def _frame_at(view: memoryview, position: int, marker: bytes) -> Frame | None:
    event_start = position + HEADER_BYTES
    if event_start > len(view):
        return None
    header = view[position : position + _HEADER.size]
    found, seq, event_length, body_length, event_crc, body_crc = _HEADER.unpack(header)
    (header_crc,) = _CRC.unpack(view[position + _HEADER.size : event_start])
    if found != marker or zlib.crc32(header) != header_crc:
        return None
    if not 0 < event_length <= MAX_EVENT_BYTES or not (body_length == 0 or SALT_BYTES <= body_length <= MAX_BODY_BYTES):
        return None
    body_start = event_start + event_length
    end = body_start + body_length
    if end > len(view):
        return None
    event = bytes(view[event_start:body_start])
    if zlib.crc32(event) != event_crc:
        return None
    tail = view[body_start:end]
    if zlib.crc32(tail) != body_crc:
        return Frame(seq, event, None, None, end, body_damaged=True)
    if not body_length:
        return Frame(seq, event, None, None, end)
    salt = bytes(tail[:SALT_BYTES])
    return Frame(seq, event, salt, bytes(tail[SALT_BYTES:]), end)
