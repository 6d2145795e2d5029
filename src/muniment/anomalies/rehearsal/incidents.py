"""Incidents of each kind, put into an ordinary company."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from muniment.anomalies.rehearsal.company import FIRST_DAY, Company, Moment, Person
from muniment.anomalies.watched import Detector


@dataclass(frozen=True, slots=True)
class Incident:
    """What was put in.

    Attributes:
        name: as the table names it.
        detector: which is to find it.
        patterns: what of it; any if empty.
        moments: its events.
        about: the person who did it; "" if nobody is known.
    """

    name: str
    detector: Detector
    moments: tuple[Moment, ...]
    about: str = ""
    patterns: tuple[str, ...] = ()

    @property
    def begins(self) -> datetime:
        """The first of its events."""
        return min(one.at for one in self.moments)

    @property
    def ends(self) -> datetime:
        """The last one."""
        return max(one.at for one in self.moments)


Maker = Callable[[Company, int], Incident]


def _at(company: Company, day: int, hour: float, person: Person | None = None) -> datetime:
    zone = ZoneInfo(company.kind.zone) if person is None else person.home
    midnight = datetime.combine(FIRST_DAY + timedelta(days=day), time(), zone)
    return (midnight + timedelta(hours=hour)).astimezone(UTC)


def _at_work(company: Company, day: int, *, approver: bool = False, admin: bool = False, but: str = "") -> Person:
    """Somebody who has been there for long, and is on that day if anybody is."""
    fit = [
        person
        for person in company.people
        if person.joins == 0
        and (person.approver or not approver)
        and (person.admin or not admin)
        and person.subject != but
    ]
    return company.draw.choice([person for person in fit if day not in person.away] or fit)


def _named(company: Company, kind: str) -> str:
    company.number += 1
    return f"{kind}_{company.number}"


def _asked_and_approved(
    company: Company, by: str, approver: str, at: datetime, seconds: float
) -> tuple[Moment, Moment]:
    subject = _named(company, "exc")
    return (
        Moment(at, "exception.submit", by, "success", "exception", subject),
        Moment(at + timedelta(seconds=seconds), "exception.approve", approver, "success", "exception", subject),
    )


def approvals_of_one(company: Company, day: int) -> Incident:
    """One approver waves through twenty requests in three quarters of an hour."""
    person = _at_work(company, day, approver=True)
    begin = _at(company, day, person.begins + 2, person)
    moments = tuple(
        Moment(
            begin + timedelta(minutes=2.2 * n),
            "exception.approve",
            person.subject,
            "success",
            "exception",
            _named(company, "old"),
        )
        for n in range(20)
    )
    return Incident("20 approvals by one person in 45 minutes", "approval-spike", moments, person.subject)


def approvals_of_many(company: Company, day: int) -> Incident:
    """Everybody who may decide gives a few approvals in the same hour, thirty together."""
    deciders = [person for person in company.people if person.approver]
    begin = _at(company, day, 11)
    moments = tuple(
        Moment(
            begin + timedelta(minutes=1.7 * n),
            "exception.approve",
            deciders[n % len(deciders)].subject,
            "success",
            "exception",
            _named(company, "old"),
        )
        for n in range(30)
    )
    return Incident("30 approvals by all approvers in 50 minutes", "approval-spike", moments)


def removals_at_once(company: Company, day: int) -> Incident:
    """An administrator's account revokes and removes twenty-five things in ten minutes."""
    person = _at_work(company, day, admin=True)
    begin = _at(company, day, person.begins + 3, person)
    moments = tuple(
        Moment(
            begin + timedelta(seconds=24 * n),
            ("key.revoke", "member.remove")[n % 2],
            person.subject,
            "success",
            "thing",
            _named(company, "thing"),
        )
        for n in range(25)
    )
    return Incident("25 removals in 10 minutes", "mass-delete", moments, person.subject)


def removals_slowly(company: Company, day: int) -> Incident:
    """The same, four an hour, so that no hour stands out."""
    person = _at_work(company, day, admin=True)
    begin = _at(company, day, person.begins, person)
    moments = tuple(
        Moment(
            begin + timedelta(minutes=15 * n),
            "attachment.withdraw",
            person.subject,
            "success",
            "thing",
            _named(company, "thing"),
        )
        for n in range(32)
    )
    return Incident("32 removals, 4 an hour, over a day", "mass-delete", moments, person.subject)


def _at_rest(company: Company, day: int, person: Person) -> datetime:
    """In the middle of the time in which somebody is never at work."""
    idle = 24 - person.works
    return _at(company, day, person.begins + person.works + idle / 2, person)


def approval_at_night(company: Company, day: int) -> Incident:
    """One approval in the middle of the approver's night."""
    person = _at_work(company, day, approver=True)
    at = _at_rest(company, day, person)
    moment = Moment(at, "exception.approve", person.subject, "success", "exception", _named(company, "old"))
    return Incident("an approval in the approver's night", "off-hours", (moment,), person.subject)


def removal_at_night(company: Company, day: int) -> Incident:
    """A few removals in the middle of an administrator's night."""
    person = _at_work(company, day, admin=True)
    at = _at_rest(company, day, person)
    moments = tuple(
        Moment(at + timedelta(minutes=n), "key.revoke", person.subject, "success", "thing", _named(company, "thing"))
        for n in range(3)
    )
    return Incident("3 removals in the person's night", "off-hours", moments, person.subject)


def login_at_night(company: Company, day: int) -> Incident:
    """A sign-in in the middle of somebody's night."""
    person = _at_work(company, day)
    moment = Moment(_at_rest(company, day, person), "user.login", person.subject, "success", "user", "")
    return Incident("a sign-in in the person's night", "off-hours", (moment,), person.subject)


def guessing(company: Company, day: int) -> Incident:
    """Forty wrong passwords for one account in twenty minutes."""
    person = _at_work(company, day)
    begin = _at(company, day, 14, person)
    moments = tuple(
        Moment(begin + timedelta(seconds=30 * n), "user.login", person.subject, "failure") for n in range(40)
    )
    return Incident("40 failed sign-ins of one account in 20 minutes", "login-surge", moments, person.subject)


def spraying(company: Company, day: int) -> Incident:
    """One wrong password for each of many accounts, some of which nobody has."""
    begin = _at(company, day, 15)
    names = [person.subject for person in company.people] + ["system:visitor"] * 20
    moments = tuple(
        Moment(begin + timedelta(seconds=40 * n), "user.login", names[n % len(names)], "failure") for n in range(45)
    )
    return Incident("45 failed sign-ins over all accounts in 30 minutes", "login-surge", moments)


def logins_of_one(company: Company, day: int) -> Incident:
    """A stolen session factory: one account signs in forty times in an hour."""
    person = _at_work(company, day)
    begin = _at(company, day, person.begins + 4, person)
    moments = tuple(Moment(begin + timedelta(seconds=80 * n), "user.login", person.subject) for n in range(40))
    return Incident("40 sign-ins of one account in an hour", "login-surge", moments, person.subject)


def each_other(company: Company, day: int) -> Incident:
    """Two people who did neither before decide for each other alone, over three weeks."""
    first, second = (f"user:{_named(company, 'usr')}" for _ in range(2))
    pairs = [(first, second) if n % 2 else (second, first) for n in range(10)]
    moments = [
        moment
        for n, (by, approver) in enumerate(pairs)
        for moment in _asked_and_approved(company, by, approver, _at(company, day + 2 * n, 11), 9000.0 + 700 * n)
    ]
    return Incident(
        "two people approve 5 requests each of the other's", "self-dealing", tuple(moments), first, ("each-other",)
    )


def own_delegate(company: Company, day: int) -> Incident:
    """An approver names a delegate, who then approves what that approver asks for."""
    boss = _at_work(company, day, approver=True)
    stand_in = _at_work(company, day, but=boss.subject)
    at = _at(company, day, boss.begins + 1, boss)
    named = Moment(
        at,
        "delegation.change",
        boss.subject,
        "success",
        "delegation",
        _named(company, "dlg"),
        (("person", boss.subject), ("delegate", stand_in.subject)),
    )
    rest = _asked_and_approved(company, boss.subject, stand_in.subject, at + timedelta(hours=1), 5400)
    return Incident(
        "the requester's delegate approves", "self-dealing", (named, *rest), stand_in.subject, ("requesters-delegate",)
    )


def changed_rules(company: Company, day: int) -> Incident:
    """Somebody loosens the rules and has something approved by them the same day."""
    person = _at_work(company, day)
    approver = _at_work(company, day, approver=True, but=person.subject)
    at = _at(company, day, person.begins + 1, person)
    changed = Moment(at, "workflow.change", person.subject, "success", "workflow", "wfv_2")
    rest = _asked_and_approved(company, person.subject, approver.subject, at + timedelta(hours=2), 7200)
    return Incident(
        "the requester changed the rules 2 hours before",
        "self-dealing",
        (changed, *rest),
        person.subject,
        ("changed-rules",),
    )


def haste(company: Company, day: int) -> Incident:
    """A decision four seconds after the request."""
    person = _at_work(company, day)
    approver = _at_work(company, day, approver=True, but=person.subject)
    at = _at(company, day, approver.begins + 2, approver)
    moments = _asked_and_approved(company, person.subject, approver.subject, at, 4)
    return Incident("an approval 4 seconds after the request", "self-dealing", moments, approver.subject, ("haste",))


def own_program(company: Company, day: int) -> Incident:
    """An approver makes an API key, asks with it and approves."""
    approver = _at_work(company, day, approver=True)
    at = _at(company, day, approver.begins + 1, approver)
    key = _named(company, "ak")
    made = Moment(at, "key.create", approver.subject, "success", "api-key", key)
    rest = _asked_and_approved(company, f"key:{key}", approver.subject, at + timedelta(hours=1), 4000)
    return Incident(
        "the approver's own program asked", "self-dealing", (made, *rest), approver.subject, ("own-program",)
    )


def few_approvals(company: Company, day: int) -> Incident:
    """Eight approvals in an hour: more than usual for one person, and not by much."""
    person = _at_work(company, day, approver=True)
    begin = _at(company, day, person.begins + 2, person)
    moments = tuple(
        Moment(
            begin + timedelta(minutes=6 * n),
            "exception.approve",
            person.subject,
            "success",
            "exception",
            _named(company, "old"),
        )
        for n in range(8)
    )
    return Incident("8 approvals by one person in 45 minutes", "approval-spike", moments, person.subject)


def approval_late(company: Company, day: int) -> Incident:
    """An approval two hours after the approver usually stops."""
    person = _at_work(company, day, approver=True)
    at = _at(company, day, person.begins + person.works + 2, person)
    moment = Moment(at, "exception.approve", person.subject, "success", "exception", _named(company, "old"))
    return Incident("an approval 2 hours after the approver's day", "off-hours", (moment,), person.subject)


MAKERS: Final[tuple[Maker, ...]] = (
    each_other,
    approvals_of_one,
    approvals_of_many,
    few_approvals,
    removals_at_once,
    removals_slowly,
    approval_at_night,
    approval_late,
    removal_at_night,
    login_at_night,
    guessing,
    spraying,
    logins_of_one,
    own_delegate,
    changed_rules,
    haste,
    own_program,
)
