"""A mail server for tests: takes every message and keeps it."""

import email
import email.policy
import threading
from dataclasses import dataclass
from email.message import EmailMessage
from types import TracebackType
from typing import Any, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


@dataclass(frozen=True)
class Mail:
    """One message as it came: who it was for, and its parsed text."""

    sender: str
    recipients: tuple[str, ...]
    message: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.message["subject"])

    @property
    def text(self) -> str:
        """The plain text part."""
        part = self.message.get_body(("plain",))
        if part is None:
            raise AssertionError(f"the message {self.subject!r} has no plain text")
        return str(part.get_content())


class MailServer:
    """An SMTP server on a free loopback port, for as long as the block.

    Attributes:
        host, port: where it listens.
    """

    host = "127.0.0.1"
    port = 0

    def __init__(self) -> None:
        self._arrived = threading.Condition()
        self._mails: list[Mail] = []
        self._controller = _AnyPort(self, hostname=self.host, port=0)

    def __enter__(self) -> Self:
        self._controller.start()
        self.port = self._controller.bound_port
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._controller.stop()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.original_content or b""
        parsed = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        with self._arrived:
            self._mails.append(Mail(str(envelope.mail_from), tuple(envelope.rcpt_tos), parsed))
            self._arrived.notify_all()
        return "250 kept"

    def to(self, address: str) -> list[Mail]:
        """What came for one address, oldest first."""
        with self._arrived:
            return [mail for mail in self._mails if address in mail.recipients]

    def wait_for(self, address: str, *, number: int = 1, seconds: float = 20) -> Mail:
        """The `number`th message for one address.

        Raises:
            AssertionError: it did not come in time.
        """
        with self._arrived:
            came = self._arrived.wait_for(
                lambda: sum(address in mail.recipients for mail in self._mails) >= number, timeout=seconds
            )
            assert came, f"message {number} for {address} did not come within {seconds} s"
        return self.to(address)[number - 1]


class _AnyPort(Controller):
    """Listens on a port that the kernel chooses; the controller's own start expects to know it beforehand."""

    bound_port = 0

    def _trigger_server(self) -> None:
        server: Any = self.server
        self.bound_port = self.port = server.sockets[0].getsockname()[1]
        super()._trigger_server()
