"""Messages to people about their accounts, sent beside the request, so that how long it takes says nothing."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from smtplib import SMTPException
from typing import Final

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connection
from django.http import HttpRequest

from muniment.server.accounts.models import User
from muniment.server.recording import record_apart

_log: Final = logging.getLogger("muniment.accounts")
# A burst of requests must not become a burst of threads: the rest waits, and of what anybody can ask for only so much.
_threads: Final = ThreadPoolExecutor(4, "muniment-beside")
_places: Final = threading.BoundedSemaphore(1000)


def base_of(request: HttpRequest) -> str:
    """The address under which links in messages lead back: the public one, or the allowed host that was asked."""
    return settings.PUBLIC_URL or f"{request.scheme}://{request.get_host()}"


def beside(work: Callable[[], None]) -> None:
    """Do something after the answer, in one of a few threads; what fails is logged."""
    _threads.submit(_run, work)


def beside_if_room(work: Callable[[], None]) -> None:
    """As `beside`, for what anybody can ask for: left out, and logged, while too much of it waits."""
    if not _places.acquire(blocking=False):
        _log.error("work beside a request was left out: too much of it waits")
        return
    _threads.submit(_run_in_place, work)


def send(user: User, what: str, subject: str, text: str) -> None:
    """Send a message to a person and record that it was sent, in which words it was not.

    Args:
        user: to whose address.
        what: for the ledger, such as `password-reset`.
        subject: one line.
        text: plain text.
    """
    message = EmailMessage(subject, text, settings.DEFAULT_FROM_EMAIL, [user.email])
    try:
        message.send()
        outcome = "success"
    except (OSError, SMTPException):
        _log.exception("a message (%s) could not be sent", what)
        outcome = "failure"
    record_apart(
        None, "mail.send", by="system:muniment", resource=("user", user.pk), outcome=outcome, labels={"what": what}
    )


def notify(user: User, what: str, sentence: str) -> None:
    """Tell a person, beside the request, that something about their account changed."""
    text = (
        f"{sentence}\n\nIf that was not you, change your password, end your other sessions,\n"
        "and tell your administrator.\n"
    )
    beside(lambda: send(user, what, "Your Muniment account changed", text))


def _run_in_place(work: Callable[[], None]) -> None:
    try:
        _run(work)
    finally:
        _places.release()


def _run(work: Callable[[], None]) -> None:
    try:
        work()
    except Exception:
        # The pool would keep it to itself.
        _log.exception("work beside a request failed")
    finally:
        connection.close()
