"""What reviewers said of the samples that were drawn for the tenant's controls."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson
from django.db.models import F, Func, IntegerField

from muniment.server.matrix.rows import Examination, SampleState
from muniment.server.populations.models import Mark, Population, Sample

_OWN: Final = '"control":"own:'


@dataclass(slots=True)
class Reviewed:
    """One sample with what was said of it.

    Attributes:
        state: what is shown of it.
        name: of its population.
        number: among the samples of its population.
        noted: entries whose newest mark notes an exception: (place, when it was marked, comment).
        last_at: when something was said of it last.
        concluded_at: when it was concluded last.
    """

    state: SampleState
    name: str
    number: int
    noted: list[tuple[int, datetime, str]] = field(default_factory=list)
    last_at: datetime | None = None
    concluded_at: datetime | None = None


def reviewed_samples(tenant_id: UUID, control: str = "") -> dict[str, list[Reviewed]]:
    """The samples of the populations that were asked for one of the tenant's controls, by control, newest first.

    Args:
        tenant_id: whose `tenant_scope` is open.
        control: `own:AI-7`; "" for all.
    """
    populations = Population.objects.filter(tenant_id=tenant_id, question__contains=_OWN)
    asked = {}
    for population, text, name in populations.values_list("id", "question", "name"):
        about = str(orjson.loads(text).get("control", ""))
        if about.startswith("own:") and control in ("", about):
            asked[population] = (about, name)
    items = Func(F("places"), function="cardinality", output_field=IntegerField())
    rows = (
        Sample.objects.filter(tenant_id=tenant_id, population_id__in=list(asked))
        .annotate(items=items)
        .order_by("-created_at", "-id")
        .values("id", "population_id", "number", "created_at", "items")
    )
    samples = {row["id"]: row for row in rows}
    marks = _newest_marks(tenant_id, samples)
    concluded = _conclusions(tenant_id, samples)
    found: dict[str, list[Reviewed]] = defaultdict(list)
    for sample, row in samples.items():
        of_control, name = asked[row["population_id"]]
        found[of_control].append(_reviewed(row, name, marks[sample], concluded.get(sample)))
    return found


def examination_of(samples: Iterable[Reviewed], since: datetime) -> Examination:
    """What follows from some samples for a control.

    Args:
        samples: all of the control.
        since: where the last twelve months begin.
    """
    every = list(samples)
    said = [one.last_at for one in every if one.last_at is not None]
    last = max(said, default=None)
    return Examination(
        samples=len(every),
        last_at=last,
        recent=last is not None and last >= since,
        exceptions=sum(at >= since for one in every for _place, at, _comment in one.noted),
        concluded_bad=any(
            one.state.conclusion == "exceptions" and one.concluded_at is not None and one.concluded_at >= since
            for one in every
        ),
    )


def _newest_marks(tenant_id: UUID, samples: Mapping[str, Any]) -> Mapping[str, list[tuple[int, bool, datetime, str]]]:
    rows = (
        Mark.objects.filter(tenant_id=tenant_id, sample_id__in=list(samples), place__isnull=False)
        .order_by("sample_id", "place", "-number")
        .distinct("sample_id", "place")
        .values_list("sample_id", "place", "exception", "created_at", "comment")
    )
    found: dict[str, list[tuple[int, bool, datetime, str]]] = defaultdict(list)
    for sample, place, exception, at, comment in rows:
        found[sample].append((place or 0, exception, at, comment if exception else ""))
    return found


def _conclusions(tenant_id: UUID, samples: Mapping[str, Any]) -> dict[str, tuple[str, datetime]]:
    rows = Mark.objects.filter(tenant_id=tenant_id, sample_id__in=list(samples), place__isnull=True).order_by("number")
    return {sample: (said, at) for sample, said, at in rows.values_list("sample_id", "conclusion", "created_at")}


def _reviewed(
    row: Mapping[str, Any],
    name: str,
    marks: list[tuple[int, bool, datetime, str]],
    concluded: tuple[str, datetime] | None,
) -> Reviewed:
    noted = [(place, at, comment) for place, exception, at, comment in marks if exception]
    times = [at for _place, _exception, at, _comment in marks] + ([concluded[1]] if concluded else [])
    state = SampleState(
        row["id"],
        row["population_id"],
        row["created_at"],
        row["items"],
        len(marks),
        len(noted),
        concluded[0] if concluded else "",
    )
    return Reviewed(state, name, row["number"], noted, max(times, default=None), concluded[1] if concluded else None)
