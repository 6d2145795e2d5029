"""What every request of a signed-in person has to pass: the session's age, and the second factor.

No setting reaches either: there is nothing here to turn off.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.deprecation import MiddlewareMixin

from muniment.server.access.pages import rule_of
from muniment.server.access.stepup import second_factor_at
from muniment.server.accounts import sessions
from muniment.server.accounts.adapters import BEGAN, SEEN
from muniment.server.accounts.events import record_account
from muniment.server.accounts.factors import has_factor
from muniment.server.accounts.models import User
from muniment.server.accounts.tenancies import policy_of, second_factor_is_due
from muniment.server.paths import is_machine_path
from muniment.server.problems import CONTENT_TYPE, Problem

# How precisely idleness is measured: the session is not written at every request.
_SEEN_EVERY: Final = 60
_UNTIL: Final = "muniment_until"


V = TypeVar("V", bound=Callable[..., HttpResponseBase])


def before_second_factor(view: V) -> V:
    """Mark a page that somebody may open who still has to give or add the second factor."""
    view.before_second_factor = True  # type: ignore[attr-defined]
    return view


class SessionLimits(MiddlewareMixin):
    """Ends sessions that are too old or were left alone."""

    def process_request(self, request: HttpRequest) -> None:
        """Sign out whose time is over; what they asked for is then asked by nobody."""
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or not isinstance(request.user, User):
            return
        user = request.user
        reason = self._over(request, user)
        if reason is not None:
            record_account(request, "user.logout", user, labels={"reason": reason})
            logout(request)

    def _over(self, request: HttpRequest, user: User) -> str | None:
        """Why the session is over, or None; notes that it is in use."""
        now, session = int(time.time()), request.session
        reason = reason_over(session, now)
        if reason in ("damaged", "idle"):
            return reason
        if now - session[SEEN] >= _SEEN_EVERY or _UNTIL not in session:
            session[SEEN] = now
            # Asked anew, so that a tenant that becomes stricter need not wait for people to sign in again.
            session[_UNTIL] = session[BEGAN] + policy_of(user).session_hours * 3600
            sessions.touch(request)
        return reason_over(session, now)


def reason_over(session: SessionBase, now: int) -> str | None:
    """Why a session is over, or None; it is only looked at.

    Args:
        session: of somebody who signed in.
        now: seconds since the Unix epoch.
    """
    began, seen = session.get(BEGAN), session.get(SEEN)
    if not isinstance(began, int) or not isinstance(seen, int) or now < began - _SEEN_EVERY:
        return "damaged"
    if now - seen > sessions.IDLE_HOURS * 3600:
        return "idle"
    return "too-old" if now >= session.get(_UNTIL, began + settings.SESSION_COOKIE_AGE) else None


class RequireSecondFactor(MiddlewareMixin):
    """Lets nobody past who has not given a second factor in this session, however they signed in.

    The first sign-in of a new account goes on without one, with a notice on every page.
    """

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponseBase | None:
        """Answer in the view's place where the second factor is missing."""
        del args, kwargs
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or not isinstance(request.user, User):
            return None
        machine = is_machine_path(request.path)
        if machine and request.headers.get("Authorization") is not None:
            # An API key decides such a request; the session is not looked at.
            return None
        if second_factor_at(request) is not None:
            return None
        user = request.user
        known = has_factor(user)
        if not known and not second_factor_is_due(user):
            request.second_factor_missing = True  # type: ignore[attr-defined]
            return None
        rule = rule_of(view)
        if (
            (rule is not None and rule.kind == "public")
            or getattr(view, "before_second_factor", False)
            or request.path_info.startswith(settings.STATIC_URL)
        ):
            return None
        where = "account:step-up" if known else "account:enrol"
        if machine:
            problem = Problem("step-up-needed", f"give a second factor at {reverse(where)}, then ask again")
            return HttpResponse(problem.body(), status=problem.status, content_type=CONTENT_TYPE)
        target = reverse(where) + "?" + urlencode({"next": request.get_full_path() if request.method == "GET" else ""})
        if request.headers.get("HX-Request") == "true":
            return HttpResponse(status=204, headers={"HX-Redirect": target})
        return HttpResponseRedirect(target)
