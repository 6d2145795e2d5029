"""Drafting, changing, submitting, withdrawing and renewing exceptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from django.utils import timezone

from muniment.core.errors import Malformed, Refused
from muniment.server.access.standing import Standing
from muniment.server.approvals.services import rules_in_force
from muniment.server.approvals.workflow import levels_for
from muniment.server.controls.owners import read_owner
from muniment.server.exceptions import days, workflow
from muniment.server.exceptions.content import FIELDS, Content, checked, differences
from muniment.server.exceptions.models import PolicyException, exception_id
from muniment.server.exceptions.services.freezing import freeze, look_up
from muniment.server.exceptions.services.reading import content_of, exception_for, matter_of
from muniment.server.exceptions.services.stepping import Taken, take
from muniment.server.exceptions.workflow import Matter, Party, advance, checked_words
from muniment.server.moments import moment
from muniment.server.recording import record
from muniment.server.registers.keeping import lock


def create(standing: Standing, content: Content) -> PolicyException:
    """Draft an exception.

    Args:
        standing: of who asks; has `exception.request`. A key names an owner, who is a person.
        content: what it says; the policy and assets may be named by their codes, the owner by address.

    Raises:
        Malformed: naming the field.
    """
    return _drafted(standing, _resolved(standing, content), None)


def renew(standing: Standing, wanted: str, given: Mapping[str, object]) -> PolicyException:
    """Draft an exception that takes over from another one; the other one ends on its day as before.

    Args:
        standing: of who asks; has `exception.request`.
        wanted: id of what is renewed: approved, active or expired.
        given: what is to be other than there, by the names of `Content`; `expires_on` at least. Unless it says
            otherwise, it begins on the day after the other one's last, or today if that has passed.

    Raises:
        Malformed: naming the field.
        Refused: if it cannot be renewed, or somebody renews it already.
        NoSuch: if there is none of that id.
    """
    before = exception_for(wanted, lock=True)
    if before.state not in workflow.RENEWABLE:
        raise Refused(f"is {workflow.STATES[before.state].lower()}; ask for a new exception instead", "renews")
    _check_not_renewed(before)
    if given.get("expires_on") is None:
        raise Malformed("is needed: the renewal's last day", "expires_on")
    base = renewing(before)
    if standing.subject.startswith("user:"):
        base = replace(base, owner="")
    content = replace(base, **{name: value for name, value in given.items() if name in FIELDS})  # type: ignore[arg-type]
    return _drafted(standing, _resolved(standing, content), before)


def renewing(before: PolicyException) -> Content:
    """What a renewal says unless it says otherwise: the same, for as long again, from the day after the last one."""
    old = content_of(before)
    begins = _after(before, timezone.now())
    first = begins or days.today(timezone.now(), before.zone)
    lasted = old.expires_on - (old.starts_on or days.today(before.starts_at or timezone.now(), before.zone))
    return replace(old, starts_on=begins, expires_on=min(first + lasted, days.LATEST))


def usual_zone() -> str:
    """The time zone of the exception that was submitted last in the open tenant; UTC before there is one."""
    row = PolicyException.objects.exclude(submitted_at=None).order_by("-submitted_at").first()
    return "UTC" if row is None else row.zone


def change(standing: Standing, wanted: str, given: Mapping[str, object]) -> PolicyException:
    """Change a draft, or what was returned; nothing else of an exception is ever edited.

    Args:
        standing: of who asked for it, or owns it.
        wanted: its id.
        given: new values by the names of `Content`.

    Raises:
        Malformed: naming the field.
        Refused: once it was submitted, for somebody else's, or if nothing would be changed.
        NoSuch: if there is none of that id.
    """
    row = exception_for(wanted, lock=True)
    if row.state not in workflow.CHANGEABLE:
        said = workflow.STATES[row.state].lower()
        raise Refused(f"is {said}; what was submitted is not edited: withdraw it, or renew it once it stands", "state")
    if standing.subject not in matter_of(row).askers:
        raise Refused("was asked for by somebody else", "requester")
    before = content_of(row)
    content = replace(before, **{name: value for name, value in given.items() if name in FIELDS})  # type: ignore[arg-type]
    content = _resolved(standing, content, keeping=before.owner)
    changed = differences(before, content)
    if not changed:
        raise Refused("nothing would be changed", "exception")
    _fill(row, content)
    record(
        "exception.change",
        by=standing.subject,
        resource=("exception", row.id),
        labels={"exception": row.id, "changed": ",".join(changed)},
        causes=[row.event],
        body={"content": said_of(content)},
    )
    row.save()
    return row


def submit(standing: Standing, wanted: str) -> PolicyException:
    """Hand a draft in. It keeps the approval rules that are in force now, its days, and their time zone.

    Args:
        standing: of who asked for it, or owns it.
        wanted: its id.

    Raises:
        Malformed: naming the field: what it names is not there, or a day that cannot be.
        Refused: naming what stands against it.
        NoSuch: if there is none of that id.
    """
    now, row = timezone.now(), exception_for(wanted, lock=True)
    party = Party(standing.subject)
    matter = advance(matter_of(row), "submit", party, at=now)
    content = look_up(content_of(row))
    # Whoever changes the rules waits until this case is under the old ones, or this case waits for the new ones.
    lock(standing, "approvals/rules")
    rules = rules_in_force()
    begins = _check_days(content, now, rules.max_days)
    row.rules, row.round, row.level, row.submitted_at = rules.id, row.round + 1, 0, now
    row.starts_at, row.ends_at = days.starts_at(begins, row.zone), days.ends_at(row.expires_on, row.zone)
    row.soon_at = days.starts_at(row.expires_on - timedelta(days=rules.reminder_days[0]), row.zone)
    frozen = freeze(row)
    row.levels = len(levels_for(rules, frozen.case))
    labels = {
        "basis": frozen.basis,
        "risk": row.risk_level,
        "expires": row.expires_on,
        "soon": moment(row.soon_at),
        "zone": row.zone,
        "levels": row.levels,
    }
    body = {"content": said_of(content)}
    after = replace(matter, levels=row.levels)
    return take(row, Taken("submit", after, party, now, labels=labels, body=body)).exception


def withdraw(standing: Standing, wanted: str, *, comment: str) -> PolicyException:
    """Withdraw one's own exception: before it was decided on, or because it is not needed any more.

    Raises:
        Malformed, Refused: naming what stands against it.
        NoSuch: if there is none of that id.
    """
    now, row = timezone.now(), exception_for(wanted, lock=True)
    party = Party(standing.subject)
    after = advance(matter_of(row), "withdraw", party, at=now, comment=comment)
    return take(row, Taken("withdraw", after, party, now, checked_words(comment, "comment"))).exception


def said_of(content: Content) -> dict[str, Any]:
    """What an exception says, as entries and answers have it."""
    return {
        name: value.isoformat() if isinstance(value, date) else list(value) if isinstance(value, tuple) else value
        for name in FIELDS
        if (value := getattr(content, name)) is not None
    }


def _drafted(standing: Standing, content: Content, before: PolicyException | None) -> PolicyException:
    now, party = timezone.now(), Party(standing.subject)
    after = advance(Matter(requested_by=standing.subject), "create", party, at=now)
    row = PolicyException(
        id=exception_id(),
        tenant_id=standing.tenant_id,
        requested_by=standing.subject,
        state="",
        renews="" if before is None else before.id,
        created_at=now,
    )
    row.chain = row.id if before is None else before.chain
    _fill(row, content)
    labels = {"policy": row.policy_id, "chain": row.chain}
    return take(row, Taken("create", after, party, now, labels=labels, body={"content": said_of(content)})).exception


def _fill(row: PolicyException, content: Content) -> None:
    for name in FIELDS:
        value = getattr(content, name)
        setattr(row, "policy_id" if name == "policy" else name, list(value) if isinstance(value, tuple) else value)


def _resolved(standing: Standing, content: Content, *, keeping: str = "") -> Content:
    owner = content.owner.strip()
    if not owner:
        if not standing.subject.startswith("user:"):
            raise Malformed("is needed: a key asks for a person, who answers for the exception", "owner")
        owner = standing.subject
    elif owner != keeping:
        owner = read_owner(standing.tenant_id, owner)
    return checked(look_up(replace(content, owner=owner)))


def _check_days(content: Content, now: datetime, most: int) -> date:
    """The first day of an exception that is handed in now."""
    today = days.today(now, content.zone)
    begins = content.starts_on or today
    if content.expires_on < today:
        raise Malformed(f"has passed: it is {today} in {content.zone}", "expires_on")
    if begins < today:
        raise Malformed(
            f"has passed: it is {today} in {content.zone}; nothing is approved for days gone by", "starts_on"
        )
    if begins > content.expires_on:
        raise Malformed("is before the first day", "expires_on")
    if (content.expires_on - begins).days + 1 > most:
        raise Malformed(f"is more than the {most} days for which an exception may last here", "expires_on")
    return begins


def _check_not_renewed(before: PolicyException) -> None:
    other = PolicyException.objects.filter(renews=before.id).exclude(state__in=workflow.NOT_RENEWING).first()
    if other is not None:
        raise Refused(f"is renewed by {other.id} already", "renews")


def _after(before: PolicyException, now: datetime) -> date | None:
    ended = before.expires_on < days.today(now, before.zone)
    return None if ended else date.fromordinal(before.expires_on.toordinal() + 1)
