"""`muniment policy`: the policy library: list, show, compare, add, change, retire, import, export."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Any, Final

import click

from muniment.cli.population import asked, client_of, plain, with_ledger
from muniment.cli.register import every, facts, listing, say, with_files

_MOST_BYTES: Final = 200_000


@click.group("policy")
def command() -> None:
    """The policy library. Changing it needs a key with the capability register.manage."""


with_files(command, "policies", "policy")


@command.command("list")
@click.option("--status", type=click.Choice(("in-force", "retired")), help="only these")
@click.option("--owner", metavar="ID", help="only those of user:usr_…")
@click.option("--text", metavar="WORD", help="only those whose code, title or text holds it")
@click.option("--limit", type=click.IntRange(1), default=1_000, show_default=True)
@with_ledger
def listed(url: str | None, key: str | None, as_json: bool, limit: int, **filters: str | None) -> None:
    """List the policies as they stand."""
    with client_of(url, key) as client:
        rows = every(client, "/api/policies", "policies", filters, limit)
    listing(
        as_json,
        "policies",
        rows,
        lambda one: (
            f"{one['code']:<20} v{one['number']:<4} {one['status']:<9} {one['effective_on']}  {plain(one['title'])}"
        ),
        "There is none. Bring one in: muniment policy add --title … --owner … --effective-on …",
    )


@command.command("show")
@click.argument("policy")
@click.option("--version", "number", type=click.IntRange(1), help="an older version")
@with_ledger
def show(policy: str, number: int | None, url: str | None, key: str | None, as_json: bool) -> None:
    """Show a policy with its text and its versions. POLICY is its code or id."""
    with client_of(url, key) as client:
        path = f"/api/policies/{policy}"
        found = asked(client, "GET", path if number is None else f"{path}/versions/{number}")
        versions = asked(client, "GET", f"{path}/versions")["versions"]
    if as_json:
        click.echo(json.dumps({**found, "versions": versions}, ensure_ascii=False))
        return
    click.echo(f"{found['code']}  {plain(found['title'])}  ({found['status']})")
    named = ("id", "owner", "effective_on", "link", "digest", "reason")
    click.echo("\n".join(facts([(name.replace("_", " "), found[name]) for name in named])))
    for one in reversed(versions):
        why = f"  {plain(one['reason'])}" if one["reason"] else ""
        click.echo(f"  version {one['number']:<3} {one['created_at'][:19]}Z  entry {one['entry']:,}{why}")
    if found["text"]:
        click.echo("\n" + "\n".join(plain(line) for line in found["text"].split("\n")))


@command.command("diff")
@click.argument("policy")
@click.argument("before", type=click.IntRange(1))
@click.argument("after", type=click.IntRange(1))
@with_ledger
def diff(policy: str, before: int, after: int, url: str | None, key: str | None, as_json: bool) -> None:
    """Compare the texts of two versions of a policy."""
    with client_of(url, key) as client:
        old, new = (asked(client, "GET", f"/api/policies/{policy}/versions/{one}") for one in (before, after))
    if as_json:
        click.echo(json.dumps({"before": old, "after": new}, ensure_ascii=False))
        return
    for name in ("title", "owner", "effective_on", "link"):
        if old[name] != new[name]:
            click.echo(f"{name.replace('_', ' ')}: {plain(old[name]) or '-'} -> {plain(new[name]) or '-'}")
    names = (f"{new['code']} version {before}", f"{new['code']} version {after}")
    lines = difflib.unified_diff(old["text"].split("\n"), new["text"].split("\n"), *names, lineterm="")
    for line in lines:
        click.echo(plain(line))


@command.command("add")
@click.option("--code", default="", help="by which you call it; otherwise the next free POL-…")
@click.option("--title", required=True)
@click.option("--owner", required=True, help="a member: address or usr_…")
@click.option("--effective-on", required=True, metavar="DAY", help="from which it holds, such as 2026-03-01")
@click.option("--file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="its text, UTF-8")
@click.option("--link", default="", help="where it stands, https")
@with_ledger
def add(url: str | None, key: str | None, as_json: bool, file: Path | None, **said: str) -> None:
    """Bring in a policy: its text, a link, or both."""
    with client_of(url, key) as client:
        found = asked(client, "POST", "/api/policies", json={**said, "text": _text(file)})
    say(found, as_json, _sentence(found))


@command.command("change")
@click.argument("policy")
@click.option("--title")
@click.option("--owner", help="a member: address or usr_…")
@click.option("--effective-on", metavar="DAY")
@click.option("--file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="its new text, UTF-8")
@click.option("--link", help="where it stands, https")
@click.option("--reason", default="", help="why")
@click.option("--number", type=click.IntRange(1), help="refuse if another version stands by now")
@with_ledger
def change(policy: str, url: str | None, key: str | None, as_json: bool, file: Path | None, **said: object) -> None:
    """Give a policy another version; what is not said stays."""
    order: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
    if file is not None:
        order["text"] = _text(file)
    with client_of(url, key) as client:
        found = asked(client, "PATCH", f"/api/policies/{policy}", json=order)
    say(found, as_json, _sentence(found))


@command.command("retire")
@click.argument("policy")
@click.option("--reason", required=True, help="why")
@with_ledger
def retire(policy: str, reason: str, url: str | None, key: str | None, as_json: bool) -> None:
    """End a policy. It stays readable, and its code is not used again."""
    with client_of(url, key) as client:
        found = asked(client, "POST", f"/api/policies/{policy}/retire", json={"reason": reason})
    say(found, as_json, _sentence(found))


def _text(file: Path | None) -> str:
    if file is None:
        return ""
    content = file.read_bytes()
    if len(content) > _MOST_BYTES:
        raise click.UsageError(f"{file} is larger than {_MOST_BYTES:,} bytes; give a link to it instead")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{file} is not UTF-8 at byte {error.start}") from None


def _sentence(found: Any) -> str:
    return f"{found['code']} ({found['id']}), version {found['number']}, {found['status']}: entry {found['entry']:,}"
