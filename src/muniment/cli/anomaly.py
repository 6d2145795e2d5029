"""`muniment anomaly`: alerts of what is unusual in a log: list, show, replay an export offline, rehearse."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, BinaryIO, Final

import click

from muniment.anomalies.finding import Finding
from muniment.anomalies.happening import read_lines
from muniment.anomalies.rehearsal.judging import judge_all, table, watch_over
from muniment.anomalies.watched import DETECTORS, SENSITIVITIES, Detector, Sensitivity, Watched
from muniment.cli.population import asked, client_of, plain, with_ledger
from muniment.core.errors import Malformed

_MOST_SEEDS: Final = 20


@click.group("anomaly")
def command() -> None:
    """Alerts of what is unusual in a log. They are acknowledged by a person, in the browser."""


@command.command("list")
@click.option("--state", type=click.Choice(("open", "acknowledged", "all")), default="open", show_default=True)
@click.option("--detector", type=click.Choice(tuple(DETECTORS)), help="only what this one found")
@click.option("--about", default="", metavar="ID", help="only those about user:usr_…")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True)
@click.option("--cursor", metavar="CURSOR", help="of the page before, as it was printed")
@with_ledger
def listed(url: str | None, key: str | None, as_json: bool, **filters: str | int | None) -> None:
    """List alerts, newest first."""
    given = {name: value for name, value in filters.items() if value}
    with client_of(url, key) as client:
        found = asked(client, "GET", "/api/alerts", params=given)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    for one in found["alerts"]:
        mark = one["acknowledged"]["verdict"] if one["acknowledged"] else "open"
        click.echo(f"{one['id']}  {one['until'][:19]}Z  {one['detector']:<14} {mark:<8} {plain(one['sentence'])}")
    if not found["alerts"]:
        click.echo("No alert is open." if filters["state"] == "open" else "No alert is like that.")
    if found["next"]:
        click.echo(f"more: --cursor '{found['next']}'")


@command.command("show")
@click.argument("alert")
@with_ledger
def show(alert: str, url: str | None, key: str | None, as_json: bool) -> None:
    """Show why an alert was raised. Says on which entries it rests, and who looked at it."""
    with client_of(url, key) as client:
        found = asked(client, "GET", f"/api/alerts/{alert}")
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else "\n".join(_lines(found)))


@command.command("replay")
@click.argument("file", type=click.File("rb"))
@click.option("--zone", default="UTC", show_default=True, help="in which hours are counted, such as Europe/Warsaw")
@click.option("--sensitivity", "keen", type=click.Choice(SENSITIVITIES[1:]), default="normal", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="print a line of JSON for each finding")
def replay(file: BinaryIO, zone: str, keen: Sensitivity, as_json: bool) -> None:
    """Say what would have been an alert in FILE, offline.

    FILE is an export as NDJSON (`muniment export --format ndjson`) or entries one a line, in the log's order; - is
    standard input. Nothing is sent anywhere, and nothing is kept.
    """
    watched = _watched(zone, keen)
    events, number = 0, 0

    def count(lines: Any) -> Any:
        nonlocal events
        for one in read_lines(lines):
            events += 1
            yield one

    for found in watch_over(count(file), watched):
        number += 1
        click.echo(json.dumps(_json(found), ensure_ascii=False) if as_json else _line(found))
    if not as_json:
        click.echo(f"{events:,} entries, {number:,} {'alert' if number == 1 else 'alerts'}")


@command.command("rehearse")
@click.option("--seed", "seeds", type=int, multiple=True, help="may be given again; 1 and 2 by default")
@click.option("--sensitivity", "keen", type=click.Choice(SENSITIVITIES[1:]), default="normal", show_default=True)
def rehearse(seeds: tuple[int, ...], keen: Sensitivity) -> None:
    """Watch ninety made-up days of several companies. An incident of each kind is put in.

    Prints what was found. This is the table of docs/anomalies.md. It takes some seconds for each seed.
    """
    if len(seeds) > _MOST_SEEDS:
        raise Malformed(f"at most {_MOST_SEEDS} are taken", "seed")
    click.echo("\n".join(table(judge_all(seeds or (1, 2), keen))))


def _watched(zone: str, keen: Sensitivity) -> Watched:
    every: list[Detector] = list(DETECTORS)
    return Watched(zone, dict.fromkeys(every, keen))


def _line(found: Finding) -> str:
    last = found.entries[-1][0] if found.entries else 0
    return f"entry {last:<8,} {found.until:%Y-%m-%d %H:%M:%S}Z  {found.detector:<14} {plain(found.sentence)}"


def _json(found: Finding) -> dict[str, Any]:
    said = asdict(found)
    return said | {"since": found.since.isoformat(), "until": found.until.isoformat()}


def _lines(found: Mapping[str, Any]) -> list[str]:
    known = found["acknowledged"]
    lines = [
        f"{found['id']}  {found['detector']}  {found['pattern']}",
        f"  {plain(found['sentence'])}",
        f"  about        {', '.join(found['about']) or 'nobody in particular'}",
        f"  window       {found['since'][:19]}Z to {found['until'][:19]}Z, hours of {found['zone']}",
        f"  measured by  {'the past of this log' if found['learned'] else 'a fixed bound'}, {found['sensitivity']}",
        f"  entries      {', '.join(str(one['entry']) for one in found['entries'])}",
        f"  recorded     entry {found['entry']:,}",
    ]
    if known is None:
        return [*lines, "  open: nobody acknowledged it yet"]
    said = f"  acknowledged entry {known['entry']:,}, {known['at'][:19]}Z, by {known['by']}: {known['verdict']}"
    return [*lines, said, *(f"               {plain(line)}" for line in known["comment"].splitlines())]
