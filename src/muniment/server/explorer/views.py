"""The ledger page: the table, its filters, its live stream, its saved views and its export."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from muniment.core.errors import Malformed, Refused
from muniment.ledger.proofs import NotSealed
from muniment.ledger.query import cursor_beyond, find_entries
from muniment.ledger.read import StoredEntry, entry_at
from muniment.ledger.surroundings import Frontier, frontier
from muniment.server.access.pages import page, page_standing
from muniment.server.access.standing import Standing
from muniment.server.capabilities import Capability
from muniment.server.explorer import services
from muniment.server.explorer.cells import rows_html
from muniment.server.explorer.columns import (
    COLUMNS,
    COLUMNS_COOKIE,
    DENSITIES,
    DENSITY_COOKIE,
    Layout,
    read_columns,
    read_density,
)
from muniment.server.explorer.exporting import export
from muniment.server.explorer.live import Place, TooMany
from muniment.server.explorer.lookup import look_up
from muniment.server.explorer.names import names_of
from muniment.server.explorer.question import LABELS, OUTCOMES, PRESET_WORDS, Question, read_question
from muniment.server.explorer.reading import quick_transaction
from muniment.server.explorer.rows import Row, parsed, people_in, row_of
from muniment.server.explorer.stream import LiveResponse, Watch, last_event, releasing

PAGE_SIZE: Final = 50
_YEAR: Final = 365 * 86_400


@page(needs=Capability.LEDGER_READ)
def ledger(request: HttpRequest) -> HttpResponse:
    """The table of entries, newest first unless the address says otherwise."""
    standing = page_standing(request)
    if typed := request.GET.get("q", "").strip():
        return _jump(request, standing, typed)
    if not request.GET and (view := services.default_view(standing)) is not None:
        return HttpResponseRedirect(_address("explorer:ledger", view.query, view=view.id))
    layout = _layout(request)
    try:
        question = read_question(request.GET.dict(), timezone.now())
        shown = _page(standing, question, request.GET)
    except Malformed as error:
        empty = read_question({}, timezone.now())
        context = {"fault": error, "fault_label": LABELS.get(error.where or "", error.where)}
        return _answer(request, layout, empty, {**context, "rows": []}, status=400)
    if request.GET.get("newer") and shown["first_page"]:
        # The newest are fewer than a page then; the first page proper has them and those before.
        return HttpResponseRedirect(_address("explorer:ledger", question.fixed))
    return _answer(request, layout, question, shown)


def _page(standing: Standing, question: Question, parameters: Mapping[str, str]) -> dict[str, Any]:
    """Rows of one page, and the addresses of the pages beside it."""
    older, newer = parameters.get("older"), parameters.get("newer")
    if older and newer:
        raise Malformed("give either older or newer", "newer")
    asked, turned = question.asked, _turned(question)
    with quick_transaction(standing) as reading:
        # Before the entries: what is recorded in between comes by the live stream, and is not left out.
        here = frontier(reading, standing.log_id)
        if newer:
            found = find_entries(reading, standing.log_id, turned.asked, limit=PAGE_SIZE, cursor=newer)
            entries, more_behind, more_before = found.entries[::-1], True, found.cursor is not None
        else:
            found = find_entries(reading, standing.log_id, asked, limit=PAGE_SIZE, cursor=older or None)
            entries, more_behind, more_before = found.entries, found.cursor is not None, bool(older)
    rows = _rows(standing, entries, here)
    links: dict[str, Any] = {"rows": rows, "here": here, "first_page": not older and not more_before}
    if entries and more_behind:
        cursor = cursor_beyond(entries[-1], standing.log_id, asked)
        links["older_url"] = _address("explorer:ledger", question.fixed, older=cursor)
    if entries and more_before:
        cursor = cursor_beyond(entries[0], standing.log_id, turned.asked)
        links["newer_url"] = _address("explorer:ledger", question.fixed, newer=cursor)
    return links


def _rows(standing: Standing, entries: list[StoredEntry], here: Frontier | None) -> list[Row]:
    if here is None:
        return []
    documents = [parsed(entry) for entry in entries]
    names = names_of(standing.tenant_id, people_in(documents))
    return [row_of(entry, document, here, names) for entry, document in zip(entries, documents, strict=True)]


def _turned(question: Question) -> Question:
    """The same question from the other end."""
    given = dict(question.given)
    if given.pop("order", None) is None:
        given["order"] = "oldest"
    if question.asked.since is not None:
        given.pop("within", None)
        given["from"] = question.asked.since.isoformat()
    return read_question(given, timezone.now())


def _address(route: str, query: str, **more: object) -> str:
    """An address of this application with a query and further parameters."""
    return f"{reverse(route)}?" + "&".join(part for part in (query, urlencode(more)) if part)


def _answer(
    request: HttpRequest, layout: Layout, question: Question, shown: Mapping[str, Any], *, status: int = 200
) -> HttpResponse:
    standing = page_standing(request)
    base = reverse("explorer:ledger")
    here: Frontier | None = shown.get("here")
    columns = ",".join(layout.columns)
    live = None
    if status == 200 and shown.get("first_page") and question.is_live and here is not None:
        live = _address("explorer:live", question.query, columns=columns, after=here.size - 1)
    views = services.views_for(standing)
    context = {
        **shown,
        "question": question,
        "layout": layout,
        "base": base,
        "rows_html": rows_html(shown["rows"], layout, base),
        "live_url": live,
        "chips": list(question.chips()),
        "given": dict(question.given),
        "fields": [(name, LABELS[name]) for name in _FIELDS],
        "presets": [(code, word, question.with_value("within", code)) for code, word in PRESET_WORDS.items()],
        "outcomes": OUTCOMES,
        "columns": [(code, word, code in layout.columns) for code, word in COLUMNS.items()],
        "densities": [(code, code == layout.density) for code in DENSITIES],
        "views": views,
        "view": next((view for view in views if view.id == request.GET.get("view")), None),
        "owner": standing.subject,
        "may_share": services.may_share(standing),
        "may_export": standing.may(Capability.EXPORT_CREATE),
        "saved_query": urlencode([*question.given, ("columns", columns)]),
    }
    response = render(request, "explorer/ledger.html", context, status=status)
    for cookie, given, value in (
        (COLUMNS_COOKIE, "columns" in request.GET or "column" in request.GET, columns),
        (DENSITY_COOKIE, "density" in request.GET, layout.density),
    ):
        if given:
            response.set_cookie(cookie, value, max_age=_YEAR, httponly=True, samesite="Lax", secure=request.is_secure())
    return response


_FIELDS: Final = ("action", "actor", "tool", "resource", "workspace", "control", "label", "trace", "source")


def _layout(request: HttpRequest) -> Layout:
    said = [*request.GET.getlist("columns"), *request.GET.getlist("column")]
    return Layout(
        read_columns(said, request.COOKIES.get(COLUMNS_COOKIE, "")),
        read_density(request.GET.get("density", ""), request.COOKIES.get(DENSITY_COOKIE, "")),
    )


def _jump(request: HttpRequest, standing: Standing, typed: str) -> HttpResponse:
    with quick_transaction(standing) as reading:
        found = look_up(reading, standing.log_id, typed)
        if len(found.seqs) == 1:
            return HttpResponseRedirect(reverse("explorer:entry", args=[found.seqs[0]]))
        here = frontier(reading, standing.log_id)
        entries = [held[0] for seq in found.seqs if (held := entry_at(reading, standing.log_id, seq)) is not None]
    shown = {"rows": _rows(standing, entries, here), "typed": typed, "not_found": found.reason}
    question = read_question({}, timezone.now())
    return _answer(request, _layout(request), question, shown, status=200 if entries else 404)


@releasing
@page(needs=Capability.LEDGER_READ)
def live(request: HttpRequest) -> HttpResponseBase:
    """The stream of new rows for the same filters."""
    standing = page_standing(request)
    question = read_question(request.GET.dict(), timezone.now())

    def newest() -> Frontier | None:
        with quick_transaction(standing) as reading:
            return frontier(reading, standing.log_id)

    watch = Watch(
        standing=standing,
        session=request.session.session_key or "",
        user=str(request.user.pk),
        question=question,
        layout=_layout(request),
        base=reverse("explorer:ledger"),
        after=last_event(request, newest),
    )
    try:
        place = Place(standing.subject)
    except TooMany:
        return HttpResponse(
            "too many live pages are open; close one",
            status=429,
            content_type="text/plain",
            headers={"Retry-After": "30"},
        )
    return LiveResponse(watch, place)


@releasing
@page(needs=Capability.EXPORT_CREATE, step_up="writes", methods=("POST",))
def export_shown(request: HttpRequest) -> HttpResponseBase:
    """What the page shows, as a download; recorded."""
    standing = page_standing(request)
    try:
        parameters = services.read_query(request.POST.get("query", ""))
        seq = request.POST.get("seq", "")
        seqs = (int(seq),) if seq.isascii() and seq.isdecimal() and len(seq) < 17 else None
        question = read_question(parameters, timezone.now())
        return export(standing, question, request.POST.get("form", "bundle"), seqs=seqs)
    except NotSealed as error:
        messages.warning(
            request, f"Not exported: not everything is sealed yet ({error}). Wait for the next checkpoint."
        )
    except Refused as error:
        messages.warning(request, f"Not exported: {error.reason}.")
    back = services.checked_query(request.POST.get("query", ""))
    return HttpResponseRedirect(_address("explorer:ledger", back))


@page(needs=Capability.LEDGER_READ, methods=("POST",))
def save(request: HttpRequest) -> HttpResponse:
    """Keep the question of the page as a view."""
    standing = page_standing(request)
    try:
        saved = services.save_view(
            standing,
            name=request.POST.get("name", ""),
            query=request.POST.get("query", ""),
            shared=request.POST.get("shared") == "yes",
            is_default=request.POST.get("is_default") == "yes",
        )
    except (Malformed, Refused) as error:
        messages.error(request, f"The view was not saved ({error.where}): {error.reason}.")
        return HttpResponseRedirect(reverse("explorer:ledger"))
    messages.success(request, f"Saved as “{saved.name}”.")
    return HttpResponseRedirect(_address("explorer:ledger", saved.query, view=saved.id))


@page(needs=Capability.LEDGER_READ, methods=("POST",))
def remove(request: HttpRequest, view_id: str) -> HttpResponse:
    """Remove a view."""
    try:
        services.remove_view(page_standing(request), view_id)
    except services.NoSuchView:
        return render(request, "errors/404.html", status=404)
    messages.success(request, "The view was removed.")
    return HttpResponseRedirect(_address("explorer:ledger", "", view="all"))
