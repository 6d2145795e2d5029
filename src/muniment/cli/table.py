"""`muniment table`: the registers as files: which there are, their rows, taking them out and bringing them in."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

import click

from muniment.cli.population import asked, client_of, plain, with_ledger
from muniment.core.errors import Refused

_MOST: Final = 10 << 20
_SHOWN: Final = 50
_FORMS: Final = ("csv", "xlsx")
_NOUNS: Final = ("exceptions", "risks", "policies", "assets", "tasks", "findings", "incidents")


@click.group("table")
def command() -> None:
    """The registers as tables. NOUN is exceptions, risks, policies, assets, tasks, findings or incidents."""


@command.command("list")
@with_ledger
def listed(url: str | None, key: str | None, as_json: bool) -> None:
    """Name the tables, their columns and their filters."""
    with client_of(url, key) as client:
        found = asked(client, "GET", "/api/tables")
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    for one in found["tables"]:
        click.echo(f"{one['table']}{'' if one['imported'] else '  (files are not taken)'}")
        click.echo(
            f"  columns  {' '.join(column['key'] + ('' if column['given'] else '*') for column in one['columns'])}"
        )
        click.echo(f"  filters  {' '.join(one['filters'])} q")
    click.echo("Columns with * are written, and passed over when a file is brought in.")


@command.command("export")
@click.argument("noun", type=click.Choice(_NOUNS), metavar="NOUN")
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="file; standard output for CSV")
@click.option("--format", "form", type=click.Choice(_FORMS), help="told by the file's ending if left out")
@click.option("--filter", "filters", multiple=True, metavar="NAME=VALUE", help="as in the address of the list")
@click.option("--columns", default="", metavar="KEYS", help="parted by commas; all if left out")
@with_ledger
def export(
    noun: str,
    output: Path | None,
    form: str | None,
    filters: tuple[str, ...],
    columns: str,
    url: str | None,
    key: str | None,
    as_json: bool,
) -> None:
    """Take out the rows that the filters match. Needs a key with the capability export.create."""
    del as_json
    said = form or ("csv" if output is None else output.suffix.lower().removeprefix("."))
    if said not in _FORMS:
        raise click.UsageError(f"{output} ends neither in .csv nor in .xlsx: say --format")
    if said == "xlsx" and output is None:
        raise click.UsageError("an XLSX file goes to a file: say --output FILE.xlsx")
    params = {"form": said, **dict(_pair(one) for one in filters)}
    if columns:
        params["columns"] = columns
    with client_of(url, key) as client:
        taken = _taken(client, f"/api/tables/{noun}/export", params)
    if output is None:
        sys.stdout.buffer.write(taken)
        return
    output.write_bytes(taken)
    click.echo(f"{output}: {len(taken):,} bytes", err=True)


@command.command("import")
@click.argument("noun", type=click.Choice(_NOUNS), metavar="NOUN")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="say what would happen; nothing is kept")
@with_ledger
def bring_in(noun: str, file: Path, dry_run: bool, url: str | None, key: str | None, as_json: bool) -> None:
    """Bring in a CSV or XLSX file: every row, or none. Needs a key with the capability of the register."""
    if file.stat().st_size > _MOST:
        raise Refused("is larger than 10 MiB; split it", str(file))
    content = file.read_bytes()
    with client_of(url, key) as client:
        tried = _send(client, noun, content, file.name, dry_run=True)
        found = tried if tried["faults"] or dry_run else _send(client, noun, content, file.name, dry_run=False)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        _tell(found, noun, dry_run)
    if found["faults"]:
        raise SystemExit(1)


def _taken(client: Any, path: str, params: dict[str, str]) -> bytes:
    answer = client.get(path, params=params)
    if answer.status_code != 200:
        # The same words as for every other operation.
        asked(client, "GET", path, params=params)
    return bytes(answer.content)


def _send(client: Any, noun: str, content: bytes, name: str, *, dry_run: bool) -> Any:
    params = {"name": name, **({"dry_run": "true"} if dry_run else {})}
    return asked(client, "POST", f"/api/tables/{noun}/import", params=params, content=content)


def _tell(found: Any, noun: str, dry_run: bool) -> None:
    for one in found["faults"][:_SHOWN]:
        where = f", {one['column']}" if one["column"] else ""
        click.echo(f"row {one['row']}{where}: {plain(one['message'])}", err=True)
    if faults := len(found["faults"]):
        more = f"; the first {_SHOWN} are shown, --json gives all" if faults > _SHOWN else ""
        click.echo(
            f"Nothing was brought in: {faults} {'cell is' if faults == 1 else 'cells are'} wrong{more}.", err=True
        )
        return
    said = f"{found['added']} added, {found['changed']} changed, {found['unchanged']} stood like that"
    click.echo(
        f"{noun}: {found['rows']} {'row' if found['rows'] == 1 else 'rows'}; {'would be: ' if dry_run else ''}{said}."
    )


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.UsageError(f"--filter {text!r} is not NAME=VALUE")
    return name, value
