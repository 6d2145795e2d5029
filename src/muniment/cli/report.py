"""`muniment report`: make reports as PDF/A, list them, fetch them with what proves them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import click
import httpx

from muniment.cli.export import download
from muniment.cli.population import asked, client_of, plain, with_ledger
from muniment.cli.register_files import poam, register, write_file
from muniment.core.errors import Malformed, Refused, VerificationFailed
from muniment.reports.layout import parse_layout

_SIZE = click.option("--size", type=click.IntRange(1), help="of the checkpoint; the newest by default")
_OUTPUT = click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="write the PDF here too"
)
_FORCE = click.option("--force", is_flag=True, help="overwrite FILE")
_TITLE = click.option("--title", default="", metavar="TEXT", help="of the report; it follows from the rest by default")


@click.group("report")
def command() -> None:
    """PDF/A files whose every number can be asked for again: `muniment verify report.pdf`."""


command.add_command(poam)
command.add_command(register)


@command.command("control")
@click.argument("controls", nargs=-1, metavar="[CONTROL]...")
@click.option(
    "--framework", default="", metavar="ID", help="all of a framework, such as soc2; own for your own controls"
)
@click.option("--from", "since", default="", metavar="TIME", help="recorded at or after, such as 2026-01-01 (UTC)")
@click.option("--to", "until", default="", metavar="TIME", help="recorded before")
@_TITLE
@_SIZE
@_OUTPUT
@_FORCE
@with_ledger
def control(
    controls: tuple[str, ...],
    framework: str,
    since: str,
    until: str,
    title: str,
    size: int | None,
    output: Path | None,
    force: bool,
    url: str | None,
    key: str | None,
    as_json: bool,
) -> None:
    """Report the evidence of CONTROLs or of a framework. With samples, exceptions and gaps; recorded."""
    order = {"kind": "control", "framework": framework, "controls": list(controls), "from": since, "to": until}
    _make({**order, "title": title}, size, output, force=force, url=url, key=key, as_json=as_json)


@command.command("integrity")
@_TITLE
@_SIZE
@_OUTPUT
@_FORCE
@with_ledger
def integrity(
    title: str, size: int | None, output: Path | None, force: bool, url: str | None, key: str | None, as_json: bool
) -> None:
    """Report how the log stands. Walks, anchors, keys, gaps, and what was not checked; recorded."""
    _make({"kind": "integrity", "title": title}, size, output, force=force, url=url, key=key, as_json=as_json)


@command.command("board")
@click.option("--from", "since", default="", metavar="TIME", help="evidence recorded at or after, such as 2026-01-01")
@click.option("--to", "until", default="", metavar="TIME", help="evidence recorded before")
@_TITLE
@_SIZE
@_OUTPUT
@_FORCE
@with_ledger
def board(
    since: str,
    until: str,
    title: str,
    size: int | None,
    output: Path | None,
    force: bool,
    url: str | None,
    key: str | None,
    as_json: bool,
) -> None:
    """Report up to four frameworks with their gaps. With exceptions, risks, overdue work; recorded."""
    order = {"kind": "board", "from": since, "to": until, "title": title}
    _make(order, size, output, force=force, url=url, key=key, as_json=as_json)


@command.command("custom")
@click.argument("population")
@click.option(
    "--layout",
    required=True,
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="which sections stand in it (docs/reports.md)",
)
@_SIZE
@_OUTPUT
@_FORCE
@with_ledger
def custom(
    population: str,
    layout: Path,
    size: int | None,
    output: Path | None,
    force: bool,
    url: str | None,
    key: str | None,
    as_json: bool,
) -> None:
    """Report the saved POPULATION by a layout of your own; recorded."""
    try:
        read = parse_layout(layout.read_bytes().strip())
    except Malformed as error:
        raise Malformed(error.reason, f"{layout}: {error.where}" if error.where else str(layout)) from None
    order = {"kind": "custom", "population": population, "layout": json.loads(read.text())}
    _make(order, size, output, force=force, url=url, key=key, as_json=as_json)


@command.command("executive")
@_TITLE
@_SIZE
@_OUTPUT
@_FORCE
@with_ledger
def executive(
    title: str, size: int | None, output: Path | None, force: bool, url: str | None, key: str | None, as_json: bool
) -> None:
    """Report how exceptions, risks and open work stand. One page, with what changed since; recorded."""
    _make({"kind": "executive", "title": title}, size, output, force=force, url=url, key=key, as_json=as_json)


@command.command("list")
@with_ledger
def list_(url: str | None, key: str | None, as_json: bool) -> None:
    """List reports, newest first."""
    with client_of(url, key) as client:
        found = asked(client, "GET", "/api/reports")
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    lines = [
        f"{one['id']}  {one['kind']:<9} {one['size']:>11,}  {one['created_at'][:19]}Z  {plain(one['title'])}"
        for one in found["reports"]
    ]
    click.echo("\n".join(lines or ["No report was made yet: muniment report integrity"]))


@command.command("get")
@click.argument("report")
@_OUTPUT
@click.option(
    "--proof",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="write a bundle with the report's entry here, for `muniment verify report.pdf --proof FILE`",
)
@_FORCE
@with_ledger
def get(
    report: str,
    output: Path | None,
    proof: Path | None,
    force: bool,
    url: str | None,
    key: str | None,
    as_json: bool,
) -> None:
    """Show REPORT with its numbers. Writes its PDF, and what proves its hash."""
    with client_of(url, key) as client:
        found = asked(client, "GET", f"/api/reports/{report}")
        if output is not None:
            write_file(output, _pdf(client, found), force=force)
        if proof is not None:
            download(client, {"seqs": [found["entry"]]}, proof, force=force)
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else "\n".join(_told(found, numbers=output is None)))


def _make(
    order: Mapping[str, Any],
    size: int | None,
    output: Path | None,
    *,
    force: bool,
    url: str | None,
    key: str | None,
    as_json: bool,
) -> None:
    given = {name: value for name, value in order.items() if value} | ({"size": size} if size else {})
    with client_of(url, key) as client:
        if output is not None and output.exists() and not force:
            raise Malformed("exists already; name another file, or overwrite it with --force", str(output))
        found = asked(client, "POST", "/api/reports", json=given, timeout=300.0)
        if output is not None:
            write_file(output, _pdf(client, found), force=force)
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else "\n".join(_told(found, numbers=False)))


def _pdf(client: httpx.Client, found: Mapping[str, Any]) -> bytes:
    answer = client.get(f"/api/reports/{found['id']}/pdf")
    if answer.status_code != 200:
        raise Refused(f"the ledger answers {answer.status_code}", "report")
    if sha256(answer.content).hexdigest() != found["sha256"]:
        raise VerificationFailed("the bytes that came are not those whose hash was recorded", found["id"])
    return answer.content


def _told(found: Mapping[str, Any], *, numbers: bool) -> Iterator[str]:
    yield f"{found['id']}  {plain(found['title'])}"
    yield f"  kind         {found['kind']}, {found['length']:,} bytes, {len(found['numbers']):,} numbers"
    yield f"  checkpoint   size {found['size']:,}, root {found['root']}, of {found['log']}"
    yield f"  sha256       {found['sha256']}"
    yield f"  recorded     entry {found['entry']:,}"
    if numbers:
        for one in found["numbers"]:
            value = f"{one['value']:,}" if isinstance(one["value"], int) else plain(one["value"])
            yield f"  [{one['number']:>3}]  {value:>14}  {plain(one['what'])}"
