"""`muniment finding`: findings: list, show, add, change, start, resolve, reopen, import, export."""

from __future__ import annotations

import json
from typing import Any, Final

import click

from muniment.cli.population import asked, client_of, plain, with_ledger
from muniment.cli.register import every, facts, listing, say, stepped, with_files

_SEVERITIES: Final = ("low", "medium", "high", "critical")
_SOURCES: Final = ("manual", "sample", "audit", "alert", "incident")
_STATES: Final = ("unfinished", "open", "remediating", "resolved", "verified", "accepted")


@click.group("finding")
def command() -> None:
    """Findings: what is not as it should be, until it is remediated or accepted.

    Changing them needs a key with the capability register.manage. Verifying one, and accepting one
    through an exception, need a person: they are done in the browser.
    """


with_files(command, "findings", "finding")


@command.command("list")
@click.option("--state", type=click.Choice(_STATES), help="only these")
@click.option("--severity", type=click.Choice(_SEVERITIES), help="only these")
@click.option("--source", type=click.Choice(_SOURCES), help="only these")
@click.option("--owner", metavar="ID", help="only those of user:usr_…")
@click.option("--control", metavar="ID", help="only those about a control")
@click.option("--asset", metavar="ID", help="only those about ast_…")
@click.option("--incident", metavar="ID", help="only those from inc_…")
@click.option("--exception", metavar="ID", help="only those accepted through exc_…")
@click.option("--text", metavar="WORD", help="only those whose title, text or reference holds it")
@click.option("--overdue", is_flag=True, help="only those that should have been resolved by now")
@click.option("--limit", type=click.IntRange(1), default=1_000, show_default=True)
@with_ledger
def listed(url: str | None, key: str | None, as_json: bool, limit: int, **filters: Any) -> None:
    """List the findings, newest first."""
    with client_of(url, key) as client:
        rows = every(client, "/api/findings", "findings", filters, limit)
    listing(
        as_json,
        "findings",
        rows,
        lambda one: (
            f"{one['id']}  {one['severity']:<8} {one['state']:<11}{'!' if one['overdue'] else ' '} "
            f"{plain(one['title'])}"
        ),
        "There is none.",
    )


@command.command("show")
@click.argument("finding")
@with_ledger
def show(finding: str, url: str | None, key: str | None, as_json: bool) -> None:
    """Show a finding and its steps."""
    with client_of(url, key) as client:
        found = asked(client, "GET", f"/api/findings/{finding}")
        steps = asked(client, "GET", f"/api/findings/{finding}/steps")["steps"]
    if as_json:
        click.echo(json.dumps({**found, "steps": steps}, ensure_ascii=False))
        return
    click.echo(f"{found['id']}  {plain(found['title'])}  ({found['severity']}, {found['state']})")
    named = (
        "source", "reference", "owner", "due_on", "controls", "asset", "incident", "exception", "resolved_by",
        "verified_by", "text",
    )  # fmt: skip
    click.echo("\n".join([*facts([(name.replace("_", " "), found[name]) for name in named]), *stepped(steps)]))


@command.command("add")
@click.option("--title", required=True)
@click.option("--severity", type=click.Choice(_SEVERITIES), default="medium", show_default=True)
@click.option("--source", type=click.Choice(_SOURCES), default="manual", show_default=True)
@click.option("--reference", default="", help="of the source: a sample, an alert, a page")
@click.option("--text", default="", help="more of it")
@click.option("--owner", default="", help="a member: address or usr_…")
@click.option("--due-on", metavar="DAY", help="such as 2026-03-01")
@click.option("--control", "controls", multiple=True, metavar="ID", help="a control that it is about; repeatable")
@click.option("--asset", default="", help="its code or id")
@click.option("--incident", default="", metavar="ID", help="inc_… that it comes from")
@with_ledger
def add(url: str | None, key: str | None, as_json: bool, controls: tuple[str, ...], **said: str | None) -> None:
    """Open a finding."""
    order = {name: value for name, value in said.items() if value is not None}
    with client_of(url, key) as client:
        found = asked(client, "POST", "/api/findings", json={**order, "controls": list(controls)})
    say(found, as_json, _sentence(found))


@command.command("change")
@click.argument("finding")
@click.option("--title")
@click.option("--severity", type=click.Choice(_SEVERITIES))
@click.option("--reference")
@click.option("--text")
@click.option("--owner", help="a member: address or usr_…")
@click.option("--due-on", metavar="DAY")
@click.option("--control", "controls", multiple=True, metavar="ID", help="repeatable; instead of all that stand")
@click.option("--asset", help="its code or id; '' for none")
@click.option("--comment", default="", help="why")
@with_ledger
def change(
    finding: str, url: str | None, key: str | None, as_json: bool, controls: tuple[str, ...], **said: object
) -> None:
    """Change what a finding says; what is not said stays."""
    order = {name: value for name, value in said.items() if value is not None}
    if controls:
        order["controls"] = list(controls)
    with client_of(url, key) as client:
        found = asked(client, "PATCH", f"/api/findings/{finding}", json=order)
    say(found, as_json, _sentence(found))


@command.command("start")
@click.argument("finding")
@click.option("--comment", default="", help="how")
@with_ledger
def start(finding: str, comment: str, url: str | None, key: str | None, as_json: bool) -> None:
    """Begin to remediate a finding that has an owner."""
    _step(finding, {"step": "start", "comment": comment}, url, key, as_json)


@command.command("resolve")
@click.argument("finding")
@click.option("--comment", required=True, help="what was done")
@click.option("--evidence", multiple=True, metavar="ID", help="an attachment that shows it, att_…")
@with_ledger
def resolve(
    finding: str, comment: str, evidence: tuple[str, ...], url: str | None, key: str | None, as_json: bool
) -> None:
    """Say that a finding is resolved. Somebody else verifies that, in the browser."""
    _step(finding, {"step": "resolve", "comment": comment, "evidence": list(evidence)}, url, key, as_json)


@command.command("reopen")
@click.argument("finding")
@click.option("--comment", required=True, help="why it does not hold")
@with_ledger
def reopen(finding: str, comment: str, url: str | None, key: str | None, as_json: bool) -> None:
    """Open a finding again."""
    _step(finding, {"step": "reopen", "comment": comment}, url, key, as_json)


def _step(finding: str, order: dict[str, Any], url: str | None, key: str | None, as_json: bool) -> None:
    with client_of(url, key) as client:
        found = asked(client, "POST", f"/api/findings/{finding}/steps", json=order)
    say(found, as_json, _sentence(found))


def _sentence(found: Any) -> str:
    return f"{found['id']}, {found['severity']}, {found['state']}: entry {found['entry']:,}"
