"""`muniment asset`: the list of assets: list, show, add, change, retire, import, export."""

from __future__ import annotations

import json
from typing import Any, Final

import click

from muniment.cli.population import asked, client_of, plain, with_ledger
from muniment.cli.register import every, facts, listing, say, with_files

_CRITICALITIES: Final = ("low", "medium", "high", "critical")
_KINDS: Final = (
    "application", "service", "agent", "model", "database", "host", "network", "endpoint", "data", "site", "other",
)  # fmt: skip


@click.group("asset")
def command() -> None:
    """The list of assets. Changing it needs a key with the capability register.manage."""


with_files(command, "assets", "asset")


@command.command("list")
@click.option("--status", type=click.Choice(("in-use", "retired")), help="only these")
@click.option("--criticality", type=click.Choice(_CRITICALITIES), help="only these")
@click.option("--kind", type=click.Choice(_KINDS), help="only these")
@click.option("--owner", metavar="ID", help="only those of user:usr_…")
@click.option("--text", metavar="WORD", help="only those whose code, name or description holds it")
@click.option("--limit", type=click.IntRange(1), default=1_000, show_default=True)
@with_ledger
def listed(url: str | None, key: str | None, as_json: bool, limit: int, **filters: str | None) -> None:
    """List the assets as they stand."""
    with client_of(url, key) as client:
        rows = every(client, "/api/assets", "assets", filters, limit)
    listing(
        as_json,
        "assets",
        rows,
        lambda one: (
            f"{one['code']:<20} {one['criticality']:<9} {one['kind']:<12} {one['status']:<8} {plain(one['name'])}"
        ),
        "There is none. List one: muniment asset add --name …, or bring in a file: muniment asset import assets.csv",
    )


@command.command("show")
@click.argument("asset")
@with_ledger
def show(asset: str, url: str | None, key: str | None, as_json: bool) -> None:
    """Show an asset and its versions. ASSET is its code or id."""
    with client_of(url, key) as client:
        versions = asked(client, "GET", f"/api/assets/{asset}/versions")["versions"]
    if as_json:
        click.echo(json.dumps({"versions": versions}, ensure_ascii=False))
        return
    now = versions[-1]
    click.echo(f"{now['code']}  {plain(now['name'])}  ({now['status']})")
    named = ("id", "owner", "criticality", "kind", "description", "digest", "reason")
    click.echo("\n".join(facts([(name, now[name]) for name in named])))
    for one in reversed(versions):
        why = f"  {plain(one['reason'])}" if one["reason"] else ""
        click.echo(f"  version {one['number']:<3} {one['created_at'][:19]}Z  entry {one['entry']:,}{why}")


@command.command("add")
@click.option("--code", default="", help="by which you call it; otherwise the next free AST-…")
@click.option("--name", required=True)
@click.option("--owner", default="", help="a member: address or usr_…")
@click.option("--criticality", type=click.Choice(_CRITICALITIES), default="medium", show_default=True)
@click.option("--kind", type=click.Choice(_KINDS), default="other", show_default=True)
@click.option("--description", default="")
@with_ledger
def add(url: str | None, key: str | None, as_json: bool, **said: str) -> None:
    """List an asset."""
    with client_of(url, key) as client:
        found = asked(client, "POST", "/api/assets", json=said)
    say(found, as_json, _sentence(found))


@command.command("change")
@click.argument("asset")
@click.option("--name")
@click.option("--owner", help="a member: address or usr_…; '' for nobody")
@click.option("--criticality", type=click.Choice(_CRITICALITIES))
@click.option("--kind", type=click.Choice(_KINDS))
@click.option("--description")
@click.option("--reason", default="", help="why")
@click.option("--number", type=click.IntRange(1), help="refuse if another version stands by now")
@with_ledger
def change(asset: str, url: str | None, key: str | None, as_json: bool, **said: object) -> None:
    """Give an asset another version; what is not said stays."""
    order = {name: value for name, value in said.items() if value is not None}
    with client_of(url, key) as client:
        found = asked(client, "PATCH", f"/api/assets/{asset}", json=order)
    say(found, as_json, _sentence(found))


@command.command("retire")
@click.argument("asset")
@click.option("--reason", required=True, help="why")
@with_ledger
def retire(asset: str, reason: str, url: str | None, key: str | None, as_json: bool) -> None:
    """End an asset. It stays readable, and its code is not used again."""
    with client_of(url, key) as client:
        found = asked(client, "POST", f"/api/assets/{asset}/retire", json={"reason": reason})
    say(found, as_json, _sentence(found))


def _sentence(found: Any) -> str:
    return f"{found['code']} ({found['id']}), version {found['number']}, {found['status']}: entry {found['entry']:,}"
