"""Pages for what went wrong. They say what happened and what to do, and nothing about what is behind."""

from __future__ import annotations

import logging
import sys
from typing import Final

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from muniment.server.access.refusals import address_of, record_refusal
from muniment.server.databasefaults import database_problem
from muniment.server.paths import is_machine_path
from muniment.server.problems import CONTENT_TYPE, NOTHING_HERE, Problem, ProblemError
from muniment.server.recording import SERVER

_LOG: Final = logging.getLogger("muniment.web")
_RECORDED: Final = frozenset({"body-too-large", "request-timeout"})
# Those that have a page of their own; what else a caller did wrong is a request that cannot be read.
_PAGES: Final = frozenset({403, 404, 405, 413, 429, 503})


def _answer(request: HttpRequest, problem: Problem, template: str, status: int) -> HttpResponse:
    if is_machine_path(request.path):
        return HttpResponse(problem.body(), status=problem.status, content_type=CONTENT_TYPE)
    return render(request, template, status=status)


def _record(request: HttpRequest, outcome: str, reason: str) -> None:
    user = getattr(request, "user", None)
    by = f"user:{user.pk}" if user is not None and user.is_authenticated else SERVER
    record_refusal(
        None,
        by=by,
        outcome=outcome,
        resource=("page", address_of(request)),
        labels={"reason": reason, "method": request.method or ""},
    )


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: the request cannot be read."""
    if isinstance(exception, RequestDataTooBig | TooManyFieldsSent | TooManyFilesSent):
        _record(request, "failure", "too-large")
        return _answer(request, Problem("body-too-large", "the form is too large"), "errors/413.html", 413)
    return _answer(request, Problem("malformed-request", "the request cannot be read"), "errors/400.html", 400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403: refused by Django itself."""
    del exception
    return _answer(request, Problem("csrf", "that is not allowed"), "errors/403.html", 403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: nothing is here, or nothing that this person may know of."""
    del exception
    return _answer(request, Problem("not-found", NOTHING_HERE), "errors/404.html", 404)


def failed(request: HttpRequest) -> HttpResponse:
    """The answer to an error that no view expected: 503 if the database does not answer, else mostly 500.

    Django calls it while the error is being handled.
    """
    error = sys.exception()
    said = error if isinstance(error, ProblemError) else database_problem(error)
    if said is None:
        return _answer(request, Problem("internal", "the request failed here"), "errors/500.html", 500)
    _LOG.warning("%s: %s", said.problem.kind, error)
    if said.problem.kind in _RECORDED:
        _record(request, "failure", said.problem.kind)
    if is_machine_path(request.path):
        answer = _answer(request, said.problem, "", said.problem.status)
    else:
        status = said.problem.status if said.problem.status in _PAGES else 500 if said.problem.status >= 500 else 400
        answer = _answer(request, said.problem, f"errors/{status}.html", status)
    for name, value in said.headers.items():
        answer.headers[name] = value
    return answer


def csrf(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: the form's token was missing or of another session."""
    del reason
    _record(request, "denied", "csrf")
    problem = Problem("csrf", "send the value of the cookie csrftoken as header X-CSRFToken")
    return _answer(request, problem, "errors/csrf.html", 403)
