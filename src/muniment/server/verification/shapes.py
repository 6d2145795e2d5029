"""What the operations about walks answer."""

from __future__ import annotations

from typing import Any

from ninja import Schema


class WalkOut(Schema):
    """A finished walk; `broken_at` is the first entry that does not hold."""

    run: int
    started_at: str
    finished_at: str
    ok: bool
    total_rows: int
    head: str
    broken_at: int | None
    report: dict[str, Any]


class WalkList(Schema):
    """Walks, newest first; `cursor` asks for the next page."""

    walks: list[WalkOut]
    cursor: int | None


class PinnedCheckpoint(Schema):
    """A tree: its size and its root, in hex."""

    size: int
    root: str


class Pin(Schema):
    """What a verifier pins (docs/verify.md)."""

    origin: str
    genesis: str
    root: str
    checkpoint: PinnedCheckpoint | None = None
