"""Alerts as JSON, and the entries that they rest on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import orjson

from muniment.anomalies.watched import DETECTORS, Watched
from muniment.ledger.surroundings import entries_of_places
from muniment.server.access.standing import Standing
from muniment.server.anomalies.models import Alert, Reading
from muniment.server.anomalies.services import Seen
from muniment.server.moments import moment


@dataclass(frozen=True, slots=True)
class Place:
    """An entry that an alert rests on, as the log has it."""

    seq: int
    at: datetime
    action: str
    outcome: str
    actor: str
    subject: str


def places_of(standing: Standing, row: Alert) -> list[Place]:
    """The entries that an alert names, oldest first, read from the log."""
    seqs = sorted({int(seq) for seq, _ in row.entries})
    with standing.transaction() as reading:
        found = entries_of_places(reading, standing.log_id, seqs)
    return [_place(one.seq, one.recorded_at, orjson.loads(one.text)["event"]) for one in found]


def _place(seq: int, at: datetime, event: dict[str, dict[str, str]]) -> Place:
    return Place(
        seq,
        at,
        str(event["action"]),
        str(event["outcome"]),
        str(event["actor"]["id"]),
        str(event.get("resource", {}).get("id", "")),
    )


def alert_json(seen: Seen) -> dict[str, object]:
    """An alert; `acknowledged` is null while nobody looked at it."""
    row, known = seen.alert, seen.acknowledged
    return {
        "id": row.id,
        "detector": row.detector,
        "pattern": row.pattern,
        "about": row.about,
        "since": moment(row.since),
        "until": moment(row.until),
        "raised_at": moment(row.raised_at),
        "sentence": row.sentence,
        "numbers": row.numbers,
        "entries": [{"entry": seq, "reference": reference} for seq, reference in row.entries],
        "learned": row.learned,
        "sensitivity": row.sensitivity,
        "zone": row.zone,
        "entry": row.seq,
        "acknowledged": None
        if known is None
        else {
            "by": known.by,
            "verdict": known.verdict,
            "comment": known.comment,
            "at": moment(known.at),
            "entry": known.seq,
        },
    }


def settings_json(watched: Watched, read: Reading | None) -> dict[str, object]:
    """What is watched, and how far the log was read."""
    return {
        "zone": watched.zone,
        "sensitivity": {name: watched.of(name) for name in DETECTORS},
        "read_to": None if read is None else {"entry": read.seq, "at": moment(read.read_at)},
    }
