"""Policies as they stand and as they were."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Q, QuerySet

from muniment.core.errors import Malformed
from muniment.server.policies.models import PolicyVersion
from muniment.server.policies.workflow import RETIRED, Definition
from muniment.server.registers.keeping import NoSuch, newest


@dataclass(frozen=True, slots=True)
class Policy:
    """The newest version of a policy, as what builds on it reads it.

    Attributes:
        id: `pol_…`.
        version: counts from 1.
        title: of one line.
        owner: `user:usr_…`.
        digest: of what the version says, 64 hex digits.
        code: by which the tenant calls it.
        effective_on: the day from which the version holds.
        retired: it is not to be built on any more.
    """

    id: str
    version: int
    title: str
    owner: str
    digest: str
    code: str
    effective_on: date
    retired: bool


def find_policy(wanted: str, where: str = "policy") -> Policy:
    """The newest version of a policy of the tenant whose `tenant_scope` is open.

    Args:
        wanted: its id `pol_…`, or its code in any capitals.
        where: the field, as the error names it.

    Raises:
        Malformed: naming the field, if there is none.
    """
    row = _row(wanted)
    if row is None:
        raise Malformed("is no policy here: give its code or its id pol_…", where)
    return Policy(
        row.policy,
        row.number,
        row.title,
        row.owner,
        row.digest,
        row.code,
        row.effective_on,
        row.status == RETIRED,
    )


def policies(*, status: str = "", owner: str = "", text: str = "") -> QuerySet[PolicyVersion]:
    """The newest versions of the tenant's policies, by code.

    Args:
        status: one of `STATUSES`; "" for all.
        owner: `user:usr_…`; "" for all.
        text: only those whose code, title, text or link holds it; "" for all.
    """
    rows = newest(PolicyVersion, "policy").order_by("code", "policy")
    if status:
        rows = rows.filter(status=status)
    if owner:
        rows = rows.filter(owner=owner)
    if text and "\0" not in text:
        rows = rows.filter(
            Q(code__icontains=text) | Q(title__icontains=text) | Q(text__icontains=text) | Q(link__icontains=text)
        )
    return rows


def policy_for(wanted: str) -> PolicyVersion:
    """A policy as it stands, by its id or code.

    Raises:
        NoSuch: if the tenant has none.
    """
    row = _row(wanted)
    if row is None:
        raise NoSuch("there is no such policy", "policy")
    return row


def history_of(wanted: str) -> list[PolicyVersion]:
    """Every version of a policy, oldest first.

    Raises:
        NoSuch: if the tenant has none of that id or code.
    """
    row = policy_for(wanted)
    return list(PolicyVersion.objects.filter(policy=row.policy).order_by("number"))


def version_of(wanted: str, number: int) -> PolicyVersion:
    """One version.

    Raises:
        NoSuch: if the tenant has no such policy, or it has no such version.
    """
    row = PolicyVersion.objects.filter(policy=policy_for(wanted).policy, number=min(number, 2**31 - 1)).first()
    if row is None:
        raise NoSuch("there is no such version", "number")
    return row


def definition_of(row: PolicyVersion) -> Definition:
    """What a version says."""
    return Definition(row.title, row.text, row.link, row.owner, row.effective_on, row.status, row.reason)


def body_of(row: PolicyVersion) -> dict[str, Any]:
    """What the entry of a version commits to."""
    return {
        "policy": row.policy,
        "code": row.code,
        "number": row.number,
        "title": row.title,
        "policy_text": row.text,
        "link": row.link,
        "owner": row.owner,
        "effective_on": row.effective_on.isoformat(),
        "status": row.status,
        **({"reason": row.reason} if row.reason else {}),
    }


def _row(wanted: str) -> PolicyVersion | None:
    wanted = wanted.strip()
    if not 1 <= len(wanted) <= 64 or "\0" in wanted:
        return None
    rows = PolicyVersion.objects.order_by("-number")
    return rows.filter(policy=wanted).first() or rows.filter(code__iexact=wanted).first()
