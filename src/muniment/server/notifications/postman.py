"""Handing a message to a mail server, with a step before the point after which nobody knows whether it was taken.

SMTP gives no way to ask later. A server that was given the text and whose answer never came may have taken the message
or not; up to then, and with every answer, it is certain.
"""

from __future__ import annotations

import re
import smtplib
from collections.abc import Callable
from email.headerregistry import Address
from email.utils import parseaddr
from typing import Any, Final

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.smtp import EmailBackend

ANSWER_WITHIN: Final = 120.0
"""Seconds for the answer to a whole message; a server may be looking for viruses (RFC 5321 §4.5.3.2.6)."""
_LEADING_DOT: Final = re.compile(rb"^\.", re.MULTILINE)


class NoServerError(Exception):
    """No mail server can be reached, or it lets nobody in: nothing was handed over."""


class RefusedMailError(Exception):
    """The server did not take a message.

    Attributes:
        for_good: it says that it never will (5xx for the recipient or the text).
    """

    def __init__(self, said: str, *, for_good: bool) -> None:
        super().__init__(said)
        self.for_good = for_good


class InDoubtError(Exception):
    """The server was given the text, and no answer came."""


class Postman:
    """The way to the mail server for one round; opened when it is first needed. Use it as a context manager."""

    def __init__(self) -> None:
        self._backend: Any = None

    def __enter__(self) -> Postman:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Go away; a server that is gone already is no matter."""
        backend, self._backend = self._backend, None
        if backend is not None:
            try:
                backend.close()
            except OSError:
                # Nothing waits for the answer to QUIT.
                return

    def open(self) -> None:
        """Reach the server.

        Raises:
            NoServerError: with what it or the network said.
        """
        if self._backend is not None:
            return
        backend = get_connection()
        try:
            backend.open()
        except OSError as error:
            raise NoServerError(_said(error)) from error
        self._backend = backend

    def hand(self, message: EmailMultiAlternatives, claim: Callable[[], bool]) -> str:
        """Hand a message over.

        Args:
            message: to one recipient.
            claim: called right before the text goes out; what it writes must be on the disk when it returns. False if
                somebody else hands the message over: then nothing is sent.

        Returns:
            What the server said, or "" if the message was somebody else's.

        Raises:
            NoServerError: nothing was handed over, and the server cannot be reached any more.
            RefusedMailError: the server did not take it.
            InDoubtError: nobody knows.
        """
        first = self._backend is None
        self.open()
        if isinstance(self._backend, EmailBackend):
            try:
                return self._by_smtp(self._backend.connection, message, claim)
            except NoServerError:
                if first:
                    raise
            # Servers take so many messages and then hang up: that alone is no outage.
            self.open()
            return self._by_smtp(self._backend.connection, message, claim)
        if not claim():
            return ""
        try:
            self._backend.send_messages([message])
        except OSError as error:
            raise RefusedMailError(_said(error), for_good=False) from error
        return "no mail server is configured: written where messages are kept instead"

    def _by_smtp(self, server: Any, message: EmailMultiAlternatives, claim: Callable[[], bool]) -> str:
        content: Any = message.message()
        text: bytes = content.as_bytes(linesep="\r\n")
        sender, recipient = _address(message.from_email), _address(message.to[0])
        try:
            server.ehlo_or_helo_if_needed()
            _expect(server.mail(sender), 250, for_good=False)
            _expect(server.rcpt(recipient), 250, for_good=True)
            _expect(server.docmd("data"), 354, for_good=False)
        except RefusedMailError:
            self._reset(server)
            raise
        except OSError as error:
            self.close()
            raise NoServerError(_said(error)) from error
        if not claim():
            # Past DATA there is no other way back than to hang up.
            self._hang_up(server)
            return ""
        try:
            server.sock.settimeout(ANSWER_WITHIN)
            server.send(_LEADING_DOT.sub(b"..", text).removesuffix(b"\r\n") + b"\r\n.\r\n")
            answer = server.getreply()
            server.sock.settimeout(settings.EMAIL_TIMEOUT)
        except OSError as error:
            self._hang_up(server)
            raise InDoubtError(_said(error)) from error
        return _expect(answer, 250, for_good=True)

    def _reset(self, server: Any) -> None:
        try:
            server.rset()
        except OSError:
            self._hang_up(server)

    def _hang_up(self, server: Any) -> None:
        # Without QUIT, which a server in the middle of a text would take as part of it.
        server.close()
        self._backend = None


def _expect(answer: tuple[int, bytes], code: int, *, for_good: bool) -> str:
    said = _plain(f"{answer[0]} {answer[1].decode('utf-8', 'replace')}")
    if answer[0] != code and not (code == 250 and answer[0] == 251):
        raise RefusedMailError(said, for_good=for_good and 500 <= answer[0] < 600)
    return said


def _address(given: str) -> str:
    """The address alone, its domain as DNS has it."""
    local, _, domain = parseaddr(given)[1].rpartition("@")
    try:
        written = Address(username=local, domain=domain.encode("idna").decode("ascii")).addr_spec
        written.encode("ascii")
    except ValueError:
        raise RefusedMailError("not every mail server could read this address", for_good=True) from None
    return written


def _said(error: OSError) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        return _plain(f"{error.smtp_code} {text}")
    return _plain(str(error)) or type(error).__name__


def _plain(said: str) -> str:
    """What somebody else's server said, in one line without control characters."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in said).split())
