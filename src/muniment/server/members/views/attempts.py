"""What a page does when a use case refuses: the form says why, and trying to get more than one holds is recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from django import forms
from django.http import Http404, HttpRequest

from muniment.core.errors import Refused
from muniment.server.access.pages import page_standing
from muniment.server.members.workflow import Escalation, NoSuch
from muniment.server.recording import record

T = TypeVar("T")
# What the address of a page names; that it is not there is a 404 and no fault of the form.
_PLACES: Final = frozenset({"member", "role", "group", "invitation"})


def attempt(request: HttpRequest, form: forms.Form, act: Callable[[], T]) -> T | None:
    """Run a use case; None, with the reason in the form, if it refuses.

    Raises:
        Http404: if what the address names is not in this tenant.
    """
    try:
        return act()
    except NoSuch as error:
        if error.where in _PLACES:
            raise Http404 from error
        _say(form, error)
    except Refused as error:
        _say(form, error)
        if isinstance(error, Escalation):
            # The use case undid its own writes; this entry stands in the page's transaction, which goes on.
            record(
                "access.refuse",
                by=page_standing(request).subject,
                outcome="denied",
                resource=("page", request.path_info[:512]),
                labels={"reason": "escalation", "method": request.method or ""},
            )
    return None


def _say(form: forms.Form, error: Refused) -> None:
    form.add_error(error.where if error.where in form.fields else None, error.reason[:1].upper() + error.reason[1:])
