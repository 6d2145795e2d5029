"""What reviewers mark. A mark is never changed: another one is added, and the newest counts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import orjson

from muniment.core.errors import Malformed, Refused
from muniment.ledger.read import entry_at
from muniment.server.access.standing import Standing
from muniment.server.populations.models import Mark, Sample, mark_id
from muniment.server.populations.services.populations import NoSuch, one_at_a_time
from muniment.server.populations.workflow import RESULTS, checked_comment, checked_mark
from muniment.server.recording import record


@dataclass(frozen=True, slots=True)
class Standpoint:
    """The newest mark of a sampled entry, and how many there were."""

    mark: Mark
    marks: int


@dataclass(frozen=True, slots=True)
class Tally:
    """How far the review of a sample has come, counted by the newest mark of each entry.

    Attributes:
        items: entries of the sample.
        marked: entries with a mark.
        exceptions: entries whose newest mark notes an exception.
        result: the newest conclusion on the whole, None before there is one.
    """

    items: int
    marked: int
    exceptions: int
    result: Mark | None


def mark(
    standing: Standing,
    sample: Sample,
    place: int,
    *,
    ticks: Sequence[str] = (),
    exception: bool = False,
    conclusion: str = "",
    comment: str = "",
) -> Mark:
    """Mark a sampled entry.

    Args:
        standing: of the reviewer; has `sample.mark`.
        sample: one of the tenant's.
        place: of the entry.
        ticks: some of `TICKS`.
        exception: an exception is noted; needs a comment.
        conclusion: one of `VERDICTS`, or "".
        comment: at most 4,000 characters. It stands in the mark's body, committed to for good: nobody can erase it.

    Raises:
        NoSuch: for an entry that is not in the sample.
        Malformed: naming the field.
    """
    kept = checked_mark(ticks, exception=exception, conclusion=conclusion, comment=comment)
    if place not in sample.places:
        raise NoSuch("the sample does not have that entry", "seq")
    row = Mark(
        id=mark_id(), tenant_id=standing.tenant_id, sample_id=sample.id, place=place, ticks=list(kept),
        exception=exception or conclusion == "exception", conclusion=conclusion, comment=comment.strip(),
        created_by=standing.subject,
    )  # fmt: skip
    with standing.transaction() as reading:
        found = entry_at(reading, standing.log_id, place)
    if found is None:
        raise Refused("the log does not have it any more; order a walk", f"entry {place}")
    event = orjson.loads(found[0].text)["event"]
    return _keep(
        standing,
        sample,
        row,
        action="sample.mark",
        labels={
            "entry": place,
            "ticks": ",".join(kept),
            "exception": "yes" if row.exception else "no",
            "conclusion": conclusion,
        },
        causes=[f"{event['source']['id']}/{event['id']}"],
    )


def conclude(standing: Standing, sample: Sample, *, result: str, comment: str) -> Mark:
    """Conclude on a whole sample. A later conclusion takes the place of an earlier one; both stay in the log.

    Raises:
        Malformed: for an unknown result, or no comment.
        Refused: if the result denies exceptions that are noted.
    """
    if result not in RESULTS:
        raise Malformed(f"is one of {', '.join(RESULTS)}", "result")
    checked_comment(comment)
    if not comment.strip():
        raise Malformed("say what the conclusion rests on", "comment")
    tally = tallies([sample])[sample.id]
    if result == "effective" and tally.marked < tally.items:
        raise Refused(f"{tally.items - tally.marked:,} of {tally.items:,} entries are not marked yet", "result")
    row = Mark(
        id=mark_id(), tenant_id=standing.tenant_id, sample_id=sample.id, place=None,
        exception=tally.exceptions > 0, conclusion=result, comment=comment.strip(), created_by=standing.subject,
    )  # fmt: skip
    labels = {"result": result, "items": tally.items, "marked": tally.marked, "exceptions": tally.exceptions}
    return _keep(standing, sample, row, action="sample.conclude", labels=labels, causes=[sample.event])


def _keep(
    standing: Standing, sample: Sample, row: Mark, *, action: str, labels: dict[str, object], causes: list[str]
) -> Mark:
    one_at_a_time(sample.id)
    rows = Mark.objects.filter(tenant_id=standing.tenant_id, sample_id=sample.id, place=row.place)
    row.number = rows.count() + 1
    receipt = record(
        action,
        by=standing.subject,
        resource=("sample", sample.id),
        labels={**labels, "mark": row.id, "number": row.number},
        causes=causes,
        body={"comment": row.comment} if row.comment else None,
    )
    row.seq = receipt.seq
    row.save(force_insert=True)
    return row


def standpoints(sample: Sample, places: Collection[int]) -> dict[int, Standpoint]:
    """The newest mark of each of these entries that has one, by place."""
    rows = Mark.objects.filter(tenant_id=sample.tenant_id, sample_id=sample.id, place__in=list(places))
    return {row.place: Standpoint(row, row.number) for row in rows.order_by("number") if row.place is not None}


def history_of(sample: Sample, place: int | None) -> list[Mark]:
    """Every mark of an entry, oldest first; of the whole sample without a place."""
    rows = Mark.objects.filter(tenant_id=sample.tenant_id, sample_id=sample.id)
    return list(rows.filter(place__isnull=True) if place is None else rows.filter(place=place))


def tallies(samples: Collection[Sample]) -> dict[str, Tally]:
    """How far the reviews of some samples have come, by sample."""
    ids = [sample.id for sample in samples]
    newest = (
        Mark.objects.filter(sample_id__in=ids, place__isnull=False)
        .order_by("sample_id", "place", "-number")
        .distinct("sample_id", "place")
        .values_list("sample_id", "exception")
    )
    marked: dict[str, int] = dict.fromkeys(ids, 0)
    noted: dict[str, int] = dict.fromkeys(ids, 0)
    for sample_id, exception in newest:
        marked[sample_id] += 1
        noted[sample_id] += exception
    whole = Mark.objects.filter(sample_id__in=ids, place__isnull=True).order_by("sample_id", "number")
    results = {row.sample_id: row for row in whole}
    return {
        sample.id: Tally(len(sample.places), marked[sample.id], noted[sample.id], results.get(sample.id))
        for sample in samples
    }
