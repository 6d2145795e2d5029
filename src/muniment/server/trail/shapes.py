"""What the operation of the trail answers."""

from __future__ import annotations

from typing import Literal

from ninja import Schema


class DeedOut(Schema):
    """One entry in words. Names are those of now, and may be unknown."""

    seq: int
    recorded_at: str
    action: str
    outcome: str
    actor: str
    actor_name: str
    what: str
    about: str
    about_name: str
    labels: list[str]
    seal: Literal["recorded", "sealed", "anchored", "broken"]


class Trail(Schema):
    """Deeds, newest first; `cursor` asks for the next page."""

    trail: list[DeedOut]
    cursor: str | None
