"""`muniment change`: changes with the reasons that were given for them, and which actions need one."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import click

from muniment.cli.population import asked, client_of, plain, with_ledger


@click.group("change")
def command() -> None:
    """Changes, and the reasons that were given for them."""


@command.command("list")
@click.option("--action", metavar="ACTION", help="config.change, x.deploy or x.*; all registered ones by default")
@click.option("--state", type=click.Choice(["given", "none", "erased", "withheld"]), help="of the reason")
@click.option("--text", metavar="WORDS", help="that the reason contains")
@click.option("--from", "since", metavar="TIME", help="recorded at or after")
@click.option("--to", "until", metavar="TIME", help="recorded before")
@click.option("--below", type=click.IntRange(0), help="go on from this place")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True)
@with_ledger
def list_(
    url: str | None, key: str | None, as_json: bool, since: str | None, until: str | None, **filters: Any
) -> None:
    """List changes, newest first, each with its reason."""
    given = {name: value for name, value in {**filters, "from": since, "to": until}.items() if value is not None}
    with client_of(url, key) as client:
        found = asked(client, "GET", "/api/changes", params=given)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    for one in found["changes"]:
        said = plain(" ".join(one["reason"].split())) if one["reason"] else f"({one['state']})"
        click.echo(
            f"{one['seq']:>10,}  {one['recorded_at'][:19]}Z  {one['action']:<18} {plain(one['actor']):<24} {said}"
        )
    more = f"; go on with --below {found['below']}" if found["below"] is not None else ""
    click.echo(f"{len(found['changes'])} shown of {found['examined']:,} looked at{more}.")


@command.command("required")
@with_ledger
def required(url: str | None, key: str | None, as_json: bool) -> None:
    """List which actions need a reason. An administrator registers them on the page Changes."""
    with client_of(url, key) as client:
        found = asked(client, "GET", "/api/changes/required")
    if as_json:
        click.echo(json.dumps(found))
        return
    click.echo("\n".join(found["actions"]) or "None: no event is refused for lacking a reason.")


@command.command("require")
@click.argument("actions", nargs=-1)
@click.option("--reason", metavar="WORDS", help="why; needed if change.require was registered itself")
@with_ledger
def require(actions: tuple[str, ...], url: str | None, key: str | None, as_json: bool, reason: str | None) -> None:
    """Say which ACTIONS need a reason, in place of those from before; none of them, if none is given.

    The key must be one of a service account with the capability tenant.manage.
    """
    with client_of(url, key) as client:
        headers = {} if reason is None else {"X-Change-Reason": quote(reason)}
        found = asked(client, "PUT", "/api/changes/required", json={"actions": list(actions)}, headers=headers)
    click.echo(json.dumps(found) if as_json else "\n".join(found["actions"]) or "None is needed from now on.")
