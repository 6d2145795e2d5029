"""How somebody wants to be told: by event, at which hours, in which zone. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from muniment.core.errors import Malformed, Refused
from muniment.server.notifications.events import AT_ONCE, EVENTS, OFF, WAYS, WEEKLY, find_event
from muniment.server.notifications.hours import MINUTES, next_at, quiet_until
from muniment.server.zones import zone_of

WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _check(name: str, value: int, most: int) -> None:
    if not 0 <= value <= most:
        raise Malformed(f"is 0 to {most}", name)


@dataclass(frozen=True, slots=True)
class Choice:
    """How one event reaches somebody.

    Attributes:
        in_app: it stands in their list.
        mail: one of `WAYS`.
    """

    in_app: bool
    mail: str


@dataclass(frozen=True, slots=True)
class Hours:
    """When e-mail goes out to somebody.

    Attributes:
        zone: IANA name of the zone whose clock counts.
        digest_hour: hour of the day at which digests go out, 0 to 23.
        digest_day: of the weekly one, Monday is 0.
        quiet_from: minute of the day at which quiet hours begin, or None for no quiet hours.
        quiet_to: minute at which they end; before `quiet_from`, they go past midnight.
    """

    zone: str = "UTC"
    digest_hour: int = 8
    digest_day: int = 0
    quiet_from: int | None = None
    quiet_to: int | None = None

    def __post_init__(self) -> None:
        zone_of(self.zone)
        _check("digest_hour", self.digest_hour, 23)
        _check("digest_day", self.digest_day, 6)
        if (self.quiet_from is None) != (self.quiet_to is None):
            missing = "quiet_from" if self.quiet_from is None else "quiet_to"
            raise Malformed("quiet hours have a beginning and an end", missing)
        if self.quiet_from is not None and self.quiet_to is not None:
            _check("quiet_from", self.quiet_from, MINUTES - 1)
            _check("quiet_to", self.quiet_to, MINUTES - 1)
            if self.quiet_from == self.quiet_to:
                raise Malformed("quiet hours end at another time than they begin", "quiet_to")


@dataclass(frozen=True, slots=True)
class Routing:
    """How somebody, or everybody of a tenant who says nothing else, is told.

    Attributes:
        hours: when e-mail goes out.
        choices: by event, those that differ from what would hold otherwise.
    """

    hours: Hours = Hours()
    choices: Mapping[str, Choice] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for code, choice in self.choices.items():
            event = find_event(code)
            if choice.mail not in WAYS:
                raise Malformed(f"is one of {', '.join(WAYS)}", f"{code}.mail")
            if event.always_shown and not choice.in_app:
                raise Refused("this is always shown in the application", f"{code}.in_app")


def in_force(default: Routing, own: Routing | None) -> Routing:
    """What holds for a person: what they chose, else what the tenant did, else what comes with each event.

    Args:
        default: of the tenant.
        own: theirs; None if they never chose.

    Returns:
        Routing with a choice for every event.
    """
    choices = {
        code: (own.choices.get(code) if own is not None else None)
        or default.choices.get(code)
        or Choice(True, event.mail)
        for code, event in EVENTS.items()
    }
    return Routing(default.hours if own is None else own.hours, choices)


def mail_at(hours: Hours, way: str, now: datetime) -> datetime | None:
    """When the e-mail of something that happens now goes out; None for no e-mail.

    Args:
        hours: of the person.
        way: one of `WAYS`.
        now: aware.
    """
    if way == OFF:
        return None
    zone = zone_of(hours.zone)
    at = now
    if way != AT_ONCE:
        at = next_at(now, zone, hours.digest_hour * 60, weekday=hours.digest_day if way == WEEKLY else None)
    if hours.quiet_from is not None and hours.quiet_to is not None:
        at = quiet_until(at, zone, hours.quiet_from, hours.quiet_to)
    return at
