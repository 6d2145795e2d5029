"""Frames: whatever happens to a segment, every byte is accounted for and whole frames are found."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from muniment.agent.spools.frames import HEADER_BYTES, Damage, Frame, frame_header, marker_of, read_frames

EPOCH = bytes(range(16))
MARKER = marker_of(EPOCH, 0)


def frame(seq: int, event: bytes = b'{"a":1}', salt: bytes = b"", body: bytes = b"") -> bytes:
    return frame_header(MARKER, seq, event, salt, body) + event + salt + body


def segment(count: int) -> bytes:
    return b"".join(frame(seq, b'{"n":%d}' % seq, bytes(32), b"body %d" % seq) for seq in range(count))


def test_frames_come_back_as_they_were_written() -> None:
    parts = list(read_frames(frame(0) + frame(1, salt=bytes(32), body=b"x") + frame(2, salt=bytes(32)), MARKER))
    assert [(part.seq, part.body) for part in parts if isinstance(part, Frame)] == [(0, None), (1, b"x"), (2, b"")]
    assert parts[-1].end == 3 * HEADER_BYTES + 3 * 7 + 65


@given(st.integers(0, 400), st.integers(1, 255))
def test_a_flipped_byte_costs_at_most_one_event_and_is_seen(offset: int, mask: int) -> None:
    data = bytearray(segment(6))
    data[offset % len(data)] ^= mask
    parts = list(read_frames(bytes(data), MARKER))
    whole = [part for part in parts if isinstance(part, Frame)]
    assert len(whole) >= 5
    assert any(isinstance(part, Damage) or part.body_damaged for part in parts)
    assert all(part.event == b'{"n":%d}' % part.seq for part in whole)


@given(st.integers(0, 600))
def test_a_cut_segment_yields_its_whole_frames_and_the_torn_end(length: int) -> None:
    data = segment(6)[:length]
    parts = list(read_frames(data, MARKER))
    assert [part.seq for part in parts if isinstance(part, Frame)] == list(
        range(len(parts) - (bool(parts) and isinstance(parts[-1], Damage)))
    )
    assert sum(isinstance(part, Damage) for part in parts) <= 1
    assert not data or parts[-1].end == len(data)


@settings(max_examples=200)
@given(
    st.lists(st.one_of(st.binary(max_size=60), st.integers(0, 5).map(lambda n: frame(n, salt=bytes(32), body=b"b"))))
)
def test_reading_is_total_and_covers_every_byte(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    position = 0
    for part in read_frames(data, MARKER):
        if isinstance(part, Damage):
            assert part.start == position
            assert part.at_end == (part.end == len(data))
        position = part.end
    assert position == len(data)


def test_a_frame_hidden_in_a_body_is_not_taken_for_one_after_damage() -> None:
    guess = marker_of(bytes(16), 0)
    forged = frame_header(guess, 1, b'{"forged":1}', b"", b"") + b'{"forged":1}'
    data = bytearray(frame(0, salt=bytes(32), body=forged) + frame(1))
    data[3] ^= 1
    parts = list(read_frames(bytes(data), MARKER))
    assert [part.event for part in parts if isinstance(part, Frame)] == [b'{"a":1}']
