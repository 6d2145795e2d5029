"""`muniment sample`: draw samples, walk through them with their proofs, mark entries, take them out."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from muniment.cli.export import download
from muniment.cli.population import asked, client_of, plain, with_ledger
from muniment.cli.verify import gather_pins, painted
from muniment.core.canonical import dump_json
from muniment.core.entry import entry_hash
from muniment.core.errors import MunimentError
from muniment.core.merkle import verify_inclusion
from muniment.verifier.knownlogs import KnownLogs
from muniment.verifier.options import Options, verify_file
from muniment.verifier.pins import MalformedPin

_METHODS = click.Choice(["random", "systematic", "stratified", "attribute", "failures"])
_STRATA = click.Choice(["actor", "action", "outcome", "workspace", "day"])
_UNSOUND = click.Choice(["failure", "denied", "unknown"])
_TICKS = click.Choice(["agreed", "traced", "recomputed", "inspected", "inquired"])
_VERDICTS = click.Choice(["satisfied", "exception", "not-applicable"])
_RESULTS = click.Choice(["effective", "exceptions", "not-concluded"])
_PAGE = 100


@click.group("sample")
def command() -> None:
    """Entries drawn from a saved population for review."""


@command.command("draw")
@click.argument("population")
@click.option("--method", type=_METHODS, default="random", show_default=True, help="how to draw")
@click.option("--count", type=click.IntRange(1), help="entries to draw: random, systematic, stratified")
@click.option("--by", "stratum", type=_STRATA, help="stratified: by what")
@click.option("--outcome", "outcomes", type=_UNSOUND, multiple=True, help="failures: which; failure by default")
@click.option("--confidence", type=click.FloatRange(50, 99.9), help="attribute: percent")
@click.option("--tolerable", type=click.FloatRange(0.01, 50), help="attribute: percent that may deviate at most")
@click.option("--expected", type=click.FloatRange(0, 50), default=0.0, help="attribute: percent expected to deviate")
@click.option("--seed", metavar="HEX", help="64 hex digits instead of the population's seed")
@click.option("--fresh", is_flag=True, help="a new seed of the server's instead of the population's")
@with_ledger
def draw(
    population: str,
    method: str,
    count: int | None,
    stratum: str | None,
    outcomes: tuple[str, ...],
    confidence: float | None,
    tolerable: float | None,
    expected: float,
    seed: str | None,
    fresh: bool,
    url: str | None,
    key: str | None,
    as_json: bool,
) -> None:
    """Draw a sample from the saved POPULATION; recorded, and so is a draw that is refused."""
    rates = {"confidence": confidence, "tolerable": tolerable}
    if method == "attribute":
        rates["expected"] = expected
    order: dict[str, Any] = {
        "method": method,
        "count": count,
        "stratum": stratum,
        "outcomes": list(outcomes) or None,
        "seed": seed,
        **{name: None if rate is None else round(rate * 100) for name, rate in rates.items()},
    }
    given = {name: value for name, value in order.items() if value is not None} | ({"fresh": True} if fresh else {})
    with client_of(url, key) as client:
        found = asked(client, "POST", f"/api/populations/{population}/samples", json=given)
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else "\n".join(_told(found)))


@command.command("walk")
@click.argument("sample")
@with_ledger
def walk(sample: str, url: str | None, key: str | None, as_json: bool) -> None:
    """Show each entry of SAMPLE with its proof, computed again here from the entry's text, and its newest mark."""
    items: list[dict[str, Any]] = []
    with client_of(url, key) as client:
        about = asked(client, "GET", f"/api/samples/{sample}")
        after = -1
        while True:
            page = asked(client, "GET", f"/api/samples/{sample}/items", params={"after": after, "limit": _PAGE})
            items += page["items"]
            if page["after"] is None:
                break
            after = int(page["after"])
    checkpoint = page["checkpoint"]
    for item in items:
        item["fault"] = item["fault"] or _fault(item, checkpoint)
        item["holds"] = not item["fault"]
    if as_json:
        click.echo(json.dumps({**about, "checkpoint": checkpoint, "items": items}, ensure_ascii=False))
    else:
        click.echo("\n".join([*_told(about), "", *_walked(items, checkpoint)]))
    sys.exit(0 if checkpoint["holds"] and all(item["holds"] for item in items) else 1)


@command.command("mark")
@click.argument("sample")
@click.argument("seq", type=click.IntRange(0))
@click.option("--tick", "ticks", type=_TICKS, multiple=True, help="what was done; may stand often")
@click.option("--comment", default="", help="in words")
@click.option("--exception", is_flag=True, help="an exception is noted; needs a comment")
@click.option("--conclusion", type=_VERDICTS, help="on this entry")
@with_ledger
def mark(
    sample: str,
    seq: int,
    ticks: tuple[str, ...],
    comment: str,
    exception: bool,
    conclusion: str | None,
    url: str | None,
    key: str | None,
    as_json: bool,
) -> None:
    """Mark the entry at SEQ of SAMPLE; recorded, and earlier marks stay.

    The key must be one of a service account with the capability sample.mark: a plain read key marks nothing.
    """
    order = {"ticks": list(ticks), "comment": comment, "exception": exception, "conclusion": conclusion or ""}
    with client_of(url, key) as client:
        found = asked(client, "POST", f"/api/samples/{sample}/items/{seq}/marks", json=order)
    said = f"Mark {found['number']} of entry {seq:,} is entry {found['entry']:,}."
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else said)


@command.command("conclude")
@click.argument("sample")
@click.argument("result", type=_RESULTS)
@click.option("--comment", required=True, help="what it rests on")
@with_ledger
def conclude(sample: str, result: str, comment: str, url: str | None, key: str | None, as_json: bool) -> None:
    """Conclude on SAMPLE as a whole; recorded."""
    with client_of(url, key) as client:
        order = {"result": result, "comment": comment}
        found = asked(client, "POST", f"/api/samples/{sample}/conclusion", json=order)
    said = f"The conclusion is entry {found['entry']:,}."
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else said)


@command.command("export")
@click.argument("sample")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="where to write the bundle")
@click.option("--force", is_flag=True, help="overwrite FILE")
@click.option(
    "--marks", is_flag=True, help="the entries of population, draw and marks too, up to the newest checkpoint"
)
@click.option("--no-bodies", is_flag=True, help="leave the bodies out; their commitments stay")
@click.option("--pin", metavar="FILE", help="what you trust, as JSON (also MUNIMENT_PIN)")
@click.option("--root", metavar="VKEY", help="the installation's root key")
@click.option("--no-known-logs", is_flag=True, help="neither use nor update what this machine has proven before")
@with_ledger
def export(
    sample: str,
    output: Path | None,
    force: bool,
    marks: bool,
    no_bodies: bool,
    pin: str | None,
    root: str | None,
    no_known_logs: bool,
    url: str | None,
    key: str | None,
    as_json: bool,
) -> None:
    """Take SAMPLE away as one bundle that anyone can verify, and verify it at once."""
    try:
        pins = gather_pins(pin, root, None, None)
    except MalformedPin as error:
        raise click.UsageError(str(error)) from error
    path = output or Path(f"{sample}.bundle")
    order: dict[str, object] = {"marks": marks, **({"bodies": False} if no_bodies else {})}
    with client_of(url, key) as client:
        download(client, order, path, force=force, operation=f"/api/samples/{sample}/bundle")
    known = None if no_known_logs else KnownLogs.of(os.environ)
    report = verify_file(path, Options(pins=pins, known=known, now=time.time_ns() // 1000))
    click.echo(json.dumps({"file": str(path), "verdict": report.verdict}) if as_json else painted(report))
    sys.exit(report.exit_code)


def _fault(item: Mapping[str, Any], checkpoint: Mapping[str, Any]) -> str:
    """What does not hold of an entry when its proof is computed here; "" if nothing does not."""
    try:
        # What was hashed is the entry's canonical text, and that is what its RFC 8785 form is.
        hashed = entry_hash(dump_json(item["entry"]))
        proof = [bytes.fromhex(one) for one in item["proof"]]
        verify_inclusion(item["seq"], checkpoint["size"], hashed, proof, bytes.fromhex(checkpoint["root"]))
    except (MunimentError, ValueError) as error:
        return str(error)
    return ""


def _told(found: Mapping[str, Any]) -> Iterator[str]:
    plan = ", ".join(f"{name} {value}" for name, value in found["plan"].items())
    origins = {"population": "the population's", "server": "made for this draw", "given": "given"}
    yield f"{found['id']}  sample {found['number']} of {found['population']}"
    yield f"{found['count']:,} entries: {plan}"
    yield f"  seed      {found['seed']} ({origins[found['seed_from']]})"
    if found["parts"]:
        parts = ", ".join(f"{plain(name) or 'none'} {count:,}" for name, count in found["parts"].items())
        yield f"  parts     {parts}"
    tally = found["tally"]
    yield f"  review    {tally['marked']:,} of {tally['items']:,} marked, {tally['exceptions']:,} exceptions noted"
    yield f"  recorded  entry {found['entry']:,}"


def _walked(items: list[dict[str, Any]], checkpoint: Mapping[str, Any]) -> Iterator[str]:
    yield f"Checkpoint of size {checkpoint['size']:,}: {checkpoint['fault'] or 'signed by the log'}"
    for item in items:
        event = {} if item["entry"] is None else item["entry"]["event"]
        mark = item["mark"] or {}
        said = ", ".join([*mark.get("ticks", ()), *(["EXCEPTION"] if mark.get("exception") else [])])
        state = "proven" if item["holds"] else f"FAILS: {item['fault']}"
        yield f"{item['seq']:>10,}  {state:<8} {plain(event.get('action', '')):<20} {said or '-'}"
    proven = sum(item["holds"] for item in items)
    yield f"{proven:,} of {len(items):,} entries lead to the checkpoint's root."
    if proven < len(items):
        yield "Take it out with `muniment sample export` and verify it with a root key that you keep."
