"""E-mail: what goes out, when, once; and what happens when the mail server does not do as it should."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiosmtpd.smtp import Envelope, Session
from django.core.mail import EmailMultiAlternatives
from django.test import override_settings

from muniment.server.background import PartlyFailed
from muniment.server.notifications import services
from muniment.server.notifications.events import AT_ONCE, DAILY, OFF
from muniment.server.notifications.job import Sending
from muniment.server.notifications.models import Message, Notification
from muniment.server.notifications.postman import Postman
from muniment.server.notifications.routing import Choice, Hours, Routing
from muniment.server.notifications.services import sending
from muniment.server.tenants.scope import tenant_scope
from tests.notifications.conftest import Office
from tests.support.mail import MailServer
from tests.support.people import Person


class Clock:
    """The time, put forward when it is told to."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def seconds(self) -> float:
        return self.ahead.total_seconds()

    def later(self, **how: float) -> None:
        self.ahead += timedelta(**how)


class Unwilling(MailServer):
    """Answers what it is told to, to the recipient and to the text."""

    recipient: str | None = None
    text: str | None = None
    hangs_up = False

    async def handle_RCPT(self, server: Any, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        if self.recipient is not None:
            return self.recipient
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        if self.hangs_up:
            await super().handle_DATA(server, session, envelope)
            server.transport.abort()
            await asyncio.sleep(0)
        return self.text or await super().handle_DATA(server, session, envelope)


@contextmanager
def through(port: int) -> Iterator[None]:
    with override_settings(
        EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
        EMAIL_HOST="127.0.0.1",
        EMAIL_PORT=port,
        EMAIL_TIMEOUT=5,
        DEFAULT_FROM_EMAIL="Muniment <muniment@ledger.example>",
        PUBLIC_URL="https://ledger.example",
    ):
        yield


@pytest.fixture
def post() -> Iterator[Unwilling]:
    with Unwilling() as running, through(running.port):
        yield running


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def job(clock: Clock) -> Sending:
    return Sending(clock, clock.seconds)


def choose(office: Office, person: Person, routing: Routing) -> None:
    """As if they had set it on their page."""
    from muniment.server.access.standing import Standing

    with tenant_scope(office.tenant_id):
        services.change_own(
            Standing(person.subject, office.tenant_id, office.tenant.made.log_id, office.tenant.origin, frozenset()),
            routing,
        )


def messages(office: Office) -> list[Message]:
    with tenant_scope(office.tenant_id):
        return list(Message.objects.order_by("id"))


def mails(office: Office) -> list[Any]:
    return [one for one in office.entries() if "channel=e-mail" in one["labels"]]


def test_an_email_holds_title_and_link_and_nothing_else_of_the_case(
    office: Office, post: Unwilling, job: Sending
) -> None:
    person = office.person()
    office.notify(
        person.user_id, title="MFA on <b>the</b> legacy VPN", facts={"why": "the secret reason of the exception"}
    )
    assert job([office.tenant_id]) == "sent 1 messages"
    (mail,) = post.to(person.email)
    link = f"https://ledger.example/t/{office.tenant.made.slug}/exceptions/exc_01K0000000000000000000000A"
    html = mail.message.get_body(("html",))
    assert html is not None
    assert mail.subject == "Expires soon: MFA on <b>the</b> legacy VPN"
    assert mail.message["Auto-Submitted"] == "auto-generated"
    assert mail.message["Message-ID"] == f"<{messages(office)[0].id}@ledger.example>"
    for text in (mail.text, html.get_content()):
        assert link in text
        assert "secret reason" not in text
    assert "MFA on &lt;b&gt;the&lt;/b&gt; legacy VPN" in html.get_content()
    assert not any(sign in html.get_content() for sign in ("<img", "<script", "src=", "utm_", "?"))


def test_a_title_with_line_breaks_adds_no_header_and_no_recipient(
    office: Office, post: Unwilling, job: Sending
) -> None:
    person = office.person()
    title = "VPN\r\nBcc: mallory@elsewhere.example\r\n\r\nAnother text\0 עברית 漢字"
    office.notify(person.user_id, title=title, facts={"why\0": "a\0b"})
    job([office.tenant_id])
    (mail,) = post.to(person.email)
    assert mail.recipients == (person.email,)
    assert mail.message["Bcc"] is None
    assert mail.subject.strip() == "Expires soon: VPN Bcc: mallory@elsewhere.example Another text עברית 漢字"


def test_a_line_with_a_dot_alone_does_not_end_the_text(post: Unwilling) -> None:
    text = "before\n.\n..\n.after\nend"
    message = EmailMultiAlternatives("Dots", text, "muniment@ledger.example", ["ada@people.example"])
    with Postman() as postman:
        assert postman.hand(message, lambda: True).startswith("250")
    (mail,) = post.to("ada@people.example")
    assert mail.text.replace("\r\n", "\n").strip() == text


def test_each_email_that_went_out_is_an_entry_caused_by_what_was_shown(
    office: Office, post: Unwilling, job: Sending
) -> None:
    person = office.person()
    office.notify(person.user_id)
    job([office.tenant_id])
    shown, sent = office.entries()
    assert sent["outcome"] == "success"
    assert sent["resource"] == shown["resource"]
    assert sent["causes"] == [f"{shown['source']['id']}/{shown['id']}"]
    assert {"channel=e-mail", "event=exception.expiring", "number=1"} <= set(sent["labels"])
    assert person.email not in str(office.entries())


def test_a_second_round_and_a_second_process_send_nothing_twice(
    office: Office, post: Unwilling, job: Sending, clock: Clock
) -> None:
    person = office.person()
    office.notify(person.user_id)
    with tenant_scope(office.tenant_id):
        sending.gather(clock())
        (row,) = sending.waiting(clock(), limit=10)
        assert sending.claim(row, clock())
        assert not sending.claim(row, clock())
    job([office.tenant_id])
    assert post.to(person.email) == []


def test_what_was_cut_off_while_the_server_had_it_is_in_doubt_and_not_sent_again(
    office: Office, post: Unwilling, job: Sending, clock: Clock
) -> None:
    person = office.person()
    office.notify(person.user_id)
    with tenant_scope(office.tenant_id):
        sending.gather(clock())
        sending.claim(sending.waiting(clock(), limit=1)[0], clock())
    # Here the process dies; another one begins.
    clock.later(minutes=16)
    job([office.tenant_id])
    job([office.tenant_id])
    assert post.to(person.email) == []
    assert [row.state for row in messages(office)] == ["unknown"]
    assert [one["outcome"] for one in mails(office)] == ["unknown"]


def test_a_server_that_hangs_up_after_the_text_leaves_it_in_doubt(
    office: Office, post: Unwilling, job: Sending, clock: Clock
) -> None:
    person = office.person()
    office.notify(person.user_id)
    post.hangs_up = True
    job([office.tenant_id])
    post.hangs_up = False
    clock.later(hours=2)
    job([office.tenant_id])
    assert len(post.to(person.email)) == 1
    assert [row.state for row in messages(office)] == ["unknown"]


def test_a_mail_server_that_is_down_for_hours_loses_nothing(office: Office, clock: Clock, job: Sending) -> None:
    people = [office.person() for _ in range(3)]
    with MailServer() as gone:
        port = gone.port
    office.notify(*(person.user_id for person in people))
    with through(port):
        for _ in range(20):
            with pytest.raises(PartlyFailed, match="3 messages wait"):
                job([office.tenant_id])
            clock.later(minutes=16)
    assert {row.state for row in messages(office)} == {"waiting"}
    assert {row.attempts for row in messages(office)} == {0}
    outages = mails(office)
    assert len(outages) == 20
    assert {one["outcome"] for one in outages} == {"failure"}
    assert all({"reason=no-server", "waiting=3"} <= set(one["labels"]) for one in outages)
    with Unwilling() as back, through(back.port):
        job([office.tenant_id])
        assert all(len(back.to(person.email)) == 1 for person in people)
    assert {row.state for row in messages(office)} == {"sent"}


def test_while_the_server_is_down_it_is_asked_less_and_less_often(office: Office, clock: Clock, job: Sending) -> None:
    office.notify(office.person().user_id)
    with MailServer() as gone:
        port = gone.port
    with through(port):
        for _ in range(60):
            with pytest.raises(PartlyFailed):
                job([office.tenant_id])
            clock.later(seconds=5)
    # After 0, 30, 90 and 210 seconds.
    assert len(mails(office)) == 4


def test_a_message_that_is_refused_for_now_is_tried_again_and_then_given_up(
    office: Office, post: Unwilling, job: Sending, clock: Clock
) -> None:
    office.notify(office.person().user_id)
    post.text = "451 later"
    job([office.tenant_id])
    assert [(row.state, row.attempts) for row in messages(office)] == [("waiting", 1)]
    job([office.tenant_id])
    assert [row.attempts for row in messages(office)] == [1]
    clock.later(days=3, minutes=1)
    job([office.tenant_id])
    (row,) = messages(office)
    assert (row.state, row.said) == ("failed", "451 later")
    first, last = mails(office)
    assert (first["outcome"], last["outcome"]) == ("failure", "failure")
    assert "again=yes" in first["labels"]
    assert "reason=tried-too-long" in last["labels"]


def test_a_message_that_is_taken_at_the_second_attempt_went_out_once(
    office: Office, post: Unwilling, job: Sending, clock: Clock
) -> None:
    person = office.person()
    office.notify(person.user_id)
    post.recipient = "450 greylisted"
    job([office.tenant_id])
    post.recipient = None
    clock.later(minutes=2)
    job([office.tenant_id])
    assert len(post.to(person.email)) == 1
    assert [(row.state, row.attempts) for row in messages(office)] == [("sent", 2)]


def test_an_address_that_the_server_refuses_for_good_is_given_up_and_others_still_get_theirs(
    office: Office, post: Unwilling, job: Sending
) -> None:
    office.notify(office.person().user_id)
    post.recipient = "550 no such user"
    job([office.tenant_id])
    post.recipient = None
    other = office.person()
    office.notify(other.user_id)
    job([office.tenant_id])
    assert [row.state for row in messages(office)] == ["failed", "sent"]
    assert len(post.to(other.email)) == 1


def test_who_left_meanwhile_gets_no_email(office: Office, post: Unwilling, job: Sending) -> None:
    person = office.person()
    office.notify(person.user_id)
    with office.tenant.in_database() as raw:
        raw.execute("DELETE FROM django.members_membership WHERE user_id = %s", [person.user_id])
    job([office.tenant_id])
    assert post.to(person.email) == []
    assert [row.state for row in messages(office)] == ["dropped"]
    assert "reason=no-member" in mails(office)[0]["labels"]


def test_what_comes_due_together_is_one_email(office: Office, post: Unwilling, job: Sending) -> None:
    person = office.person()
    for number in range(60):
        office.notify(person.user_id, title=f"Exception {number}")
    job([office.tenant_id])
    (mail,) = post.to(person.email)
    assert mail.subject == "A tenant of the tests: 60 notifications"
    assert "Exception 0" in mail.text
    assert "And 10 more." in mail.text


def test_email_waits_for_the_end_of_quiet_hours_and_the_list_does_not(
    office: Office, post: Unwilling, job: Sending, clock: Clock
) -> None:
    person = office.person()
    minute = clock().hour * 60 + clock().minute
    quiet = Hours("UTC", quiet_from=(minute - 60) % 1440, quiet_to=(minute + 60) % 1440)
    choose(office, person, Routing(quiet))
    office.notify(person.user_id)
    job([office.tenant_id])
    with tenant_scope(office.tenant_id):
        assert services.unread(person.user_id) == 1
    assert post.to(person.email) == []
    clock.later(hours=1, minutes=1)
    job([office.tenant_id])
    assert len(post.to(person.email)) == 1


def test_a_digest_is_one_email_a_day_and_what_comes_later_is_in_the_next(
    office: Office, post: Unwilling, job: Sending, clock: Clock
) -> None:
    person = office.person()
    hour = (clock().hour + 2) % 24
    daily = Choice(in_app=True, mail=DAILY)
    choose(
        office,
        person,
        Routing(Hours("UTC", digest_hour=hour), {"exception.expiring": daily, "task.assigned": daily}),
    )
    office.notify(person.user_id, title="First")
    office.notify(person.user_id, title="Second", event="task.assigned")
    clock.later(hours=1)
    job([office.tenant_id])
    assert post.to(person.email) == []
    clock.later(hours=1)
    job([office.tenant_id])
    (digest,) = post.to(person.email)
    assert digest.subject == "Daily digest of A tenant of the tests: 2 notifications"
    assert "First" in digest.text
    assert "Second" in digest.text


def test_each_person_is_told_the_way_they_chose(office: Office, post: Unwilling, job: Sending) -> None:
    mailed, silent, nothing = office.person(), office.person(), office.person()
    choose(office, mailed, Routing(choices={"comment.mention": Choice(in_app=False, mail=AT_ONCE)}))
    choose(office, silent, Routing(choices={"comment.mention": Choice(in_app=True, mail=OFF)}))
    choose(office, nothing, Routing(choices={"comment.mention": Choice(in_app=False, mail=OFF)}))
    told = office.notify(mailed.user_id, silent.user_id, nothing.user_id, event="comment.mention")
    job([office.tenant_id])
    assert len(told) == 2
    assert [len(post.to(person.email)) for person in (mailed, silent, nothing)] == [1, 0, 0]
    with tenant_scope(office.tenant_id):
        assert [services.unread(person.user_id) for person in (mailed, silent, nothing)] == [0, 1, 0]


def test_one_tenant_sends_nothing_of_another(office: Office, post: Unwilling, job: Sending) -> None:
    person = office.person()
    office.notify(person.user_id)
    other = Office(office.installation, office.installation.tenant())
    job([other.tenant_id])
    assert post.to(person.email) == []
    with tenant_scope(other.tenant_id):
        assert not Notification.objects.exists()


@pytest.mark.parametrize(("before", "after"), [("sent", "waiting"), ("unknown", "handing"), ("failed", "waiting")])
def test_the_database_refuses_to_send_again_what_has_ended(
    office: Office, post: Unwilling, job: Sending, before: str, after: str
) -> None:
    office.notify(office.person().user_id)
    with tenant_scope(office.tenant_id):
        sending.gather(datetime.now(UTC))
        row = Message.objects.get()
        if before != "failed":
            Message.objects.update(state="handing")
        Message.objects.filter(id=row.id).update(state=before)
    with pytest.raises(Exception, match=r"does not go from|is not changed"), tenant_scope(office.tenant_id):
        Message.objects.filter(id=row.id).update(state=after)
