"""`muniment task`: control tasks: list, show, add, change, done, skip, drop, import, export."""

from __future__ import annotations

import json
from typing import Any, Final

import click

from muniment.cli.population import asked, client_of, plain, with_ledger
from muniment.cli.register import every, facts, listing, say, stepped, with_files

_RECURRENCES: Final = ("none", "monthly", "quarterly", "yearly")
_STATES: Final = ("unfinished", "open", "done", "skipped", "dropped")


@click.group("task")
def command() -> None:
    """Control tasks: what is to be done, by whom, by when, how often. Days are days of UTC.

    Changing them needs a key with the capability register.manage.
    """


with_files(command, "tasks", "task")


@command.command("list")
@click.option("--state", type=click.Choice(_STATES), help="only these")
@click.option("--owner", metavar="ID", help="only those of user:usr_…")
@click.option("--control", metavar="ID", help="only those of a control")
@click.option("--finding", metavar="ID", help="only those that remediate fnd_…")
@click.option("--text", metavar="WORD", help="only those whose title or text holds it")
@click.option("--overdue", is_flag=True, help="only those that should have been done by now")
@click.option("--limit", type=click.IntRange(1), default=1_000, show_default=True)
@with_ledger
def listed(url: str | None, key: str | None, as_json: bool, limit: int, **filters: Any) -> None:
    """List the tasks, the earliest due first."""
    with client_of(url, key) as client:
        rows = every(client, "/api/tasks", "tasks", filters, limit)
    listing(
        as_json,
        "tasks",
        rows,
        lambda one: (
            f"{one['id']}  {one['due_on']}{'!' if one['overdue'] else ' '} {one['state']:<8} "
            f"{one['recurrence']:<10} {plain(one['title'])}"
        ),
        "There is none.",
    )


@command.command("show")
@click.argument("task")
@with_ledger
def show(task: str, url: str | None, key: str | None, as_json: bool) -> None:
    """Show a task and its steps."""
    with client_of(url, key) as client:
        found = asked(client, "GET", f"/api/tasks/{task}")
        steps = asked(client, "GET", f"/api/tasks/{task}/steps")["steps"]
    if as_json:
        click.echo(json.dumps({**found, "steps": steps}, ensure_ascii=False))
        return
    click.echo(f"{found['id']}  {plain(found['title'])}  ({'overdue' if found['overdue'] else found['state']})")
    named = ("owner", "due_on", "recurrence", "controls", "finding", "text")
    click.echo("\n".join([*facts([(name.replace("_", " "), found[name]) for name in named]), *stepped(steps)]))


@command.command("add")
@click.option("--title", required=True, help="what is to be done")
@click.option("--owner", required=True, help="a member: address or usr_…")
@click.option("--due-on", required=True, metavar="DAY", help="such as 2026-03-01")
@click.option("--recurrence", type=click.Choice(_RECURRENCES), default="none", show_default=True)
@click.option("--text", default="", help="more of it")
@click.option("--control", "controls", multiple=True, metavar="ID", help="a control that it serves; repeatable")
@click.option("--finding", default="", metavar="ID", help="fnd_… that it remediates")
@with_ledger
def add(url: str | None, key: str | None, as_json: bool, controls: tuple[str, ...], **said: str) -> None:
    """Set a task."""
    with client_of(url, key) as client:
        found = asked(client, "POST", "/api/tasks", json={**said, "controls": list(controls)})
    say(found, as_json, _sentence(found))


@command.command("change")
@click.argument("task")
@click.option("--title")
@click.option("--owner", help="a member: address or usr_…")
@click.option("--due-on", metavar="DAY")
@click.option("--recurrence", type=click.Choice(_RECURRENCES))
@click.option("--text")
@click.option("--control", "controls", multiple=True, metavar="ID", help="repeatable; instead of all that stand")
@click.option("--comment", default="", help="why")
@with_ledger
def change(
    task: str, url: str | None, key: str | None, as_json: bool, controls: tuple[str, ...], **said: object
) -> None:
    """Change what a task says; what is not said stays."""
    order = {name: value for name, value in said.items() if value is not None}
    if controls:
        order["controls"] = list(controls)
    with client_of(url, key) as client:
        found = asked(client, "PATCH", f"/api/tasks/{task}", json=order)
    say(found, as_json, _sentence(found))


@command.command("done")
@click.argument("task")
@click.option("--comment", required=True, help="what was done")
@click.option("--evidence", multiple=True, metavar="ID", help="an attachment that shows it, att_…")
@with_ledger
def done(task: str, comment: str, evidence: tuple[str, ...], url: str | None, key: str | None, as_json: bool) -> None:
    """Say that a task is done. One that comes again is set for its next turn."""
    _step(task, {"step": "finish", "comment": comment, "evidence": list(evidence)}, url, key, as_json)


@command.command("skip")
@click.argument("task")
@click.option("--comment", required=True, help="why")
@with_ledger
def skip(task: str, comment: str, url: str | None, key: str | None, as_json: bool) -> None:
    """Leave out one turn of a task that comes again."""
    _step(task, {"step": "skip", "comment": comment}, url, key, as_json)


@command.command("drop")
@click.argument("task")
@click.option("--comment", required=True, help="why")
@with_ledger
def drop(task: str, comment: str, url: str | None, key: str | None, as_json: bool) -> None:
    """End a task that is not to be done any more."""
    _step(task, {"step": "drop", "comment": comment}, url, key, as_json)


def _step(task: str, order: dict[str, Any], url: str | None, key: str | None, as_json: bool) -> None:
    with client_of(url, key) as client:
        found = asked(client, "POST", f"/api/tasks/{task}/steps", json=order)
    following = f"; the next turn is {found['following']}" if found["following"] else ""
    say(found, as_json, _sentence(found) + following)


def _sentence(found: Any) -> str:
    return f"{found['id']}, {found['state']}, due {found['due_on']}: entry {found['entry']:,}"
