"""`muniment export`: take entries away as a bundle, verified at once, or in a format of another tool."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click
import httpx

from muniment.cli.exportfile import FILTERS, take
from muniment.cli.ledgerclient import ledger_client as ledger_client
from muniment.cli.refusals import raise_for as raise_for
from muniment.cli.verify import READ_KEY, gather_pins, painted
from muniment.core.errors import Malformed, Refused
from muniment.verifier.knownlogs import KnownLogs
from muniment.verifier.options import Options, verify_file
from muniment.verifier.pins import MalformedPin

MAX_NAMED: Final = 20_000
"""Entries that one bundle may name one by one."""

_PAGE: Final = 1000
_TRIES: Final = 30
_FILTERS: Final = (
    "control", "framework", "action", "actor", "agent", "tool", "workspace", "resource", "outcome", "label", "trace",
    "source",
)  # fmt: skip
_NOT_OF_BUNDLES: Final = ("framework", "agent")


def _filters(command: click.Command) -> click.Command:
    for name in reversed(_FILTERS):
        command.params.append(click.Option([f"--{name}"], metavar="VALUE", help=f"entries with this {name}"))
    return command


@click.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="where to write it")
@click.option("--force", is_flag=True, help="overwrite FILE")
@click.option(
    "--format",
    "form",
    type=click.Choice(["bundle", "json", "ndjson", "csv", "ocsf", "oscal"]),
    default="bundle",
    show_default=True,
    help="a bundle proves; the others are for other tools",
)
@click.option("--take", "export_id", metavar="EXPORT", help="the bytes of an export that was made before, exp_…")
@click.option("--resume", is_flag=True, help="go on with the half file that is beside FILE")
@click.option("--names", is_flag=True, help="other formats: persons' names beside their ids")
@click.option("--size", type=click.IntRange(1), help="other formats: of the checkpoint; the newest by default")
@click.option("--url", envvar="MUNIMENT_URL", metavar="URL", help="the ledger (also MUNIMENT_URL)")
@click.option("--key", envvar=READ_KEY, metavar="API-KEY", help="a read key (also MUNIMENT_READ_KEY)")
@click.option("--seq", "places", metavar="A-B", help="entries A to B, or one; everything if nothing is chosen")
@click.option("--id", "ids", multiple=True, metavar="SOURCE/EVENT", help="an event by its id; may stand often")
@click.option("--from", "since", metavar="TIME", help="recorded at or after, such as 2026-03-01T00:00:00Z")
@click.option("--to", "until", metavar="TIME", help="recorded before")
@click.option("--no-bodies", is_flag=True, help="leave the bodies out; their commitments stay")
@click.option("--every-checkpoint", is_flag=True, help="bring all checkpoints along, not only the newest")
@click.option("--pin", metavar="FILE", help="what you trust, as JSON (also MUNIMENT_PIN)")
@click.option("--root", metavar="VKEY", help="the installation's root key")
@click.option("--no-known-logs", is_flag=True, help="neither use nor update what this machine has proven before")
def command(
    output: Path | None,
    force: bool,
    form: str,
    export_id: str | None,
    resume: bool,
    names: bool,
    size: int | None,
    url: str | None,
    key: str | None,
    places: str | None,
    ids: tuple[str, ...],
    since: str | None,
    until: str | None,
    no_bodies: bool,
    every_checkpoint: bool,
    pin: str | None,
    root: str | None,
    no_known_logs: bool,
    **filters: str | None,
) -> None:
    """Take entries away: as a bundle that anyone can verify, verified at once, or in a format of another tool.

    Choose entries by what they say (--control soc2:CC6.1 --from ... --to ...); for a bundle also by place (--seq) or
    id (--id).

    Other formats (--format) end at a checkpoint, give the same bytes again, and end with the hash of all before. What
    was cut off goes on with --resume. docs/exports.md says what they hold, and how to check them.
    """
    if not url or not key:
        raise click.UsageError("say which ledger: --url and --key, or MUNIMENT_URL and MUNIMENT_READ_KEY")
    asked = {name: value for name, value in filters.items() if value}
    asked |= {name: value for name, value in (("from", since), ("to", until)) if value}
    if form != "bundle" or export_id or resume:
        if places or ids or every_checkpoint or no_bodies or set(asked) - set(FILTERS):
            raise click.UsageError(f"other formats than bundles are chosen by --{', --'.join(FILTERS)}")
        with ledger_client(url, key) as client:
            take(client, form, asked, output, size=size, names=names, export=export_id, resume=resume, force=force)
        return
    if names or size or set(asked) & set(_NOT_OF_BUNDLES):
        raise click.UsageError("--names, --size, --framework and --agent are for other formats than bundles: --format")
    if sum(map(bool, (places, ids, asked))) > 1:
        raise click.UsageError("choose entries in one way: --seq, --id, or what they say")
    try:
        pins = gather_pins(pin, root, None, None)
    except MalformedPin as error:
        raise click.UsageError(str(error)) from error
    known = None if no_known_logs else KnownLogs.of(os.environ)
    with ledger_client(url, key) as client:
        log = _log(client)
        order: dict[str, object] = {"bodies": not no_bodies, "every_checkpoint": every_checkpoint}
        order |= _chosen(client, places, ids, asked)
        met = known.get(log["origin"]) if known else None
        if met is not None and met.checkpoint.size <= int(log["size"]):
            order["since"] = met.checkpoint.size
        path = output or Path(f"{log['origin'].replace('/', '_')}.bundle")
        download(client, order, path, force=force)
    options = Options(pins=pins, known=known, now=time.time_ns() // 1000, expected_live=True)
    report = verify_file(path, options)
    click.echo(painted(report))
    sys.exit(report.exit_code)


_filters(command)


def _log(client: httpx.Client) -> dict[str, str]:
    """Origin and sealed size of the key's log."""
    answer = client.get("/api/log")
    raise_for(answer)
    value = answer.json()
    sealed = value.get("checkpoint") or {"size": 0}
    return {"origin": str(value["origin"]), "size": str(int(sealed["size"]))}


def _chosen(
    client: httpx.Client, places: str | None, ids: tuple[str, ...], asked: Mapping[str, str]
) -> dict[str, object]:
    if ids:
        return {"ids": list(ids)}
    if places:
        first, dash, last = places.partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise click.UsageError("--seq is A-B or one number")
        return {"from": int(first), "to": int(last if dash else first)}
    if asked:
        return {"seqs": _matching(client, asked)}
    return {}


def _matching(client: httpx.Client, asked: Mapping[str, str]) -> list[int]:
    seqs: list[int] = []
    cursor: str | None = None
    while True:
        page = {"order": "oldest", "limit": str(_PAGE), **asked} | ({"cursor": cursor} if cursor else {})
        answer = client.get("/api/entries", params=page)
        raise_for(answer)
        value = answer.json()
        seqs += [int(entry["seq"]) for entry in value["entries"]]
        if len(seqs) > MAX_NAMED:
            raise Refused(
                f"more than {MAX_NAMED:,} entries match: narrow it down, or take a range with --seq", "export"
            )
        cursor = value.get("cursor")
        if not cursor:
            break
    if not seqs:
        raise Refused("no entry matches: there is nothing to take away", "export")
    return seqs


def download(
    client: httpx.Client, order: Mapping[str, object], path: Path, *, force: bool, operation: str = "/api/bundles"
) -> Mapping[str, str]:
    """Write the bundle; while the ledger has not sealed what was asked for, wait for it.

    Args:
        client: of the ledger.
        order: what the bundle is to hold.
        path: the file.
        force: overwrite it.
        operation: that streams the bundle.

    Returns:
        The headers of the answer.

    Raises:
        Refused: if the ledger does not give it.
        Malformed: if the file is there already, or cannot be written.
    """
    for attempt in range(_TRIES):
        with client.stream("POST", operation, json=dict(order)) as answer:
            # 503: too many downloads at one time. 409: something asked for is recorded and not sealed yet.
            if answer.status_code in (409, 503) and attempt + 1 < _TRIES:
                wait = answer.headers.get("Retry-After", "1")
                time.sleep(min(float(wait), 10.0) if wait.isdecimal() else 1.0)
                continue
            if answer.status_code != 200:
                answer.read()
                raise_for(answer)
            try:
                with path.open("wb" if force else "xb") as file:
                    for piece in answer.iter_bytes():
                        file.write(piece)
            except FileExistsError as error:
                raise Malformed("exists already; name another file, or overwrite it with --force", str(path)) from error
            except OSError as error:
                raise Malformed(f"cannot be written: {error.strerror}", str(path)) from error
            return answer.headers
    raise AssertionError("the last attempt returns or raises")
