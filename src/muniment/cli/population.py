"""`muniment population`: count, show and save populations of a ledger."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import click
import httpx

from muniment.cli.export import ledger_client
from muniment.cli.verify import READ_KEY
from muniment.core.errors import Refused

_FILTERS: Final = {
    "control": "a control id, such as soc2:CC6.1",
    "from": "recorded at or after, such as 2026-03-01 (UTC) or 2026-03-01T00:00:00Z",
    "to": "recorded before",
    "action": "tool.call, or tool.* for all under it",
    "actor": "the actor's id",
    "agent": "the id of an actor whose type is agent",
    "workspace": "where it happened",
    "outcome": "success, failure, denied or unknown",
}
_SHOWN: Final = 50


def with_ledger(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say which ledger, and whether to print JSON."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="print JSON"),
        click.option(
            "--key",
            envvar=READ_KEY,
            metavar="API-KEY",
            help="a read key, or that of a service account (also MUNIMENT_READ_KEY)",
        ),
        click.option("--url", envvar="MUNIMENT_URL", metavar="URL", help="the ledger (also MUNIMENT_URL)"),
    ):
        command = option(command)
    return command


def client_of(url: str | None, key: str | None) -> Any:
    """A client of the ledger that was named.

    Raises:
        UsageError: if none was.
    """
    if not url or not key:
        raise click.UsageError("say which ledger: --url and --key, or MUNIMENT_URL and MUNIMENT_READ_KEY")
    return ledger_client(url, key)


def asked(client: httpx.Client, method: str, path: str, **how: Any) -> dict[str, Any]:
    """The JSON answer of an operation.

    Raises:
        Refused: with what the ledger says, if it does not give it.
    """
    answer = client.request(method, path, **how)
    if answer.status_code not in (200, 201):
        try:
            said = str(answer.json().get("detail") or "")
        except ValueError:
            said = ""
        raise Refused(said or f"the ledger answers {answer.status_code}", path)
    found: dict[str, Any] = answer.json()
    return found


def _with_filters(command: Callable[..., None]) -> Callable[..., None]:
    for name, help_ in reversed(_FILTERS.items()):
        command = click.option(f"--{name}", f"{name}_", metavar="VALUE", help=help_)(command)
    return click.option("--size", type=click.IntRange(1), help="of the checkpoint; the newest by default")(command)


@click.group("population")
def command() -> None:
    """All entries that have something in common, up to a checkpoint."""


@command.command("count")
@_with_filters
@with_ledger
def count(url: str | None, key: str | None, as_json: bool, size: int | None, **filters: str | None) -> None:
    """Count the entries that match, exactly, and say what was searched."""
    with client_of(url, key) as client:
        found = asked(client, "GET", "/api/populations/count", params=_parameters(filters, size))
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else "\n".join(_statement(found)))


@command.command("show")
@click.argument("population", required=False)
@click.option("--limit", type=click.IntRange(1, 1000), default=_SHOWN, show_default=True, help="entries to show")
@_with_filters
@with_ledger
def show(
    population: str | None,
    limit: int,
    url: str | None,
    key: str | None,
    as_json: bool,
    size: int | None,
    **filters: str | None,
) -> None:
    """Show the first entries of a population: a saved one by its id, or what the filters say.

    Without an id and filters, the saved populations are listed.
    """
    given = _parameters(filters, size)
    if population and given:
        raise click.UsageError("a saved population has its own filters: give an id or filters")
    with client_of(url, key) as client:
        if not population and not given:
            listed = asked(client, "GET", "/api/populations")
            click.echo(json.dumps(listed, ensure_ascii=False) if as_json else "\n".join(_list(listed)))
            return
        if population:
            about = asked(client, "GET", f"/api/populations/{population}")
            page = asked(client, "GET", f"/api/populations/{population}/entries", params={"limit": limit})
        else:
            about = asked(client, "GET", "/api/populations/count", params=given)
            given["size"] = str(about["searched"]["size"])
            page = asked(client, "GET", "/api/populations/entries", params={**given, "limit": limit})
    if as_json:
        click.echo(json.dumps({**about, "entries": page["entries"]}, ensure_ascii=False))
        return
    lines = [*_statement(about), ""]
    for entry in page["entries"]:
        event = entry["entry"]["event"]
        lines.append(
            f"{entry['seq']:>10,}  {entry['recorded_at']}  {event['action']:<20} {event['outcome']:<8} "
            f"{plain(event['actor']['id'])}{_why(entry)}"
        )
    if page["cursor"] is not None:
        lines.append(f"The first {len(page['entries']):,} of {about['count']:,} are shown.")
    click.echo("\n".join(lines))


@command.command("save")
@click.argument("name")
@click.option("--seed", metavar="HEX", help="64 hex digits; the server's randomness by default")
@_with_filters
@with_ledger
def save(
    name: str,
    seed: str | None,
    url: str | None,
    key: str | None,
    as_json: bool,
    size: int | None,
    **filters: str | None,
) -> None:
    """Freeze a population under NAME, with the seed of its samples; recorded."""
    order: dict[str, Any] = {"name": name, "question": _parameters(filters, None)}
    order |= {"size": size} if size else {}
    order |= {"seed": seed} if seed else {}
    with client_of(url, key) as client:
        found = asked(client, "POST", "/api/populations", json=order)
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else "\n".join(_statement(found)))


def _parameters(filters: Mapping[str, str | None], size: int | None) -> dict[str, str]:
    given = {name.removesuffix("_"): value for name, value in filters.items() if value}
    return given | ({"size": str(size)} if size else {})


def _statement(found: Mapping[str, Any]) -> Iterator[str]:
    searched, question = found["searched"], found["question"]
    if "id" in found:
        yield f"{found['id']}  {plain(found['name'])}"
    yield f"{found['count']:,} entries"
    asked_for = ", ".join(f"{name} {plain(value)}" for name, value in question.items())
    yield f"  asked for    {asked_for or 'every entry'}"
    yield f"  searched     {searched['log']}, places {searched['first']:,} to {searched['size'] - 1:,}"
    yield f"  checkpoint   size {searched['size']:,}, root {searched['root']}, stored {searched['sealed_at']}"
    yield f"  left out     {searched['left_out']:,} recorded and not covered by it"
    yield f"  mapping      {searched['mapping']}, as baked into the entries"
    ways, evidence = found.get("ways"), found.get("evidence")
    if ways and evidence:
        yield f"  by which way {ways['recorded']:,} hold it in the entry, {ways['annotated']:,} by annotation alone"
        if evidence["actions"]:
            yield f"  annotated    by {evidence['mapping']}, {evidence['notes']}: {', '.join(evidence['actions'])}"
    if "id" in found:
        yield f"  consists of  {found['digest']}"
        yield f"  seed         {found['seed']} ({'given' if found['seed_from'] == 'given' else 'of the server'})"
        yield f"  recorded     entry {found['entry']:,}"


def _why(entry: Mapping[str, Any]) -> str:
    marks = ", ".join(f"{one['control']} {one['mark']}" for one in entry.get("marks", ()))
    return f"  [{marks}]" if marks else ""


def _list(found: Mapping[str, Any]) -> Iterator[str]:
    for one in found["populations"]:
        yield f"{one['id']}  {one['count']:>11,}  {one['created_at'][:19]}Z  {plain(one['name'])}"
    if not found["populations"]:
        yield "No population is saved yet: muniment population save NAME --control …"


def plain(text: str) -> str:
    """A source's text without anything that a terminal obeys."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
