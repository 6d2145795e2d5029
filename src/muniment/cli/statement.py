"""`muniment statement`: what the ledger evidences of a framework and what it does not, from live queries."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from muniment.cli.population import asked, client_of, plain, with_ledger


@click.group("statement")
def command() -> None:
    """What the ledger evidences of a framework, on one page."""


def _with_period(to: Any) -> Any:
    for option in (
        click.option("--size", type=click.IntRange(1), help="of the checkpoint; the newest by default"),
        click.option("--to", "until", metavar="DAY", help="the day after the last one; after today by default"),
        click.option("--from", "since", metavar="DAY", help="the first day, UTC; a year before by default"),
    ):
        to = option(to)
    return to


@command.command("list")
@with_ledger
def list_(url: str | None, key: str | None, as_json: bool) -> None:
    """List the frameworks with a statement, and what was issued."""
    with client_of(url, key) as client:
        found = asked(client, "GET", "/api/statements")
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    for one in found["statements"]:
        click.echo(
            f"{one['framework']:<10}  {one['requirements']:>2} requirements, {one['queries']:>2} queries  "
            f"{one['title']}"
        )
    for one in found["issued"]:
        click.echo(
            f"{one['id']}  {one['framework']:<10}  {one['from']} to before {one['to']}  entry {one['entry']:,}  "
            f"sha256 {one['sha256']}"
        )
    if not found["issued"]:
        click.echo("None was issued yet: muniment statement issue FRAMEWORK")


@command.command("show")
@click.argument("statement")
@click.option("--markdown", is_flag=True, help="print Markdown")
@click.option("--again", is_flag=True, help="of an issued one: run its queries again")
@_with_period
@with_ledger
def show(
    statement: str,
    url: str | None,
    key: str | None,
    as_json: bool,
    markdown: bool,
    again: bool,
    since: str | None,
    until: str | None,
    size: int | None,
) -> None:
    """Show the statement of a framework as it is now, or an issued one by its id.

    With --again the exit status is 1 if the queries of an issued statement find something else now.
    """
    period = {name: value for name, value in (("from", since), ("to", until), ("size", size)) if value}
    issued = statement.startswith("stm_")
    if issued and (period or markdown):
        raise click.UsageError("an issued statement has its period and its text: give no others")
    if again and not issued:
        raise click.UsageError("--again is for issued statements: give an id")
    with client_of(url, key) as client:
        if again:
            found = asked(client, "GET", f"/api/statements/issued/{statement}/again")
            click.echo(json.dumps(found) if as_json else "\n".join(_again(found)))
            raise SystemExit(0 if found["holds"] else 1)
        if markdown:
            answer = client.get(f"/api/statements/{statement}", params={**period, "format": "markdown"})
            if answer.status_code == 200:
                click.echo(answer.text, nl=False)
                return
        path = f"/api/statements/issued/{statement}" if issued else f"/api/statements/{statement}"
        found = asked(client, "GET", path, params=period)
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else "\n".join(_lines(found)))


@command.command("issue")
@click.argument("framework")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="write its canonical JSON here")
@_with_period
@with_ledger
def issue(
    framework: str,
    url: str | None,
    key: str | None,
    as_json: bool,
    output: Path | None,
    since: str | None,
    until: str | None,
    size: int | None,
) -> None:
    """Issue the statement of a framework: it is recorded with its hash, and can be asked again."""
    order: dict[str, Any] = {"framework": framework}
    order |= {name: value for name, value in (("from", since), ("to", until), ("size", size)) if value}
    with client_of(url, key) as client:
        found = asked(client, "POST", "/api/statements", json=order)
        if output is not None:
            output.write_bytes(client.get(f"/api/statements/issued/{found['id']}").content)
    if as_json:
        click.echo(json.dumps(found))
        return
    click.echo(f"{found['id']}  {found['framework']}, {found['from']} to before {found['to']}")
    click.echo(f"  recorded  entry {found['entry']:,}, under the checkpoint of size {found['size']:,}")
    click.echo(f"  sha256    {found['sha256']}")
    if output is not None:
        click.echo(f"  written   {output}")


def _again(found: Mapping[str, Any]) -> Iterator[str]:
    if found["holds"]:
        yield "The same: every query found what it found then, and the text has the recorded hash."
    for one in found["differences"]:
        yield f"DIFFERENT: {one}"


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    searched = found["searched"]
    yield plain(found["title"])
    yield f"{found['period']['from']} to before {found['period']['to']}, UTC. {found['claim']}"
    yield found["note"]
    for one in found["requirements"]:
        yield ""
        yield plain(one["label"]) + (f"  ({', '.join(one['ids'])})" if one["ids"] else "")
        for text in one["evidences"]:
            yield f"  evidences          {text}"
        for text in one["found_nothing"]:
            yield f"  in this period     {text}"
        yield f"  does not evidence  {one['does_not_evidence']}"
    yield ""
    for query in found["queries"]:
        count = f"{query['count']:,}" if "count" in query else "too many"
        newest = "" if "newest" not in query else f", newest entry {query['newest']:,} {query['newest_at']}"
        yield f"  {query['id']:<4} {count:>12}  {_words(query['asked'])}{newest}"
    yield ""
    yield f"  searched  {searched['log']}, places 0 to {searched['size'] - 1:,}, root {searched['root']}"


def _words(asked_for: Mapping[str, str]) -> str:
    """What a query asked for, without the period, which stands above."""
    if "changes" in asked_for:
        return f"changes, reason {asked_for['changes'].replace(',', ' or ')}"
    said = ", ".join(f"{name} {plain(value)}" for name, value in asked_for.items() if name not in ("from", "to"))
    return said or "every entry"
