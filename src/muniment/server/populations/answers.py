"""Populations, samples and marks as JSON."""

from __future__ import annotations

import orjson

from muniment.catalogs.marking import Marked
from muniment.ledger.population import Searched
from muniment.ledger.read import StoredEntry
from muniment.server.moments import moment
from muniment.server.populations.models import Mark, Population, Sample
from muniment.server.populations.services import Counted, Standpoint, Tally
from muniment.server.populations.walking import Item


def searched_json(range_: Searched) -> dict[str, object]:
    """What was searched."""
    return {
        "log": range_.origin,
        "first": 0,
        "size": range_.size,
        "root": range_.root.hex(),
        "sealed_at": moment(range_.sealed_at),
        "recorded": range_.recorded,
        "left_out": range_.left_out,
        "mapping": range_.mapping,
    }


def counted_json(found: Counted) -> dict[str, object]:
    """A count, by which way, and what a control was taken to mean."""
    ways = found.ways
    return {
        "searched": searched_json(found.searched),
        "evidence": orjson.loads(found.asked.evidence) if found.asked.evidence else None,
        "count": found.count,
        "ways": None if ways is None else {"recorded": ways.recorded, "annotated": ways.annotated},
    }


def member_json(entry: StoredEntry, marks: tuple[Marked, ...]) -> dict[str, object]:
    """An entry of a population, and why it evidences the control that was asked for."""
    return {
        "seq": entry.seq,
        "recorded_at": moment(entry.recorded_at),
        "entry_hash": entry.entry_hash.hex(),
        "entry": orjson.Fragment(entry.text),
        "marks": [{"control": one.control, "mark": one.mark.value, "by": one.by} for one in marks],
    }


def searched_of(row: Population) -> Searched:
    """What was searched for a saved population."""
    return Searched(row.log, row.size, bytes.fromhex(row.root), row.sealed_at, row.recorded, row.mapping)


def population_json(row: Population) -> dict[str, object]:
    """A saved population."""
    return {
        "id": row.id,
        "name": row.name,
        "question": orjson.loads(row.question),
        "searched": searched_json(searched_of(row)),
        "evidence": orjson.loads(row.evidence) if row.evidence else None,
        "count": row.count,
        "ways": {"recorded": row.count - row.annotated, "annotated": row.annotated} if row.evidence else None,
        "digest": row.digest,
        "seed": row.seed,
        "seed_from": row.seed_from,
        "created_by": row.created_by,
        "created_at": moment(row.created_at),
        "entry": row.seq,
    }


def sample_json(row: Sample, tally: Tally) -> dict[str, object]:
    """A sample with how far its review has come."""
    return {
        "id": row.id,
        "population": row.population_id,
        "number": row.number,
        "plan": orjson.loads(row.plan),
        "parts": row.parts,
        "seed": row.seed,
        "seed_from": row.seed_from,
        "count": len(row.places),
        "places": row.places,
        "tally": {
            "items": tally.items,
            "marked": tally.marked,
            "exceptions": tally.exceptions,
            "result": None if tally.result is None else mark_json(tally.result),
        },
        "created_by": row.created_by,
        "created_at": moment(row.created_at),
        "entry": row.seq,
    }


def mark_json(row: Mark) -> dict[str, object]:
    """A mark."""
    return {
        "id": row.id,
        "seq": row.place,
        "number": row.number,
        "ticks": row.ticks,
        "exception": row.exception,
        "conclusion": row.conclusion,
        "comment": row.comment,
        "created_by": row.created_by,
        "created_at": moment(row.created_at),
        "entry": row.seq,
    }


def item_json(item: Item, standpoint: Standpoint | None) -> dict[str, object]:
    """A sampled entry with its proof; the entry stands byte for byte as it was hashed."""
    return {
        "seq": item.seq,
        "holds": item.holds,
        "fault": item.fault,
        "entry_hash": None if item.entry is None else item.entry.entry_hash.hex(),
        "recorded_at": None if item.entry is None else moment(item.entry.recorded_at),
        "entry": None if item.entry is None else orjson.Fragment(item.entry.text),
        "proof": [one.hex() for one in item.proof],
        "marks": 0 if standpoint is None else standpoint.marks,
        "mark": None if standpoint is None else mark_json(standpoint.mark),
    }
