"""What a spool holds, read and checked independently of the shipper."""

from __future__ import annotations

from pathlib import Path

from muniment.agent.spools.frames import Frame, marker_of, read_frames
from muniment.agent.state import State
from muniment.core.body import check_body
from muniment.core.event import Event, event_hash, parse_event


def segments(state: State) -> list[Path]:
    """All segments, by epoch and number."""
    return sorted(state.spool.glob("src_*/*/*.seg"))


def frames(state: State) -> list[Frame]:
    """All frames; damage fails the test."""
    found = []
    for path in segments(state):
        for part in read_frames(path.read_bytes(), marker_of(bytes.fromhex(path.parent.name), int(path.stem))):
            assert isinstance(part, Frame), part
            found.append(part)
    return found


def events(state: State) -> list[Event]:
    """All events, each in canonical text, each epoch numbered and linked without a gap, each body as committed."""
    heads: dict[bytes, tuple[int, bytes]] = {}
    found = []
    for frame in frames(state):
        event = parse_event(frame.event)
        assert event.text() == frame.event
        assert event.source.epoch is not None
        expected, prev = heads.get(event.source.epoch, (0, bytes(32)))
        assert (event.source.seq, event.source.prev) == (expected, prev)
        assert frame.seq == event.source.seq
        heads[event.source.epoch] = (expected + 1, event_hash(frame.event))
        if frame.body and frame.salt and event.body:
            check_body(event.body.commit, event.body.len, frame.salt, frame.body)
        found.append(event)
    return found


def labels(event: Event) -> dict[str, str]:
    """An event's labels as a mapping."""
    return dict(label.split("=", 1) for label in event.labels)
