"""The mail server of the tests keeps what it is sent."""

import asyncio
import smtplib
from email.message import EmailMessage

import pytest

from tests.support.mail import MailServer


def _letter(to: str, subject: str) -> EmailMessage:
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = "us@example.org", to, subject
    letter.set_content(f"Dear {to}: zażółć")
    return letter


def _send(server: MailServer, letter: EmailMessage) -> None:
    with smtplib.SMTP(server.host, server.port) as client:
        client.send_message(letter)


def test_a_message_is_kept_for_its_recipient_alone() -> None:
    with MailServer() as server:
        _send(server, _letter("anna@example.org", "first"))
        _send(server, _letter("anna@example.org", "second"))
        mail = server.wait_for("anna@example.org", number=2)
        assert mail.subject == "second"
        assert "Dear anna@example.org: zażółć" in mail.text
        assert server.to("somebody@example.org") == []


def test_a_message_that_does_not_come_fails_the_test() -> None:
    with MailServer() as server, pytest.raises(AssertionError, match="did not come"):
        server.wait_for("anna@example.org", seconds=0.05)


async def test_a_loop_runs_beside_it_and_after_a_browser() -> None:
    """Tests of asyncio share worker processes with the modules that keep a browser."""
    with MailServer() as server:
        await asyncio.to_thread(_send, server, _letter("anna@example.org", "from a thread"))
        assert server.wait_for("anna@example.org").subject == "from a thread"
