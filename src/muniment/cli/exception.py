"""`muniment exception`: what is not complied with: list, show, draft, submit, withdraw, renew, chain."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import click

from muniment.cli.population import asked, client_of, plain, with_ledger

_STATES: Final = (
    "draft",
    "under_review",
    "returned",
    "approved",
    "active",
    "expiring_soon",
    "expired",
    "rejected",
    "withdrawn",
    "revoked",
)
_LEVELS: Final = ("low", "medium", "high", "critical")
_LISTS: Final = ("controls", "compensating_controls", "assets", "evidence")


@click.group("exception")
def command() -> None:
    """What is not complied with, for how long, and who decided. A key with exception.request drafts and submits.

    Deciding, revoking and attesting need a person: they are done in the browser.
    """


@command.command("list")
@click.option("--state", type=click.Choice(_STATES), help="only these")
@click.option("--policy", metavar="ID", help="only exceptions to pol_…")
@click.option("--asset", metavar="ID", help="only about ast_…")
@with_ledger
def listed(url: str | None, key: str | None, as_json: bool, **filters: str | None) -> None:
    """List exceptions, newest first."""
    given = {name: value for name, value in filters.items() if value}
    with client_of(url, key) as client:
        found = asked(client, "GET", "/api/exceptions", params=given)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    for one in found["exceptions"]:
        state = "expiring_soon" if one["expiring_soon"] else one["state"]
        marks = " (stale)" if one["stale_since"] else ""
        click.echo(
            f"{one['id']}  {state:<13} {one['risk_level']:<8} to {one['expires_on']}  {_line(one['title'])}{marks}"
        )
    if not found["exceptions"]:
        click.echo("There is none." if given else "There is none. Draft one: muniment exception draft --help")


@command.command("show")
@click.argument("exception")
@with_ledger
def show(exception: str, url: str | None, key: str | None, as_json: bool) -> None:
    """Show an exception and the steps that it took."""
    with client_of(url, key) as client:
        found = asked(client, "GET", f"/api/exceptions/{exception}")
        steps = asked(client, "GET", f"/api/exceptions/{exception}/steps")["steps"]
    if as_json:
        click.echo(json.dumps({**found, "steps_taken": steps}, ensure_ascii=False))
        return
    click.echo("\n".join([*_shown(found), "", *_taken(steps)]))


@command.command("draft")
@click.option("--title", required=True, help="one line")
@click.option("--policy", required=True, metavar="ID", help="code or id of the policy that is not complied with")
@click.option("--scope", required=True, help="what it covers")
@click.option("--reason", required=True, help="why the policy is not complied with")
@click.option("--risk-level", required=True, type=click.Choice(_LEVELS))
@click.option("--residual-risk", required=True, help="what can happen all the same")
@click.option("--until", "expires_on", required=True, metavar="DAY", help="the last day, such as 2027-02-28")
@click.option("--from", "starts_on", metavar="DAY", help="the first day; the day of the approval by default")
@click.option("--zone", help="where these days begin, such as Europe/Warsaw; UTC by default")
@click.option("--owner", required=True, help="who answers for it: address or usr_… of a member")
@click.option("--compensating", help="what is done instead")
@click.option("--control", "controls", multiple=True, metavar="ID", help="that is not complied with; repeatable")
@click.option("--compensating-control", "compensating_controls", multiple=True, metavar="ID", help="stands in")
@click.option("--asset", "assets", multiple=True, metavar="ID", help="code or id; repeatable")
@click.option("--evidence", multiple=True, metavar="ID", help="att_…; repeatable")
@click.option("--submit", "hand_in", is_flag=True, help="submit it at once")
@with_ledger
def draft(url: str | None, key: str | None, as_json: bool, hand_in: bool, **said: Any) -> None:
    """Draft an exception. Somebody else decides once it is submitted."""
    order = _order(said)
    with client_of(url, key) as client:
        found = asked(client, "POST", "/api/exceptions", json=order)
        if hand_in:
            found = asked(client, "POST", f"/api/exceptions/{found['id']}/submit")
    _say(found, as_json)


@command.command("change")
@click.argument("exception")
@click.option("--title", help="one line")
@click.option("--policy", metavar="ID", help="code or id")
@click.option("--scope", help="what it covers")
@click.option("--reason", help="why the policy is not complied with")
@click.option("--risk-level", type=click.Choice(_LEVELS))
@click.option("--residual-risk", help="what can happen all the same")
@click.option("--until", "expires_on", metavar="DAY", help="the last day")
@click.option("--from", "starts_on", metavar="DAY", help="the first day")
@click.option("--zone", help="where these days begin")
@click.option("--owner", help="who answers for it")
@click.option("--compensating", help="what is done instead")
@click.option("--control", "controls", multiple=True, metavar="ID", help="repeatable; instead of all that stand")
@click.option("--compensating-control", "compensating_controls", multiple=True, metavar="ID", help="the same")
@click.option("--asset", "assets", multiple=True, metavar="ID", help="repeatable; instead of all that stand")
@click.option("--evidence", multiple=True, metavar="ID", help="repeatable; instead of all that stand")
@with_ledger
def change(exception: str, url: str | None, key: str | None, as_json: bool, **said: Any) -> None:
    """Change a draft, or what was returned; what is not said stays. What was submitted is never edited."""
    order = _order(said)
    if not order:
        raise click.UsageError("say what is to be changed")
    with client_of(url, key) as client:
        found = asked(client, "PATCH", f"/api/exceptions/{exception}", json=order)
    _say(found, as_json)


@command.command("submit")
@click.argument("exception")
@with_ledger
def submit(exception: str, url: str | None, key: str | None, as_json: bool) -> None:
    """Hand a draft in, under the approval rules in force now."""
    with client_of(url, key) as client:
        found = asked(client, "POST", f"/api/exceptions/{exception}/submit")
    _say(found, as_json)


@command.command("withdraw")
@click.argument("exception")
@click.option("--comment", required=True, help="why")
@with_ledger
def withdraw(exception: str, comment: str, url: str | None, key: str | None, as_json: bool) -> None:
    """Withdraw one's own, also once it stands."""
    with client_of(url, key) as client:
        found = asked(client, "POST", f"/api/exceptions/{exception}/withdraw", json={"comment": comment})
    _say(found, as_json)


@command.command("renew")
@click.argument("exception")
@click.option("--until", "expires_on", required=True, metavar="DAY", help="the renewal's last day")
@click.option("--from", "starts_on", metavar="DAY", help="its first day; the day after the other one's last by default")
@click.option("--reason", help="why it is still needed")
@click.option("--submit", "hand_in", is_flag=True, help="submit it at once")
@with_ledger
def renew(exception: str, url: str | None, key: str | None, as_json: bool, hand_in: bool, **said: Any) -> None:
    """Draft an exception that takes over. The one that is renewed ends on its day as before."""
    with client_of(url, key) as client:
        found = asked(client, "POST", f"/api/exceptions/{exception}/renew", json=_order(said))
        if hand_in:
            found = asked(client, "POST", f"/api/exceptions/{found['id']}/submit")
    _say(found, as_json)


@command.command("chain")
@click.argument("exception")
@with_ledger
def chain(exception: str, url: str | None, key: str | None, as_json: bool) -> None:
    """Show the whole chain of renewals of an exception. With every step and decision."""
    with client_of(url, key) as client:
        found = asked(client, "GET", f"/api/exceptions/{exception}/chain")
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    for number, link in enumerate(found["links"], 1):
        one = link["exception"]
        click.echo(f"{number}. {one['id']}  {one['state']}  to {one['expires_on']}  {_line(one['title'])}")
        click.echo("\n".join(f"   {line}" for line in _taken(link["steps"])))


def _line(text: str) -> str:
    """A text on one line, without anything that a terminal obeys."""
    return plain(" ".join(text.split()))


def _order(said: Mapping[str, Any]) -> dict[str, Any]:
    return {name: list(value) if name in _LISTS else value for name, value in said.items() if value}


def _say(found: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    waits = found["state"] == "under_review"
    needs = f", {found['levels']} approval{'s' if found['levels'] > 1 else ''} needed" if waits else ""
    click.echo(f"{found['id']} is {found['state'].replace('_', ' ')}{needs}: {_line(found['title'])}")


def _shown(found: Mapping[str, Any]) -> Iterator[str]:
    state = "expiring soon" if found["expiring_soon"] else found["state"].replace("_", " ")
    yield f"{_line(found['title'])}"
    yield f"  state       {state}" + (f", stale since {found['stale_since']}" if found["stale_since"] else "")
    yield f"  holds       {found['starts_on'] or 'from its approval'} to {found['expires_on']} ({found['zone']})"
    yield f"  policy      {found['policy']}"
    yield f"  risk        {found['risk_level']}: {_line(found['residual_risk'])}"
    yield f"  scope       {_line(found['scope'])}"
    yield f"  why         {_line(found['reason'])}"
    if found["compensating"]:
        yield f"  instead     {_line(found['compensating'])}"
    for name in _LISTS:
        if found[name]:
            yield f"  {name.replace('_', ' '):<11} {' '.join(found[name])}"
    yield f"  asked by    {found['requested_by']}, owner {found['owner']}"
    if found["levels"]:
        yield f"  approvals   {found['level']} of {found['levels']} ({found['rules']})"
    if found["renews"]:
        yield f"  renews      {found['renews']}"
    if found["renewed_by"]:
        yield f"  renewed by  {found['renewed_by']}"


def _taken(steps: list[dict[str, Any]]) -> Iterator[str]:
    for one in steps:
        behalf = f" for {one['on_behalf_of']}" if one["on_behalf_of"] else ""
        said = f": {_line(one['comment'])}" if one["comment"] else ""
        yield f"{one['at'][:19]}Z  {one['kind']:<8} entry {one['entry']:<6} {one['by']}{behalf}{said}"
