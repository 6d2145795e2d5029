"""`muniment mapping`: which controls actions evidence in a tenant's ledger, and changing that."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from muniment.catalogs.jsonplaces import read_json
from muniment.cli.population import asked, client_of, with_ledger
from muniment.ledger.mappings import MAX_DOCUMENT

_FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@click.group("mapping")
def command() -> None:
    """Which controls an action evidences, and a tenant's changes of it.

    What an action writes into entries stays in them; a change holds for the entries that come after it.
    """


@command.command("show")
@with_ledger
def show(url: str | None, key: str | None, as_json: bool) -> None:
    """Show the mapping in force, with the actions that the tenant changed."""
    with client_of(url, key) as client:
        found = asked(client, "GET", "/api/mapping")
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else "\n".join(_mapping(found)))


@command.command("versions")
@with_ledger
def versions(url: str | None, key: str | None, as_json: bool) -> None:
    """List every change, newest first."""
    with client_of(url, key) as client:
        found = asked(client, "GET", "/api/mapping/versions")
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    for one in found["versions"]:
        click.echo(
            f"{one['number']:>4}  {one['recorded_at'][:19]}Z  entry {one['entry']:,}  {one['version']}  "
            f"{one['changed']:,} actions  {one['by']}"
        )
    if not found["versions"]:
        click.echo("None: the base mapping has been in force from the beginning.")


@command.command("check")
@_FILE
@with_ledger
def check(file: Path, url: str | None, key: str | None, as_json: bool) -> None:
    """Say what would be in force with the overrides of FILE; change nothing."""
    _change(url, key, as_json, _document(file), None, dry_run=True)


@command.command("change")
@_FILE
@click.option(
    "--replaces", metavar="VERSION", help="the version in force as far as you know; else the one there is now"
)
@with_ledger
def change(file: Path, replaces: str | None, url: str | None, key: str | None, as_json: bool) -> None:
    """Put the overrides of FILE (muniment-mapping/1) in force; recorded."""
    _change(url, key, as_json, _document(file), replaces, dry_run=False)


@command.command("reset")
@click.option(
    "--replaces", metavar="VERSION", help="the version in force as far as you know; else the one there is now"
)
@with_ledger
def reset(replaces: str | None, url: str | None, key: str | None, as_json: bool) -> None:
    """Put the base mapping back; recorded."""
    _change(url, key, as_json, None, replaces, dry_run=False)


def _change(
    url: str | None, key: str | None, as_json: bool, document: object, replaces: str | None, *, dry_run: bool
) -> None:
    with client_of(url, key) as client:
        known = replaces or str(asked(client, "GET", "/api/mapping")["version"])
        body = {"document": document, "replaces": known, "dry_run": dry_run}
        found = asked(client, "PUT", "/api/mapping", json=body)
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else "\n".join(_mapping(found)))


def _document(file: Path) -> dict[str, Any]:
    return read_json(file.read_bytes(), file.name, MAX_DOCUMENT)[1]


def _mapping(found: Mapping[str, Any]) -> Iterator[str]:
    yield f"{found['version']}{'' if found['in_force'] else '  (would be in force; nothing was changed)'}"
    yield f"  digest       {found['digest']}"
    yield f"  below it     {found['base']}, annotations {found['notes']}"
    if found["entry"] is not None:
        yield f"  recorded     entry {found['entry']:,}, change {found['number']}"
    if not found["changed"]:
        yield "  changes      none: every action is as in the base mapping"
    for row in found["changed"]:
        yield f"  {row['action']}"
        yield f"    in entries   {', '.join(row['entry']) or 'nothing'}"
        yield f"    annotated    {', '.join(row['notes']) or 'nothing'}"
