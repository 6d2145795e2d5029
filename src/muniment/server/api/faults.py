"""Errors of the rooms below as problems: one table, so that the same error always gets the same answer."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from ninja.errors import HttpError, ValidationError

from muniment.core.errors import Malformed, Refused, VerificationFailed
from muniment.ledger.proofs import NotSealed
from muniment.server.databasefaults import database_problem
from muniment.server.problems import CONTENT_TYPE, NOTHING_HERE, Problem, ProblemError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ninja import NinjaAPI

_LOG: Final = logging.getLogger("muniment.api")


def not_found() -> Problem:
    """What is said of everything that is not there, or not the caller's: always the same."""
    return Problem("not-found", NOTHING_HERE)


def problem_response(problem: Problem, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """The HTTP answer of a problem."""
    return HttpResponse(problem.body(), content_type=CONTENT_TYPE, status=problem.status, headers=dict(headers or {}))


def answer_fault(error: Exception) -> HttpResponse:
    """The HTTP answer of an error; what is nobody's fault but ours is logged."""
    match error:
        case ProblemError():
            return problem_response(error.problem, error.headers)
        case ValidationError():
            return problem_response(_invalid(error))
        case RequestDataTooBig():
            return problem_response(Problem("body-too-large", "this request may have 1 MiB"))
        case SuspiciousOperation():
            return problem_response(Problem("malformed-request", "the request cannot be read"))
        case Http404():
            return problem_response(not_found())
        case HttpError():
            # django-ninja wraps what its body parser raises.
            if isinstance(error.__cause__, ProblemError):
                return answer_fault(error.__cause__)
            return problem_response(Problem("invalid-request", error.message))
        case NotSealed():
            return problem_response(Problem("not-sealed", error.reason, error.where), {"retry-after": "1"})
        case Malformed():
            return problem_response(Problem("malformed-query", error.reason, error.where))
        case Refused():
            return problem_response(Problem("invalid-request", error.reason, error.where))
        case VerificationFailed():
            _LOG.error("the ledger's own state does not hold: %s", error)
            return problem_response(Problem("broken-ledger", error.reason, error.where))
    said = database_problem(error)
    if said is not None:
        _LOG.error("the database did not answer: %s", error)
        return problem_response(said.problem, said.headers)
    _LOG.error("a request failed", exc_info=error)
    return problem_response(Problem("internal", "the request failed here"))


def install(api: NinjaAPI) -> None:
    """Let every error of an operation be answered here."""

    def handler(_request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
        return answer_fault(error if isinstance(error, Exception) else error())

    for kind in (Exception, ValidationError, HttpError, Http404):
        api.add_exception_handler(kind, handler)


def _invalid(error: ValidationError) -> Problem:
    first = error.errors[0] if error.errors else {}
    place = [str(part) for part in first.get("loc", ())]
    where, field = (place[0] if place else "query"), ".".join(place[1:])
    kind = "malformed-query" if where in ("query", "path") else "invalid-request"
    return Problem(kind, str(first.get("msg", "cannot be read")), field or None)
