"""`muniment matrix`: the controls matrix."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from muniment.cli.control import table_of, write
from muniment.cli.population import asked, client_of, plain, with_ledger


@click.command("matrix")
@click.option("--from", "from_", metavar="DAY", help="the first day (UTC); a year before --to by default")
@click.option("--to", "to_", metavar="DAY", help="the day after the last one; tomorrow by default")
@click.option("--status", type=click.Choice(("draft", "in-force", "retired", "all")), help="of the controls")
@click.option("--framework", metavar="CATALOG", help="only with criteria of this catalog")
@click.option("--owner", metavar="ID", help="only those of user:usr_…; none: of nobody")
@click.option("--state", metavar="STATE", help="such as evidenced, overdue, exceptions, not-examined")
@click.option("--sort", metavar="COLUMN", help="such as control, count, -last")
@click.option("--size", metavar="N", help="count anew up to the checkpoint of this size")
@click.option("--csv", "as_csv", is_flag=True, help="print CSV")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="a file, for --csv")
@with_ledger
def command(
    url: str | None, key: str | None, as_json: bool, as_csv: bool, output: Path | None, **filters: str | None
) -> None:
    """Show each control with its population, last evidence, newest sample and exceptions noted."""
    if as_json and as_csv:
        raise click.UsageError("give either --json or --csv")
    given = {name.removesuffix("_"): value for name, value in filters.items() if value}
    with client_of(url, key) as client:
        if as_csv:
            write(table_of(client, "/api/matrix.csv", given), output)
            return
        found = asked(client, "GET", "/api/matrix", params=given)
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else "\n".join(_shown(found)))


def _shown(found: Mapping[str, Any]) -> Iterator[str]:
    searched, period = found["searched"], found["period"]
    yield f"{'control':<20} {'entries':>11}  {'last evidence':<18} {'sample':<14} {'exceptions':<16} statement"
    for row in found["rows"]:
        last = "never" if row["last"] is None else row["last"]["recorded_at"][:10]
        sample = row["sample"]
        marked = "none" if sample is None else f"{sample['marked']:,}/{sample['items']:,} marked"
        seen = row["examination"]
        noted = "not examined" if seen["exceptions"] is None else f"{seen['exceptions']:,} noted"
        yield (
            f"{row['control']:<20} {row['count']:>11,}  {last + (' overdue' if row['overdue'] else ''):<18} "
            f"{marked:<14} {noted:<16} {plain(row['statement'].partition(chr(10))[0])[:60]}"
        )
    yield ""
    yield f"{found['counters']['statement']} (of the controls above: {found['status']})"
    others = ", ".join(f"{number:,} {name}" for name, number in found["others"].items() if number)
    if others:
        yield f"  not counted  {others}"
    yield f"  period       {period['from']} to before {period['to']}, UTC"
    yield f"  searched     {searched['log']}, places 0 to {searched['counted'] - 1:,}"
    yield f"  checkpoint   size {searched['size']:,}, root {searched['root']}"
    yield f"  left out     {searched['left_out']:,} recorded and not covered by it"
    if searched["counted"] < searched["size"]:
        yield f"  not yet      {searched['size'] - searched['counted']:,} under the checkpoint; ask again"
    yield f"  mapping      {found['mapping']['version']}"
