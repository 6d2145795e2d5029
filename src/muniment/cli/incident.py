"""`muniment incident`: incidents: list, show, add, change, evidence, contain, resolve, close, reopen, export."""

from __future__ import annotations

import json
from typing import Any, Final

import click

from muniment.cli.population import asked, client_of, plain, with_ledger
from muniment.cli.register import every, facts, listing, say, stepped

_SEVERITIES: Final = ("low", "medium", "high", "critical")
_STATES: Final = ("unfinished", "open", "contained", "resolved", "closed")


@click.group("incident")
def command() -> None:
    """Incidents: what happened, the entries that tell of it, what was learned. Times are RFC 3339.

    Changing them needs a key with the capability register.manage.

    The causal timeline with its proof: muniment trace --incident TIME
    """


@command.command("list")
@click.option("--state", type=click.Choice(_STATES), help="only these")
@click.option("--severity", type=click.Choice(_SEVERITIES), help="only these")
@click.option("--owner", metavar="ID", help="only those of user:usr_…")
@click.option("--text", metavar="WORD", help="only those whose title, text or lessons hold it")
@click.option("--limit", type=click.IntRange(1), default=1_000, show_default=True)
@with_ledger
def listed(url: str | None, key: str | None, as_json: bool, limit: int, **filters: str | None) -> None:
    """List the incidents, newest first."""
    with client_of(url, key) as client:
        rows = every(client, "/api/incidents", "incidents", filters, limit)
    listing(
        as_json,
        "incidents",
        rows,
        lambda one: (
            f"{one['id']}  {one['severity']:<8} {one['state']:<10} {one['started_at'][:16]}Z  {plain(one['title'])}"
        ),
        "There is none.",
    )


@command.command("show")
@click.argument("incident")
@with_ledger
def show(incident: str, url: str | None, key: str | None, as_json: bool) -> None:
    """Show an incident, its findings and its steps."""
    with client_of(url, key) as client:
        found = asked(client, "GET", f"/api/incidents/{incident}")
        steps = asked(client, "GET", f"/api/incidents/{incident}/steps")["steps"]
        findings = every(client, "/api/findings", "findings", {"incident": incident}, 500)
    if as_json:
        click.echo(json.dumps({**found, "steps": steps, "findings": findings}, ensure_ascii=False))
        return
    click.echo(f"{found['id']}  {plain(found['title'])}  ({found['severity']}, {found['state']})")
    named = ("owner", "started_at", "detected_at", "resolved_at", "entries", "text", "lessons")
    click.echo("\n".join(facts([(name.replace("_", " "), found[name]) for name in named])))
    for one in findings:
        click.echo(f"  finding     {one['id']}  {one['state']}  {plain(one['title'])}")
    click.echo("\n".join(stepped(steps)))


@command.command("add")
@click.option("--title", required=True, help="what happened")
@click.option("--started-at", required=True, metavar="TIME", help="such as 2026-03-01T14:23:07Z")
@click.option("--detected-at", metavar="TIME")
@click.option("--severity", type=click.Choice(_SEVERITIES), default="medium", show_default=True)
@click.option("--text", default="", help="more of it")
@click.option("--owner", default="", help="a member: address or usr_…")
@with_ledger
def add(url: str | None, key: str | None, as_json: bool, **said: str | None) -> None:
    """Open an incident."""
    order = {name: value for name, value in said.items() if value is not None}
    with client_of(url, key) as client:
        found = asked(client, "POST", "/api/incidents", json=order)
    say(found, as_json, _sentence(found))


@command.command("change")
@click.argument("incident")
@click.option("--title")
@click.option("--started-at", metavar="TIME")
@click.option("--detected-at", metavar="TIME")
@click.option("--severity", type=click.Choice(_SEVERITIES))
@click.option("--text")
@click.option("--owner", help="a member: address or usr_…")
@click.option("--lessons", help="what was learned")
@click.option("--comment", default="", help="why")
@with_ledger
def change(incident: str, url: str | None, key: str | None, as_json: bool, **said: object) -> None:
    """Change what an incident says; what is not said stays."""
    order = {name: value for name, value in said.items() if value is not None}
    with client_of(url, key) as client:
        found = asked(client, "PATCH", f"/api/incidents/{incident}", json=order)
    say(found, as_json, _sentence(found))


@command.command("evidence")
@click.argument("incident")
@click.argument("entries", nargs=-1, required=True, type=click.IntRange(0))
@click.option("--comment", default="", help="what they tell")
@with_ledger
def evidence(
    incident: str, entries: tuple[int, ...], comment: str, url: str | None, key: str | None, as_json: bool
) -> None:
    """Add entries of the ledger, by their places. What was added stays."""
    _step(incident, {"step": "evidence", "entries": list(entries), "comment": comment}, url, key, as_json)


@command.command("contain")
@click.argument("incident")
@click.option("--comment", required=True, help="how")
@with_ledger
def contain(incident: str, comment: str, url: str | None, key: str | None, as_json: bool) -> None:
    """Say that an incident does not spread any more."""
    _step(incident, {"step": "contain", "comment": comment}, url, key, as_json)


@command.command("resolve")
@click.argument("incident")
@click.option("--comment", required=True, help="how")
@click.option("--at", metavar="TIME", help="since when; now by default")
@with_ledger
def resolve(incident: str, comment: str, at: str | None, url: str | None, key: str | None, as_json: bool) -> None:
    """Say that an incident is over."""
    _step(incident, {"step": "resolve", "comment": comment, **({"at": at} if at else {})}, url, key, as_json)


@command.command("close")
@click.argument("incident")
@click.option("--comment", required=True, help="why it can be closed")
@click.option("--lessons", help="what was learned; as it stands by default")
@with_ledger
def close(incident: str, comment: str, lessons: str | None, url: str | None, key: str | None, as_json: bool) -> None:
    """Close an incident that is resolved."""
    more = {} if lessons is None else {"lessons": lessons}
    _step(incident, {"step": "close", "comment": comment, **more}, url, key, as_json)


@command.command("reopen")
@click.argument("incident")
@click.option("--comment", required=True, help="why it is not over")
@with_ledger
def reopen(incident: str, comment: str, url: str | None, key: str | None, as_json: bool) -> None:
    """Open an incident again that was not over."""
    _step(incident, {"step": "reopen", "comment": comment}, url, key, as_json)


def _step(incident: str, order: dict[str, Any], url: str | None, key: str | None, as_json: bool) -> None:
    with client_of(url, key) as client:
        found = asked(client, "POST", f"/api/incidents/{incident}/steps", json=order)
    say(found, as_json, _sentence(found))


def _sentence(found: Any) -> str:
    return f"{found['id']}, {found['severity']}, {found['state']}: entry {found['entry']:,}"
