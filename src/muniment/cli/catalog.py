"""`muniment catalog`: control frameworks, what they hold, and how a tenant's own come in."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from muniment.agent.state import State
from muniment.catalogs.asjson import catalog_json, coverage_json, covered_json, links_json, row_json
from muniment.catalogs.catalogfile import FORMAT as CATALOG
from muniment.catalogs.catalogfile import MAX_BYTES, parse_catalog
from muniment.catalogs.coverage import Evidence, coverage
from muniment.catalogs.crosswalk import FORMAT as CROSSWALK
from muniment.catalogs.crosswalk import parse_crosswalk
from muniment.catalogs.framework import LicenceClass
from muniment.catalogs.imported import Shelf
from muniment.catalogs.jsonplaces import MalformedCatalog, read_json
from muniment.catalogs.oscal import read_oscal
from muniment.catalogs.oscalwriter import write_oscal
from muniment.catalogs.overrides import FORMAT as MAPPING
from muniment.catalogs.overrides import ResolvedMapping, resolve, unchanged
from muniment.catalogs.shipped import NOT_SHIPPED
from muniment.catalogs.tables import NUMBERINGS, Numbering, Origin, catalog_from_table, overlay
from muniment.cli import catalog_ledger
from muniment.cli.catalog_shown import show_catalog, show_control, show_list
from muniment.core.errors import Malformed

_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_FOLDER = click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    help="Where imported catalogs lie; by default `catalogs` below MUNIMENT_STATE.",
)
_FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@click.group("catalog")
def command() -> None:
    """Control frameworks: identifiers, hierarchy and labels; your own text over them.

    Imported catalogs are kept in a folder of this machine, and serve the commands here. With --server, list, import and
    coverage are those of a tenant's ledger.
    """


@command.command("list")
@_JSON
@_FOLDER
@catalog_ledger.on_server
def list_(as_json: bool, folder: Path | None, on_ledger: bool, url: str | None, key: str | None) -> None:
    """List every catalog with its version, source, licence class and count."""
    if on_ledger:
        listed = catalog_ledger.listed(url, key)
        if as_json:
            click.echo(_dump(listed))
        else:
            show_list(listed)
        return
    shelf = _shelf(folder)
    found = [shelf.find(one) for one in shelf.ids()]
    if as_json:
        imported = shelf.imported()
        click.echo(_dump([catalog_json(one) | {"imported": one.id in imported} for one in found]))
        return
    width = max(len(one.id) for one in found)
    for one in found:
        count = f"{one.count.number:>5,} {one.count.what}"
        click.echo(f"{one.id:<{width}}  {one.licence_class}  {count:<52.52}  {one.title}, {one.version}")
    click.echo(f"\n{len(found)} catalogs. Class {'; '.join(f'{one} {one.meaning}' for one in LicenceClass)}.")
    click.echo("Not shipped, to be imported:")
    for name, reason in NOT_SHIPPED:
        click.echo(f"  {name} ({reason})")


@command.command()
@click.argument("name", metavar="CATALOG or CONTROL")
@_JSON
@_FOLDER
def show(name: str, as_json: bool, folder: Path | None) -> None:
    """Show one catalog as a tree (soc2), or one control with its crosswalks (soc2:CC6.1)."""
    prefix, _, requirement = name.partition(":")
    shelf = _shelf(folder)
    found = shelf.find(prefix)
    if requirement:
        row = found.find(requirement)
        if as_json:
            click.echo(_dump(row_json(found, row) | {"crosswalks": links_json(name)}))
        else:
            show_control(found, row)
        return
    if as_json:
        click.echo(_dump(catalog_json(found) | {"requirements": [row_json(found, row) for row in found.requirements]}))
        return
    show_catalog(found)


@command.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_JSON
@_FOLDER
def validate(files: Sequence[Path], as_json: bool, folder: Path | None) -> None:
    """Check catalogs, crosswalks, mapping overrides and OSCAL catalogs; errors name file and line.

    Ends with 0 if all are well formed, otherwise with 2.
    """
    shelf = _shelf(folder)
    results: list[dict[str, Any]] = []
    for path in files:
        try:
            results.append({"file": str(path), "ok": True, "is": _validated(path, shelf)})
        except Malformed as error:
            results.append({"file": str(path), "ok": False, "where": error.where, "reason": error.reason})
    if as_json:
        click.echo(_dump(results))
    else:
        for one in results:
            if one["ok"]:
                click.echo(f"{one['file']}: {one['is']}")
            else:
                click.echo(f"{one['where'] or one['file']}: {one['reason']}", err=True)
    if not all(one["ok"] for one in results):
        raise SystemExit(2)


@command.command("import")
@_FILE
@click.option("--over", metavar="CATALOG", help="Lay the file's labels and text over a catalog that is shipped.")
@click.option("--id", "catalog_id", metavar="ID", help="For a catalog of its own: the prefix of its control ids.")
@click.option("--title", help="Table: the framework's name.")
@click.option("--edition", default="", help="Table: its edition.")
@click.option("--publisher", default="", help="Table: who publishes it.")
@click.option("--source", default="", help="Table: where the text comes from.")
@click.option(
    "--class",
    "licence_class",
    type=click.Choice([one.value for one in LicenceClass]),
    default=LicenceClass.LICENSED.value,
    show_default=True,
    help="A: text may be exported; B: with attribution; C: stays inside.",
)
@click.option("--attribution", default="", help="Class B: who is to be named.")
@click.option(
    "--numbering",
    type=click.Choice(NUMBERINGS),
    default="as-given",
    show_default=True,
    help="Table of law: `Article 32(1)(b)` is read as 32.1.b, `§ 164.312(a)` as 164.312(a).",
)
@click.option("--dry-run", is_flag=True, help="Check and count, keep nothing.")
@_JSON
@_FOLDER
@catalog_ledger.on_server
def import_(
    file: Path,
    over: str | None,
    catalog_id: str | None,
    title: str | None,
    edition: str,
    publisher: str,
    source: str,
    licence_class: str,
    attribution: str,
    numbering: Numbering,
    dry_run: bool,
    as_json: bool,
    folder: Path | None,
    on_ledger: bool,
    url: str | None,
    key: str | None,
) -> None:
    """Bring in an OSCAL catalog (JSON), a catalog file, or a table (CSV: id, label, text, parent, kind, sets)."""
    if (over and catalog_id) or not (over or catalog_id or _is_catalog_file(file)):
        raise click.UsageError("give either --over (your text over a shipped catalog) or --id (a catalog of its own)")
    if on_ledger:
        order = {
            "over": over or "", "id": catalog_id or "", "title": title or "", "edition": edition,
            "publisher": publisher, "source": source, "licence_class": licence_class,
            "attribution": attribution, "numbering": numbering,
        }  # fmt: skip
        sent = catalog_ledger.brought_in(url, key, file, order, dry_run=dry_run)
        click.echo(_dump(sent) if as_json else "\n".join(catalog_ledger.import_lines(sent)))
        return
    shelf = _shelf(folder)
    data, name = _read(file), file.name
    if over is not None:
        made = overlay(shelf.find(over), data, name)
    elif _is_catalog_file(file):
        made = parse_catalog(data, name)
        if catalog_id not in (None, made.id):
            raise MalformedCatalog(f"is the catalog {made.id}, not {catalog_id}", name)
    elif data.lstrip()[:1] == b"{":
        made = read_oscal(
            data, catalog_id or "", name, licence_class=LicenceClass(licence_class), attribution=attribution
        )
    else:
        if not title:
            raise click.UsageError("a table needs --title")
        origin = Origin(
            catalog_id or "",
            title,
            edition or "not stated",
            publisher or "not stated",
            source or name,
            "as the importer states by its class",
            LicenceClass(licence_class),
            attribution,
        )
        made = catalog_from_table(data, name, origin, numbering)
    place = None if dry_run else shelf.put(made)
    texts = sum(bool(row.text) for row in made.requirements)
    if as_json:
        click.echo(_dump(catalog_json(made) | {"texts": texts, "kept": str(place) if place else None}))
        return
    click.echo(f"{made.id}: {made.count.number:,} {made.count.what}, {texts:,} with text. {made.title}, {made.version}")
    click.echo(f"Class {made.licence_class}, {made.licence_class.meaning}.")
    click.echo(f"Kept in {place}" if place else "Nothing was kept (--dry-run).")


@command.command()
@click.argument("name", metavar="CATALOG")
@_FOLDER
def export(name: str, folder: Path | None) -> None:
    """Print a catalog as OSCAL JSON, with the text that its licence class lets out."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    click.echo(write_oscal(_shelf(folder).find(name), now), nl=False)


@command.command("coverage")
@click.argument("name", metavar="CATALOG")
@click.option(
    "--overrides",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A tenant's changes to the mapping.",
)
@click.option("--gaps", is_flag=True, help="List only what nothing maps to.")
@click.option("--from", "since", metavar="TIME", help="With --server: count entries recorded at or after.")
@click.option("--to", "until", metavar="TIME", help="With --server: count entries recorded before.")
@click.option("--csv", "as_csv", is_flag=True, help="With --server: print CSV.")
@_JSON
@_FOLDER
@catalog_ledger.on_server
def coverage_(
    name: str,
    overrides: Path | None,
    gaps: bool,
    since: str | None,
    until: str | None,
    as_csv: bool,
    as_json: bool,
    folder: Path | None,
    on_ledger: bool,
    url: str | None,
    key: str | None,
) -> None:
    """Say which requirements actions map to, and which none does.

    Without --server this reads the mapping, not a ledger: whether such entries exist is another question. With it,
    entries and attachments of the tenant are counted.
    """
    if on_ledger:
        if overrides:
            raise click.UsageError("the ledger's own mapping counts: --overrides is for this machine")
        wanted = {"from": since or "", "to": until or "", "only": "nothing" if gaps else ""}
        asked = {option: value for option, value in wanted.items() if value}
        if as_csv:
            click.echo(catalog_ledger.coverage_table(url, key, name, asked), nl=False)
            return
        counted = catalog_ledger.coverage_of(url, key, name, asked)
        click.echo(_dump(counted) if as_json else "\n".join(catalog_ledger.coverage_lines(counted)))
        return
    if since or until or as_csv:
        raise click.UsageError("--from, --to and --csv count entries of a ledger: add --server")
    shelf = _shelf(folder)
    found = coverage(shelf.find(name), _mapping(overrides, shelf) if overrides else unchanged())
    rows = [row for row in found.rows if not gaps or row.evidence is Evidence.NOTHING]
    if as_json:
        click.echo(_dump(coverage_json(found) | {"rows": [covered_json(row) for row in rows]}))
        return
    for row in rows:
        by = ", ".join(row.baked) or (f"annotation of {', '.join(row.annotated)}" if row.annotated else "nothing")
        click.echo(f"{row.control}  {row.label}: {by}")
    click.echo(f"\n{found.statement}\nMapping {found.mapping}.")


def _shelf(folder: Path | None) -> Shelf:
    return Shelf(folder or State.find().root / "catalogs")


def _read(path: Path) -> bytes:
    if path.stat().st_size > MAX_BYTES:
        raise MalformedCatalog(f"larger than {MAX_BYTES:,} bytes", path.name)
    return path.read_bytes()


def _is_catalog_file(path: Path) -> bool:
    return path.suffix == ".json" and f'"{CATALOG}"'.encode() in _read(path)[:4096]


def _mapping(path: Path, shelf: Shelf) -> ResolvedMapping:
    _, value = read_json(_read(path), path.name, MAX_BYTES)
    try:
        return resolve(value, find=shelf.find)
    except MalformedCatalog:
        raise
    except Malformed as error:
        raise Malformed(error.reason, f"{path.name}, {error.where}") from None


def _validated(path: Path, shelf: Shelf) -> str:
    data, name = _read(path), path.name
    _, value = read_json(data, name, MAX_BYTES)
    written = value.get("format")
    if written == CROSSWALK:
        walk = parse_crosswalk(data, name, shelf.find)
        return f"crosswalk {walk.id}, {len(walk.pairs):,} pairs"
    if written == MAPPING:
        return f"mapping {_mapping(path, shelf).version}"
    made = read_oscal(data, "oscal", name) if written is None else parse_catalog(data, name)
    return f"{'OSCAL ' if written is None else ''}catalog, {made.count.number:,} {made.count.what}"


def _dump(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
