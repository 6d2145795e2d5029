"""Pages of samples: the walk with its proofs, marks, the conclusion, and the bundle."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from muniment.core.errors import Malformed, MunimentError, Refused
from muniment.server.access.pages import page, page_standing
from muniment.server.access.standing import Standing
from muniment.server.api.streaming import StreamPlace
from muniment.server.capabilities import Capability
from muniment.server.explorer.names import names_of
from muniment.server.explorer.prooftree import picture_of, steps_of
from muniment.server.explorer.rows import parsed, people_in, row_of
from muniment.server.populations import services
from muniment.server.populations.exporting import chunks_of, places_of_review, response_of, sample_request
from muniment.server.populations.forms import ConclusionForm, MarkForm
from muniment.server.populations.models import Mark, Population, Sample
from muniment.server.populations.question import stored_question
from muniment.server.populations.reading import standing_of_log
from muniment.server.populations.views import plan_words
from muniment.server.populations.walking import seal_of, walk_items
from muniment.server.populations.workflow import RESULTS, TICKS, VERDICTS
from muniment.server.problems import ProblemError
from muniment.server.recording import record

PAGE_SIZE: Final = 25


@page(needs=Capability.LEDGER_READ)
def sample(request: HttpRequest, sample_id: str) -> HttpResponse:
    """The walk: a page of sampled entries, each with whether its proof holds and what was marked."""
    standing = page_standing(request)
    row, population = _found(standing, sample_id)
    after = _number(request.GET.get("after", ""))
    first = sum(place <= after for place in row.places) if after is not None else 0
    return _sample(request, standing, row, population, first, ConclusionForm())


@page(needs=Capability.LEDGER_READ)
def item(request: HttpRequest, sample_id: str, seq: int) -> HttpResponse:
    """One sampled entry with its proof, its marks and the form for another."""
    standing = page_standing(request)
    row, population = _found(standing, sample_id)
    if seq not in row.places:
        raise Http404
    newest = services.standpoints(row, [seq]).get(seq)
    form = MarkForm(initial=None if newest is None else _initial(newest.mark))
    return _item(request, standing, row, population, seq, form)


@page(needs=Capability.SAMPLE_MARK, methods=("POST",))
def mark(request: HttpRequest, sample_id: str, seq: int) -> HttpResponse:
    """Mark a sampled entry, and go on to the next."""
    standing = page_standing(request)
    row, population = _found(standing, sample_id)
    form = MarkForm(request.POST)
    if form.is_valid():
        try:
            services.mark(standing, row, seq, **form.cleaned_data)
        except services.NoSuch:
            raise Http404 from None
        except (Malformed, Refused) as error:
            form.accuse(error)
        else:
            following = next((place for place in row.places if place > seq), None)
            if "next" in request.POST and following is not None:
                return HttpResponseRedirect(reverse("populations:item", args=[row.id, following]))
            return HttpResponseRedirect(reverse("populations:sample", args=[row.id]))
    if seq not in row.places:
        raise Http404
    return _item(request, standing, row, population, seq, form, status=422)


@page(needs=Capability.SAMPLE_MARK, methods=("POST",))
def conclude(request: HttpRequest, sample_id: str) -> HttpResponse:
    """Conclude on the whole sample."""
    standing = page_standing(request)
    row, population = _found(standing, sample_id)
    form = ConclusionForm(request.POST)
    if form.is_valid():
        try:
            services.conclude(standing, row, **form.cleaned_data)
        except (Malformed, Refused) as error:
            form.add_error(error.where if error.where in form.fields else None, error.reason)
        else:
            messages.success(request, "The conclusion is recorded.")
            return HttpResponseRedirect(reverse("populations:sample", args=[row.id]))
    return _sample(request, standing, row, population, 0, form, status=422)


@page(needs=Capability.EXPORT_CREATE, step_up="writes", methods=("POST",))
def bundle(request: HttpRequest, sample_id: str) -> HttpResponseBase:
    """The sample as a bundle; recorded."""
    standing = page_standing(request)
    row, population = _found(standing, sample_id)
    marks = request.POST.get("marks") == "yes"
    place: StreamPlace | None = None
    try:
        if population.log != standing.origin:
            raise Refused(f"it was taken from the log {population.log}, which is not the active one", "sample")
        places = places_of_review(population, row) if marks else list(row.places)
        wanted = sample_request(standing, population, places, marks=marks, bodies=None)
        place = StreamPlace()
        chunks = chunks_of(standing, wanted, place)
        first = next(chunks)
    except (MunimentError, ProblemError) as error:
        if place is not None:
            place.release()
        messages.warning(request, f"Not exported: {error}.")
        return HttpResponseRedirect(reverse("populations:sample", args=[row.id]))
    try:
        record(
            "export.create",
            by=standing.subject,
            resource=("log", standing.origin),
            labels={"form": "muniment-bundle/1", "entries": len(places)},
            body={"sample": row.id, "marks": marks},
        )
    except BaseException:
        chunks.close()
        raise
    return response_of(chunks, first, row.id)


def _sample(
    request: HttpRequest,
    standing: Standing,
    row: Sample,
    population: Population,
    first: int,
    form: ConclusionForm,
    *,
    status: int = 200,
) -> HttpResponse:
    places = row.places[first : first + PAGE_SIZE]
    here = standing_of_log(standing)
    with standing.transaction() as reading:
        seal = seal_of(reading, standing, population)
        items = walk_items(reading, standing, population, places)
    standpoints = services.standpoints(row, places)
    documents = {one.seq: parsed(one.entry) for one in items if one.entry is not None}
    names = names_of(standing.tenant_id, people_in(documents.values()))
    shown = [
        (
            one,
            None if one.entry is None or here is None else row_of(one.entry, documents[one.seq], here, names),
            standpoints.get(one.seq),
        )
        for one in items
    ]
    whole = services.history_of(row, None)
    context: dict[str, Any] = {
        "sample": row,
        "population": population,
        "plan": plan_words(row.plan),
        "parts": sorted(row.parts.items()),
        "seal": seal,
        "items": shown,
        "first": first + 1,
        "last": first + len(items),
        "tally": services.tallies([row])[row.id],
        "words": stored_question(population.question).words,
        "conclusions": _told(standing, whole),
        "form": form,
        "may_mark": standing.may(Capability.SAMPLE_MARK),
        "may_export": standing.may(Capability.EXPORT_CREATE),
        "verify": f"muniment verify {row.id}.bundle",
        "broken": [one.seq for one in items if not one.holds],
    }
    if first + PAGE_SIZE < len(row.places):
        context["next_url"] = f"?after={places[-1]}"
    if first > 0:
        before = first - PAGE_SIZE
        context["previous_url"] = f"?after={row.places[before - 1]}" if before > 0 else "?"
    return render(request, "populations/sample.html", context, status=status)


def _item(
    request: HttpRequest,
    standing: Standing,
    row: Sample,
    population: Population,
    seq: int,
    form: MarkForm,
    *,
    status: int = 200,
) -> HttpResponse:
    here = standing_of_log(standing)
    with standing.transaction() as reading:
        seal = seal_of(reading, standing, population)
        (found,) = walk_items(reading, standing, population, [seq])
    at = row.places.index(seq)
    context: dict[str, Any] = {
        "sample": row,
        "population": population,
        "seal": seal,
        "item": found,
        "number": at + 1,
        "previous": row.places[at - 1] if at else None,
        "next": row.places[at + 1] if at + 1 < len(row.places) else None,
        "history": _told(standing, services.history_of(row, seq)),
        "form": form,
        "may_mark": standing.may(Capability.SAMPLE_MARK),
    }
    if found.entry is not None and here is not None:
        document = parsed(found.entry)
        context["row"] = row_of(found.entry, document, here, names_of(standing.tenant_id, people_in([document])))
        if found.holds:
            steps = steps_of(seq, population.size, found.entry.entry_hash, found.proof)
            context["picture"] = picture_of(found.entry.entry_hash, steps)
    return render(request, "populations/item.html", context, status=status)


def _told(standing: Standing, marks: list[Mark]) -> list[dict[str, Any]]:
    names = names_of(standing.tenant_id, {one.created_by for one in marks})
    return [
        {
            "mark": one,
            "person": names.get(one.created_by, ""),
            "ticks": [TICKS.get(tick, tick) for tick in one.ticks],
            "conclusion": VERDICTS.get(one.conclusion) or RESULTS.get(one.conclusion) or "",
        }
        for one in reversed(marks)
    ]


def _initial(newest: Mark) -> dict[str, Any]:
    return {"ticks": newest.ticks, "conclusion": newest.conclusion, "exception": newest.exception}


def _found(standing: Standing, sample_id: str) -> tuple[Sample, Population]:
    try:
        row = services.sample_for(standing, sample_id)
        return row, services.population_for(standing, row.population_id)
    except services.NoSuch:
        raise Http404 from None


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 17 else None
