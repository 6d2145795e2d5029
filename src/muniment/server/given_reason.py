"""The reason that a request gives for what it changes, and who says whether one is needed.

A change of the product's own is recorded by whichever application made it. None of them knows about reasons:
`recording` asks here, the reasons application answers, and what refuses rolls the change back.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import unquote

from django.http import HttpRequest
from django.http.request import RawPostDataException

from muniment.core.errors import Malformed
from muniment.core.reason import MEMBER, checked_reason
from muniment.server.problems import Problem, ProblemError

if TYPE_CHECKING:
    from uuid import UUID

    from muniment.ledger.submission import Submission

HEADER: Final = "X-Change-Reason"
"""UTF-8, percent-encoded (RFC 3986)."""
FIELD: Final = "change_reason"
"""Of a form."""

_request: ContextVar[HttpRequest | None] = ContextVar("muniment_request", default=None)


class ReasonNeededError(ProblemError):
    """A change was not made, because it was given no reason, or none that counts. Nothing else may catch it.

    Args:
        action: that needs it.
        reason: what was wrong.
    """

    def __init__(self, action: str, reason: str) -> None:
        super().__init__(Problem("reason-needed", reason, MEMBER))
        self.action = action
        self.reason = reason


class Reasons(Protocol):
    """Who says which actions of the open tenant scope need a reason."""

    def takes(self, action: str) -> bool:
        """Whether a reason that is given is recorded with the action."""

    def needs(self, action: str) -> bool:
        """Whether the action is refused without one."""

    def may_need(self, action: str) -> bool:
        """Whether an action of a source could be one that needs a reason, in any tenant."""

    def missing(self, tenant_id: UUID, log_id: int, submissions: Sequence[Submission]) -> dict[int, str]:
        """Which submissions of a source lack a reason, by their places, and what is wrong with each."""

    def release(self) -> None:
        """Give the thread's connection to the database back."""


_reasons: Reasons | None = None


def install_reasons(reasons: Reasons) -> None:
    """Say who knows; called once, by the reasons application."""
    global _reasons
    _reasons = reasons


def reasons() -> Reasons | None:
    """Who knows; None where Django is not set up."""
    return _reasons


def note_request(request: HttpRequest) -> None:
    """Remember the request that is being answered, until the next one in this context."""
    _request.set(request)


def reason_for(action: str) -> str | None:
    """The reason to record with an action of the request that is being answered; None for none.

    What no member's page or operation does has nobody to ask, and is recorded without: an identity provider's groups at
    a sign-in, say, or a command on the server itself.

    Raises:
        ReasonNeededError: if the action needs one that was not given, or what was given is none.
    """
    request = _request.get()
    if request is None or _reasons is None or not _reasons.takes(action):
        return None
    given = _given(request)
    if not given.strip():
        if _reasons.needs(action):
            raise ReasonNeededError(action, f"{action} is registered as a change that needs a reason: say why")
        return None
    try:
        return checked_reason(given)
    except Malformed as error:
        raise ReasonNeededError(action, error.reason) from None


def _given(request: HttpRequest) -> str:
    header = request.headers.get(HEADER)
    if header is not None:
        return unquote(header, errors="replace")
    try:
        return request.POST.get(FIELD, "")
    except RawPostDataException:
        # The view read the body as a stream: it was no form.
        return ""
