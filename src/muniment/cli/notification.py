"""`muniment notification`: what people were told, how e-mails went, and how people are told."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import click

from muniment.cli.population import asked, client_of, plain, with_ledger

_WAYS: Final = ("at-once", "daily", "weekly", "off")
_STATES: Final = ("waiting", "handing", "sent", "failed", "unknown", "dropped")
_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@click.group("notification")
def command() -> None:
    """What people were told. A key sees what everybody was told, and not who has read it."""


@command.command("list")
@click.option("--person", metavar="ID", help="only what this person was told, usr_…")
@click.option("--event", metavar="EVENT", help="only of one kind, such as exception.expiring")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True)
@click.option("--cursor", metavar="ID", help="go on where a list ended")
@with_ledger
def listed(url: str | None, key: str | None, as_json: bool, **filters: Any) -> None:
    """List what people were told, newest first."""
    _list(url, key, as_json, "/api/notifications", filters, _notification, "notifications")


@command.command("messages")
@click.option("--person", metavar="ID", help="only to this person, usr_…")
@click.option("--state", type=click.Choice(_STATES), help="only in this state")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True)
@click.option("--cursor", metavar="ID", help="go on where a list ended")
@with_ledger
def messages(url: str | None, key: str | None, as_json: bool, **filters: Any) -> None:
    """List the e-mails and how they went, newest first."""
    _list(url, key, as_json, "/api/notification-messages", filters, _message, "messages")


@command.command("routing")
@click.option("--person", metavar="ID", help="what holds for a person, usr_…; the tenant's defaults otherwise")
@with_ledger
def routing(person: str | None, url: str | None, key: str | None, as_json: bool) -> None:
    """Show how people are told: where, and when e-mail goes out."""
    with client_of(url, key) as client:
        found = asked(client, "GET", "/api/notification-routing", params={"person": person} if person else {})
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else "\n".join(_routing(found)))


@command.command("set-default")
@click.option("--event", "events", metavar="EVENT=WAY", multiple=True, help=f"how e-mail goes out: {', '.join(_WAYS)}")
@click.option("--hide", "hidden", metavar="EVENT", multiple=True, help="not shown in the application")
@click.option("--zone", help="such as Europe/Warsaw")
@click.option("--digest-hour", type=click.IntRange(0, 23), help="when digests go out")
@click.option("--digest-day", type=click.Choice(_DAYS), help="of the weekly digest")
@click.option("--quiet", metavar="FROM-TO", help="when no e-mail goes out, such as 22:00-07:00; none to end them")
@with_ledger
def set_default(
    url: str | None,
    key: str | None,
    as_json: bool,
    events: tuple[str, ...],
    hidden: tuple[str, ...],
    digest_day: str | None,
    quiet: str | None,
    **said: Any,
) -> None:
    """Change how everybody is told who chose nothing. Needs a key with workflow.manage."""
    with client_of(url, key) as client:
        now = asked(client, "GET", "/api/notification-defaults")
        choices = {code: dict(now["events"].get(code, {"in_app": True, "mail": "at-once"})) for code in hidden}
        for one in events:
            code, equals, way = one.partition("=")
            if not equals or way not in _WAYS:
                raise click.UsageError(f"--event is EVENT=WAY with one of {', '.join(_WAYS)}, not {one}")
            choices[code] = {**now["events"].get(code, {"in_app": True}), **choices.get(code, {}), "mail": way}
        for code in hidden:
            choices[code]["in_app"] = False
        hours = {**now["hours"], **{name: value for name, value in said.items() if value is not None}}
        if digest_day is not None:
            hours["digest_day"] = _DAYS.index(digest_day)
        if quiet is not None:
            hours["quiet_from"], hours["quiet_to"] = _quiet(quiet)
        found = asked(client, "PUT", "/api/notification-defaults", json={"hours": hours, "events": choices})
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else "\n".join(_routing(found)))


def _list(
    url: str | None, key: str | None, as_json: bool, path: str, filters: Mapping[str, Any], line: Any, name: str
) -> None:
    given = {option: value for option, value in filters.items() if value is not None}
    with client_of(url, key) as client:
        found = asked(client, "GET", path, params=given)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    for one in found[name]:
        click.echo(line(one))
    if not found[name]:
        click.echo("There is none.")
    if found["cursor"]:
        click.echo(f"More: --cursor {found['cursor']}")


def _notification(one: Mapping[str, Any]) -> str:
    return f"{one['at'][:19]}Z  {one['person']}  {one['event']:<20} {plain(one['title'])}"


def _message(one: Mapping[str, Any]) -> str:
    said = f"  {plain(one['said'])}" if one["said"] else ""
    return f"{one['due_at'][:19]}Z  {one['person']}  {one['state']:<8} {one['number']:>5} of {one['way']:<8}{said}"


def _routing(found: Mapping[str, Any]) -> Iterator[str]:
    hours = found["hours"]
    chose = "" if found["own"] or not found["person"] else " (chose nothing)"
    yield f"{found['person'] or 'Everybody who chose nothing'}{chose}"
    quiet = "none" if hours["quiet_from"] is None else f"{_clock(hours['quiet_from'])}-{_clock(hours['quiet_to'])}"
    yield f"  zone         {plain(hours['zone'])}"
    yield f"  digests      at {hours['digest_hour']:02}:00, the weekly one on {_DAYS[hours['digest_day']].title()}"
    yield f"  quiet hours  {quiet}"
    for code, choice in found["events"].items():
        yield f"  {code:<20} {'shown' if choice['in_app'] else 'not shown':<10} e-mail {choice['mail']}"


def _quiet(text: str) -> tuple[int | None, int | None]:
    if text == "none":
        return None, None
    begin, dash, end = text.partition("-")
    try:
        minutes = [int(hour) * 60 + int(minute) for hour, _, minute in (begin.partition(":"), end.partition(":"))]
    except ValueError:
        minutes = []
    if not dash or not minutes or not all(0 <= one < 1440 for one in minutes):
        raise click.UsageError("--quiet is FROM-TO, such as 22:00-07:00, or none")
    return minutes[0], minutes[1]


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
