"""`muniment control`: the tenant's own controls: list, show, define, change, retire, import, export."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import click

from muniment.cli.population import asked, client_of, plain, with_ledger
from muniment.core.errors import Refused

_FREQUENCIES: Final = ("continuous", "daily", "weekly", "monthly", "quarterly", "annually", "per-event")
_MOST: Final = 1 << 20


def _own(control: str) -> str:
    """A control id from what was typed: `AI-7` is `own:AI-7`."""
    return control if ":" in control else f"own:{control}"


@click.group("control")
def command() -> None:
    """The tenant's own controls. Changing them needs a key with the capability control.manage."""


@command.command("list")
@click.option("--status", type=click.Choice(("draft", "in-force", "retired")), help="only these")
@click.option("--framework", metavar="CATALOG", help="only with criteria of this catalog")
@click.option("--owner", metavar="ID", help="only those of user:usr_…")
@with_ledger
def listed(url: str | None, key: str | None, as_json: bool, **filters: str | None) -> None:
    """List the controls as they stand."""
    given = {name: value for name, value in filters.items() if value}
    with client_of(url, key) as client:
        found = asked(client, "GET", "/api/controls", params=given)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    for one in found["controls"]:
        first = plain(one["statement"].partition("\n")[0])
        click.echo(f"{one['id']:<24} {one['status']:<9} {one['frequency']:<11} {first[:70]}")
    if not found["controls"]:
        click.echo("There is none. Begin with drafts of a framework: muniment control import --starter soc2")


@command.command("show")
@click.argument("control")
@with_ledger
def show(control: str, url: str | None, key: str | None, as_json: bool) -> None:
    """Show a control and its versions."""
    with client_of(url, key) as client:
        found = asked(client, "GET", f"/api/controls/{_own(control)}/versions")
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else "\n".join(_shown(found["versions"])))


@command.command("add")
@click.argument("control")
@click.option("--statement", required=True, help="what is done")
@click.option("--owner", default="", help="a member: address or usr_…")
@click.option("--frequency", type=click.Choice(_FREQUENCIES), default="per-event", show_default=True)
@click.option("--procedure", default="", help="how it is tested")
@click.option("--criterion", "criteria", multiple=True, metavar="ID", help="a linked control id, such as soc2:CC6.1")
@click.option("--in-force", is_flag=True, help="in force at once; a draft otherwise")
@with_ledger
def add(
    control: str,
    url: str | None,
    key: str | None,
    as_json: bool,
    in_force: bool,
    criteria: tuple[str, ...],
    **said: str,
) -> None:
    """Define a control. CONTROL is its id for good, such as AI-7."""
    order = {"id": control, **said, "criteria": list(criteria), "status": "in-force" if in_force else "draft"}
    with client_of(url, key) as client:
        found = asked(client, "POST", "/api/controls", json=order)
    _say(found, as_json)


@command.command("change")
@click.argument("control")
@click.option("--statement", help="what is done")
@click.option("--owner", help="a member: address or usr_…")
@click.option("--frequency", type=click.Choice(_FREQUENCIES))
@click.option("--procedure", help="how it is tested")
@click.option("--criterion", "criteria", multiple=True, metavar="ID", help="all linked control ids, one by one")
@click.option("--no-criteria", is_flag=True, help="link none any more")
@click.option("--in-force", is_flag=True, help="put it in force")
@click.option("--reason", default="", help="why")
@click.option("--number", type=click.IntRange(1), help="refuse if another version stands by now")
@with_ledger
def change(
    control: str,
    url: str | None,
    key: str | None,
    as_json: bool,
    in_force: bool,
    no_criteria: bool,
    criteria: tuple[str, ...],
    **said: object,
) -> None:
    """Give a control another version; what is not said stays."""
    if criteria and no_criteria:
        raise click.UsageError("give either --criterion or --no-criteria")
    order = {name: value for name, value in said.items() if value is not None}
    if criteria or no_criteria:
        order["criteria"] = list(criteria)
    if in_force:
        order["status"] = "in-force"
    with client_of(url, key) as client:
        found = asked(client, "PATCH", f"/api/controls/{_own(control)}", json=order)
    _say(found, as_json)


@command.command("retire")
@click.argument("control")
@click.option("--reason", required=True, help="why")
@click.option("--on", metavar="DAY", help="from when, such as 2026-03-01 (UTC); today by default")
@with_ledger
def retire(control: str, reason: str, on: str | None, url: str | None, key: str | None, as_json: bool) -> None:
    """End a control. It stays readable, and its id is not used again."""
    order = {"reason": reason, **({"on": on} if on else {})}
    with client_of(url, key) as client:
        found = asked(client, "POST", f"/api/controls/{_own(control)}/retire", json=order)
    _say(found, as_json)


@command.command("import")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True), required=False)
@click.option("--starter", metavar="CATALOG", help="a draft for each criterion of a catalog, such as soc2")
@click.option("--owner", default="", help="of the starter's drafts")
@click.option("--dry-run", is_flag=True, help="say what would happen, and what is wrong with which row")
@with_ledger
def bring_in(
    file: str | None,
    starter: str | None,
    owner: str,
    dry_run: bool,
    url: str | None,
    key: str | None,
    as_json: bool,
) -> None:
    """Import a table, all of its rows or none; or begin with a framework's criteria.

    The first line of the CSV names columns: id, statement, owner, frequency, procedure, criteria, status, reason. A
    control that is there already is changed in the columns that the table has. - reads standard input.
    """
    if (file is None) == (starter is None):
        raise click.UsageError("give either a CSV file or --starter")
    order: dict[str, Any] = {"dry_run": dry_run}
    order |= {"starter": starter, "owner": owner} if starter else {"csv": _text(str(file))}
    with client_of(url, key) as client:
        found = asked(client, "POST", "/api/controls/import", json=order)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        click.echo("\n".join(_imported(found)))
    if found["faults"]:
        sys.exit(1)


@command.command("export")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="a file; otherwise standard output"
)
@with_ledger
def export(output: Path | None, url: str | None, key: str | None, as_json: bool) -> None:
    """Write the controls as CSV that can be imported again; as JSON with every field."""
    with client_of(url, key) as client:
        if as_json:
            text = json.dumps(asked(client, "GET", "/api/controls"), ensure_ascii=False) + "\n"
        else:
            text = table_of(client, "/api/controls.csv", {})
    write(text, output)


def table_of(client: Any, path: str, parameters: Mapping[str, str]) -> str:
    """A table that the ledger gives.

    Raises:
        Refused: with what the ledger says, if it does not give it.
    """
    answer = client.get(path, params=dict(parameters))
    if answer.status_code != 200:
        try:
            said = str(answer.json().get("detail") or "")
        except ValueError:
            said = ""
        raise Refused(said or f"the ledger answers {answer.status_code}", path)
    return str(answer.content.decode("utf-8"))


def write(text: str, output: Path | None) -> None:
    """Write a table or a document to a file, or to standard output byte for byte."""
    if output is None:
        click.echo(text.encode(), nl=False)
    else:
        output.write_bytes(text.encode())


def _text(file: str) -> str:
    with click.open_file(file, "rb") as stream:
        content: bytes = stream.read(_MOST + 1)
    if len(content) > _MOST:
        raise click.UsageError(f"{file} is larger than 1 MiB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{file} is not UTF-8 at byte {error.start}") from None


def _say(found: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        click.echo(f"{found['id']}, version {found['number']}, {found['status']}: entry {found['entry']:,}")


def _shown(versions: list[Any]) -> Iterator[str]:
    now = versions[-1]
    yield f"{now['id']}  {now['status']}{' since ' + now['retired_on'] if now['retired_on'] else ''}"
    yield f"  statement   {plain(now['statement'].replace(chr(10), ' '))}"
    yield f"  owner       {now['owner'] or 'nobody yet'}"
    yield f"  frequency   {now['frequency']}"
    yield f"  procedure   {plain(now['procedure'].replace(chr(10), ' ')) or 'not written down'}"
    yield f"  criteria    {' '.join(now['criteria']) or 'none'}"
    for one in reversed(versions):
        why = f"  {plain(one['reason'])}" if one["reason"] else ""
        yield (
            f"  version {one['number']:<3} {one['created_at'][:19]}Z  {one['status']:<9} "
            f"entry {one['entry']:,}  {one['created_by']}{why}"
        )


def _imported(found: Mapping[str, Any]) -> Iterator[str]:
    done = "" if found["kept"] else "would be "
    for fault in found["faults"]:
        where = f", {fault['field']}" if fault["field"] else ""
        yield f"line {fault['line']}{where}: {plain(fault['reason'])}"
    yield (
        f"{len(found['defined']):,} {done}defined, {len(found['changed']):,} {done}changed, "
        f"{found['unchanged']:,} unchanged{'; nothing was imported' if found['faults'] else ''}"
    )
