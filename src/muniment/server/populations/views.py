"""Pages of populations: the list, a new one, and one with its statement, its entries and its samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

import orjson
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from muniment.core.errors import Malformed, MunimentError, Refused, VerificationFailed
from muniment.ledger.population import Ways
from muniment.ledger.proofs import NotSealed
from muniment.server.access.pages import page, page_standing
from muniment.server.access.standing import Standing
from muniment.server.capabilities import Capability
from muniment.server.explorer.names import names_of
from muniment.server.explorer.rows import parsed, people_in, row_of
from muniment.server.populations import services
from muniment.server.populations.answers import searched_of
from muniment.server.populations.evidence import Marks
from muniment.server.populations.forms import DrawForm, QuestionForm, SaveForm
from muniment.server.populations.models import Population
from muniment.server.populations.question import LABELS, read_question, stored_question
from muniment.server.populations.reading import standing_of_log

PAGE_SIZE: Final = 20


@page(needs=Capability.LEDGER_READ)
def index(request: HttpRequest) -> HttpResponse:
    """Saved populations, newest first."""
    standing = page_standing(request)
    rows = services.populations(standing)
    names = names_of(standing.tenant_id, {row.created_by for row in rows})
    shown = [(row, stored_question(row.question).words, names.get(row.created_by, "")) for row in rows]
    may_draw = standing.may(Capability.SAMPLE_DRAW)
    return render(request, "populations/list.html", {"rows": shown, "may_draw": may_draw})


@page(needs=Capability.LEDGER_READ)
def count(request: HttpRequest) -> HttpResponse:
    """Ask a question, and see how many entries match before it is saved."""
    standing = page_standing(request)
    given = {name: request.GET.get(name, "") for name in LABELS}
    asked = "ask" in request.GET or any(given.values())
    form = QuestionForm(given if asked else None)
    context: dict[str, Any] = {"form": form, "may_draw": standing.may(Capability.SAMPLE_DRAW)}
    if asked and form.is_valid():
        try:
            question = read_question(given)
            found = services.counted(standing, question)
            context |= {"searched": found.searched, "count": found.count, "ways": found.ways}
            context |= {"evidence": evidence_words(found.asked.evidence)}
            context |= {"words": question.words, "query": urlencode(question.given), "save": SaveForm()}
            context["given"] = question.given
        except Malformed as error:
            form.accuse(error)
        except NotSealed:
            context["unsealed"] = True
    return render(request, "populations/new.html", context, status=400 if form.errors else 200)


@page(needs=Capability.SAMPLE_DRAW, methods=("POST",))
def save(request: HttpRequest) -> HttpResponse:
    """Freeze the population that was counted."""
    standing = page_standing(request)
    given = {name: request.POST.get(name, "") for name in LABELS}
    size = request.POST.get("size", "")
    try:
        row = services.save_population(
            standing,
            name=request.POST.get("name", ""),
            question=read_question(given),
            size=int(size) if size.isascii() and size.isdecimal() and len(size) < 17 else None,
            seed=request.POST.get("seed", "").strip(),
        )
    except (Malformed, Refused) as error:
        messages.error(request, f"Not saved ({error.where or 'population'}): {error.reason}.")
        kept = {name: value for name, value in given.items() if value}
        return HttpResponseRedirect(f"{reverse('populations:new')}?{urlencode({**kept, 'ask': '1'})}")
    return HttpResponseRedirect(reverse("populations:population", args=[row.id]))


@page(needs=Capability.LEDGER_READ)
def population(request: HttpRequest, population_id: str) -> HttpResponse:
    """One population: what was searched, its first entries, its samples, and drawing another."""
    standing = page_standing(request)
    return _population(request, standing, _found(standing, population_id), DrawForm())


@page(needs=Capability.SAMPLE_DRAW, methods=("POST",))
def draw(request: HttpRequest, population_id: str) -> HttpResponse:
    """Draw a sample."""
    standing = page_standing(request)
    row = _found(standing, population_id)
    form = DrawForm(request.POST)
    if form.is_valid():
        try:
            sample = services.draw_sample(standing, row, form.plan(), seed=form.cleaned_data["seed"].strip())
        except Malformed as error:
            form.accuse(error)
        except (Refused, VerificationFailed) as error:
            services.record_refused_draw(standing, row, urlencode(_said(form)), error)
            form.accuse(error)
        else:
            return HttpResponseRedirect(reverse("populations:sample", args=[sample.id]))
    return _population(request, standing, row, form, status=422)


def _population(
    request: HttpRequest, standing: Standing, row: Population, form: DrawForm, *, status: int = 200
) -> HttpResponse:
    question = stored_question(row.question)
    context: dict[str, Any] = {}
    try:
        _range, found = services.entries_of(standing, row, limit=PAGE_SIZE, cursor=request.GET.get("after") or None)
        marks = Marks(services.asked_of(row))
        here = standing_of_log(standing)
        documents = [parsed(entry) for entry in found.entries]
        names = names_of(standing.tenant_id, people_in(documents))
        if here is not None:
            context["rows"] = [row_of(*pair, here, names) for pair in zip(found.entries, documents, strict=True)]
            whys = [marks.of(entry.text) for entry in found.entries]
            context["rows_with_marks"] = list(zip(context["rows"], whys, strict=True))
        if found.cursor:
            context["next_url"] = f"?{urlencode({'after': found.cursor})}#entries"
    except Malformed as error:
        context["fault"] = error.reason
    except MunimentError as error:
        context["fault"] = str(error)
    samples = services.samples_of(standing, row)
    tallies = services.tallies(samples)
    people = names_of(standing.tenant_id, {row.created_by, *(sample.created_by for sample in samples)})
    context |= {
        "population": row,
        "searched": searched_of(row),
        "words": question.words,
        "evidence": evidence_words(row.evidence),
        "ways": Ways(row.count - row.annotated, row.annotated) if row.evidence else None,
        "samples": [(sample, tallies[sample.id], plan_words(sample.plan)) for sample in samples],
        "form": form,
        "person": people.get(row.created_by, ""),
        "may_draw": standing.may(Capability.SAMPLE_DRAW),
        "paged": bool(request.GET.get("after")),
    }
    return render(request, "populations/population.html", context, status=status)


def evidence_words(evidence: str) -> dict[str, Any] | None:
    """What a control was taken to mean, as the page says it; None of a question without a control."""
    said: dict[str, Any] | None = orjson.loads(evidence) if evidence else None
    return said


def plan_words(plan: str) -> str:
    """A plan in a few words."""
    said: dict[str, Any] = orjson.loads(plan)
    words = [str(said["method"])]
    if "stratum" in said:
        words.append(f"by {said['stratum']}")
    if "outcomes" in said:
        words.append(" and ".join(said["outcomes"]))
    if "confidence" in said:
        words.append(
            f"{said['confidence'] / 100:g} % confidence, {said['tolerable'] / 100:g} % tolerable, "
            f"{said['expected'] / 100:g} % expected: {said['allowed']} deviations allowed ({said['basis']})"
        )
    return ", ".join(words)


def _found(standing: Standing, population_id: str) -> Population:
    try:
        return services.population_for(standing, population_id)
    except services.NoSuch:
        raise Http404 from None


def _said(form: DrawForm) -> Mapping[str, str]:
    return {name: str(value) for name, value in form.cleaned_data.items() if value}
