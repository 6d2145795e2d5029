"""What the commands of registers share: pages of lists, files of tables, and how a thing is said."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from muniment.cli.control import table_of, write
from muniment.cli.population import asked, client_of, plain, with_ledger

_MOST_BYTES: Final = 10 << 20


def every(client: Any, path: str, noun: str, given: Mapping[str, Any], most: int) -> list[Any]:
    """The rows of a list, page by page.

    Args:
        client: of the ledger.
        path: of the list.
        noun: the key of its rows.
        given: filters; empty ones are left out.
        most: rows at most.
    """
    given = {name: value for name, value in given.items() if value not in (None, "", False)}
    rows: list[Any] = []
    after: str | None = ""
    while after is not None and len(rows) < most:
        limit = {"limit": min(500, most - len(rows))}
        page = asked(client, "GET", path, params={**given, **limit, **({"after": after} if after else {})})
        rows += page[noun]
        after = page["next"]
    return rows


def listing(as_json: bool, noun: str, rows: Sequence[Any], line: Callable[[Any], str], empty: str) -> None:
    """Print the rows of a list, one a line."""
    if as_json:
        click.echo(json.dumps({noun: list(rows)}, ensure_ascii=False))
        return
    for one in rows:
        click.echo(line(one))
    if not rows:
        click.echo(empty)


def say(found: Mapping[str, Any], as_json: bool, sentence: str) -> None:
    """Print what an operation did."""
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else sentence)


def facts(pairs: Sequence[tuple[str, object]]) -> Iterator[str]:
    """Lines of a thing: what it is called, and what it is; what is empty is left out."""
    for name, value in pairs:
        if value not in (None, "", []):
            text = " ".join(map(str, value)) if isinstance(value, list) else str(value)
            yield f"  {name:<14}{plain(text.replace(chr(10), ' '))}"


def stepped(steps: Sequence[Any]) -> Iterator[str]:
    """Lines of the steps of a thing, newest first."""
    for one in reversed(steps):
        why = f"  {plain(one['comment'].replace(chr(10), ' '))}" if one["comment"] else ""
        shown = f" [{' '.join(one['evidence'])}]" if one["evidence"] else ""
        yield (
            f"  step {one['number']:<3} {one['at'][:19]}Z  {one['step']:<9} -> {one['after']:<12} "
            f"entry {one['entry']:,}  {one['by']}{why}{shown}"
        )


def with_files(group: click.Group, noun: str, what: str) -> None:
    """Give a group `import` and `export` of its table.

    Args:
        group: of the noun.
        noun: of the table.
        what: one row of it, in words.
    """

    @group.command("import", help=f"Bring in CSV or XLSX, a row for each {what}. Every row, or none.")
    @click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
    @click.option("--dry-run", is_flag=True, help="say what would happen, and what is wrong with which row")
    @with_ledger
    def bring_in(file: Path, dry_run: bool, url: str | None, key: str | None, as_json: bool) -> None:
        if file.stat().st_size > _MOST_BYTES:
            raise click.UsageError(f"{file} is larger than 10 MiB")
        question = {"dry_run": str(dry_run).lower(), "name": file.name}
        with client_of(url, key) as client:
            kind = {"Content-Type": "application/octet-stream"}
            path = f"/api/tables/{noun}/import"
            found = asked(client, "POST", path, params=question, content=file.read_bytes(), headers=kind)
        if as_json:
            click.echo(json.dumps(found, ensure_ascii=False))
        else:
            for one in found["faults"]:
                where = f", {one['column']}" if one["column"] else ""
                click.echo(f"row {one['row']}{where}: {plain(one['message'])}")
            done = "" if found["kept"] else "would be "
            if found["faults"]:
                click.echo("nothing was imported")
            else:
                click.echo(
                    f"{found['added']:,} {done}added, {found['changed']:,} {done}changed, "
                    f"{found['unchanged']:,} unchanged"
                )
        if found["faults"]:
            sys.exit(1)

    @group.command("export", help="Write the table as CSV, which can be imported again.")
    @click.option(
        "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="a file; else standard output"
    )
    @with_ledger
    def take_out(output: Path | None, url: str | None, key: str | None, as_json: bool) -> None:
        with client_of(url, key) as client:
            if as_json:
                rows: list[Any] = []
                cursor: str | None = ""
                while cursor is not None:
                    question = {"limit": "200", **({"cursor": cursor} if cursor else {})}
                    page = asked(client, "GET", f"/api/tables/{noun}", params=question)
                    rows += page["rows"]
                    cursor = page["next"]
                write(json.dumps({noun: rows}, ensure_ascii=False) + "\n", output)
            else:
                write(table_of(client, f"/api/tables/{noun}/export", {"form": "csv"}), output)
