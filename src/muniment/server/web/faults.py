"""Pages for what went wrong. They say what happened and what to do, and nothing about what is behind."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from muniment.server.paths import is_machine_path
from muniment.server.problems import CONTENT_TYPE, Problem

_PROBLEMS = {400: "invalid-request", 403: "csrf", 404: "not-found", 500: "internal"}


def _answer(request: HttpRequest, status: int, template: str, detail: str) -> HttpResponse:
    if is_machine_path(request.path):
        return HttpResponse(Problem(_PROBLEMS[status], detail).body(), status=status, content_type=CONTENT_TYPE)
    return render(request, template, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: the request cannot be read."""
    del exception
    return _answer(request, 400, "errors/400.html", "the request cannot be read")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403: refused by Django itself."""
    del exception
    return _answer(request, 403, "errors/403.html", "that is not allowed")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: nothing is here, or nothing that this person may know of."""
    del exception
    return _answer(
        request, 404, "errors/404.html", "there is nothing at this address; GET /api/docs lists what there is"
    )


def failed(request: HttpRequest) -> HttpResponse:
    """500: the request failed here."""
    return _answer(request, 500, "errors/500.html", "the request failed here")


def csrf(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: the form's token was missing or of another session."""
    del reason
    return _answer(request, 403, "errors/csrf.html", "send the value of the cookie csrftoken as header X-CSRFToken")
