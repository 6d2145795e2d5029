"""What the operation of the overview answers."""

from __future__ import annotations

from typing import Any

from ninja import Schema


class VerdictOut(Schema):
    """The answer to whether the record is intact, and what it does not say."""

    state: str
    sentence: str
    detail: str
    stale: bool
    note: str


class WalkShort(Schema):
    """A walk."""

    run: int
    finished_at: str
    ok: bool


class SealingOut(Schema):
    """How far the log is sealed; seconds."""

    size: int
    sealed: int
    sealed_at: str | None
    within_seconds: int
    waiting_seconds: float | None
    late: bool


class MinuteOut(Schema):
    """Entries of one minute."""

    at: str
    entries: int


class SourcesOut(Schema):
    """How many sources; ids for those who may see sources, else null."""

    total: int
    silent: int
    silent_ids: list[str] | None


class SetbackOut(Schema):
    """What failed or was denied in the last 24 hours."""

    outcome: str
    action: str
    entries: int
    latest: str


class EvidencedControlOut(Schema):
    """Evidence by control; `latest` is null where there is none."""

    control: str
    entries: int
    latest: str | None
    evidences: list[str]


class JobOut(Schema):
    """A background job."""

    name: str
    works: bool
    beat_at: str | None
    failures: int


class Overview(Schema):
    """How the log stands. Counts of setbacks and evidence end at `counted_to`."""

    verdict: VerdictOut
    walk: WalkShort | None
    full_walk: WalkShort | None
    sealing: SealingOut
    minutes: list[MinuteOut]
    sources: SourcesOut
    setbacks: list[SetbackOut]
    controls: list[EvidencedControlOut]
    control_days: int
    counted_to: int
    anchors: Any
    jobs: list[JobOut]
    warnings: list[str]
