"""What an exception says: what is not complied with, where, why, for how long, and what stands in for it."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import date
from re import compile as pattern
from typing import Final

from muniment.core.errors import Malformed
from muniment.server.exceptions.days import checked_day
from muniment.server.exceptions.workflow import RISK_LEVELS, checked_words
from muniment.server.zones import zone_of

MAX_TITLE: Final = 200
MAX_TEXT: Final = 8_000
MOST: Final = 64
_ID: Final = {
    "policy": pattern(r"pol_[0-9A-HJKMNP-TV-Z]{26}").fullmatch,
    "owner": pattern(r"user:usr_[0-9A-HJKMNP-TV-Z]{26}").fullmatch,
    "assets": pattern(r"ast_[0-9A-HJKMNP-TV-Z]{26}").fullmatch,
    "evidence": pattern(r"att_[0-9A-HJKMNP-TV-Z]{26}").fullmatch,
}


@dataclass(frozen=True, slots=True)
class Content:
    """What an exception says.

    Attributes:
        title: one line of at most 200 characters.
        policy: `pol_…` of the policy that is not complied with.
        scope: what the exception covers.
        reason: why the policy is not complied with.
        risk_level: one of `RISK_LEVELS`.
        residual_risk: what can happen all the same.
        expires_on: the last day on which it holds.
        compensating: what is done instead.
        controls: control ids that are not complied with, of frameworks or the tenant's own.
        compensating_controls: control ids that stand in for them.
        assets: `ast_…` that it is about.
        evidence: `att_…`, each one version of an attachment.
        starts_on: the first day on which it holds; None for the day on which it is approved.
        zone: IANA name of the time zone of both days.
        owner: who answers for it, `user:usr_…`.
    """

    title: str
    policy: str
    scope: str
    reason: str
    risk_level: str
    residual_risk: str
    expires_on: date
    compensating: str = ""
    controls: tuple[str, ...] = ()
    compensating_controls: tuple[str, ...] = ()
    assets: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    starts_on: date | None = None
    zone: str = "UTC"
    owner: str = ""

    @property
    def frameworks(self) -> tuple[str, ...]:
        """Ids of the frameworks of its controls, sorted; the tenant's own are none."""
        return tuple(sorted({one.partition(":")[0] for one in self.controls} - {"own"}))


FIELDS: Final = tuple(field.name for field in fields(Content))


def checked(content: Content) -> Content:
    """What an exception says as it is kept: texts stripped, ids sorted. What it names is looked up elsewhere.

    Raises:
        Malformed: naming the field.
    """
    title = content.title.strip()
    if not 1 <= len(title) <= MAX_TITLE or not title.isprintable():
        raise Malformed(f"has 1 to {MAX_TITLE} printable characters on one line", "title")
    if _ID["policy"](content.policy) is None:
        raise Malformed("is the id of a policy: pol_ and 26 letters and digits", "policy")
    if _ID["owner"](content.owner) is None:
        raise Malformed("is a person: a member's address or id", "owner")
    if content.risk_level not in RISK_LEVELS:
        raise Malformed(f"is one of {', '.join(RISK_LEVELS)}", "risk_level")
    zone_of(content.zone)
    checked_day(content.expires_on, "expires_on")
    if content.starts_on is not None and checked_day(content.starts_on, "starts_on") > content.expires_on:
        raise Malformed("is before the first day", "expires_on")
    return replace(
        content,
        title=title,
        scope=checked_words(content.scope, "scope", least=1, most=MAX_TEXT),
        reason=checked_words(content.reason, "reason", least=1, most=MAX_TEXT),
        residual_risk=checked_words(content.residual_risk, "residual_risk", least=1, most=MAX_TEXT),
        compensating=checked_words(content.compensating, "compensating", most=MAX_TEXT),
        controls=_ids(content.controls, "controls"),
        compensating_controls=_ids(content.compensating_controls, "compensating_controls"),
        assets=_ids(content.assets, "assets"),
        evidence=_ids(content.evidence, "evidence"),
    )


def differences(before: Content, after: Content) -> tuple[str, ...]:
    """The fields in which two say something else."""
    return tuple(name for name in FIELDS if getattr(before, name) != getattr(after, name))


def _ids(given: tuple[str, ...], field: str) -> tuple[str, ...]:
    kept = tuple(sorted({one.strip() for one in given if one.strip()}))
    if len(kept) > MOST:
        raise Malformed(f"are at most {MOST}", field)
    shape = _ID.get(field)
    for one in kept:
        if shape is not None and shape(one) is None:
            raise Malformed(f"holds {one[:40]!r}, which is no id of that kind", field)
        if len(one) > 96 or not one.isascii() or not one.isprintable():
            raise Malformed("holds what is no id", field)
    return kept
