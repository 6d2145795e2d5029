"""`muniment packet`: build the archive for an audit, take it out, verify it, and what its verifiers must hash to."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import click
import httpx

from muniment.cli import packet_desk
from muniment.cli.export import raise_for
from muniment.cli.population import asked, client_of, plain, with_ledger
from muniment.cli.verify import gather_pins, painted
from muniment.core.errors import Malformed, Refused
from muniment.packet.checking import verify_packet
from muniment.packet.shipped import verifiers as shipped_verifiers
from muniment.verifier.anchors import load_trust
from muniment.verifier.knownlogs import KnownLogs
from muniment.verifier.options import Options
from muniment.verifier.pins import MalformedPin

_TRIES: Final = 120


@click.group("packet")
def command() -> None:
    """Evidence packets: one archive for an audit, which needs nothing but a browser to be read and checked."""


@command.command("build")
@click.argument("scope")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="where to write the archive")
@click.option("--force", is_flag=True, help="overwrite FILE")
@click.option("--size", type=click.IntRange(1), help="as of the checkpoint of this size; the newest by default")
@click.option("--since", type=click.IntRange(1), help="size of a checkpoint that the auditor holds")
@click.option("--bodies", is_flag=True, help="the payloads of the sampled entries come along")
@click.option("--pin", metavar="FILE", help="what you trust, as JSON (also MUNIMENT_PIN)")
@click.option("--root", metavar="VKEY", help="the installation's root key")
@with_ledger
def build(
    scope: str,
    output: Path | None,
    force: bool,
    size: int | None,
    since: int | None,
    bodies: bool,
    pin: str | None,
    root: str | None,
    url: str | None,
    key: str | None,
    as_json: bool,
) -> None:
    """Build the packet of the saved SCOPE, take its archive out, and verify it at once; recorded.

    The key must be one of a service account with the capability packet.deliver. Handing a packet to somebody outside
    goes by `muniment packet request`, an approval and `muniment packet deliver`.
    """
    if output is not None and output.exists() and not force:
        raise Malformed("exists already; name another file, or overwrite it with --force", str(output))
    order: dict[str, Any] = {"scope": scope, "size": size, "since": since, "bodies": bodies or None}
    with client_of(url, key) as client:
        given = {name: value for name, value in order.items() if value is not None}
        found = asked(client, "POST", "/api/packets", json=given)
        path = output or Path(f"{found['id']}.zip")
        _take(client, found["id"], path, force=force)
        found = asked(client, "GET", f"/api/packets/{found['id']}")
    if not as_json:
        click.echo("\n".join(_told(found)))
    _verified(path, pin, root, (), as_json=as_json, known_logs=True)


@command.command("show")
@click.argument("packet", required=False)
@with_ledger
def show(packet: str | None, url: str | None, key: str | None, as_json: bool) -> None:
    """Show what was recorded of PACKET; without it, list the packets that were built."""
    with client_of(url, key) as client:
        found = asked(client, "GET", f"/api/packets/{packet}" if packet else "/api/packets")
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    elif packet:
        click.echo("\n".join(_told(found)))
    else:
        lines = [f"{one['id']}  {one['created_at'][:19]}Z  {plain(one['name'])}" for one in found["packets"]]
        click.echo("\n".join(lines or ["No packet was built yet: muniment packet build SCOPE"]))


@command.command("verify")
@click.argument("packet", type=click.Path(exists=True, path_type=Path))
@click.option("--pin", metavar="FILE", help="what you trust, as JSON (also MUNIMENT_PIN)")
@click.option("--root", metavar="VKEY", help="the installation's root key")
@click.option(
    "--timestamp-root",
    "timestamp_roots",
    metavar="PEM-FILE",
    multiple=True,
    type=click.Path(path_type=Path),
    help="certificates of timestamp authorities that you trust (repeatable)",
)
@click.option("--no-known-logs", is_flag=True, help="neither use nor update what this machine has proven before")
@click.option("--json", "as_json", is_flag=True, help="print the report as JSON")
def verify(
    packet: Path,
    pin: str | None,
    root: str | None,
    timestamp_roots: tuple[Path, ...],
    no_known_logs: bool,
    as_json: bool,
) -> None:
    """Verify PACKET, the archive or the folder into which it was unpacked, as `muniment verify` does. Needs no network.

    Exit code 0: verified. 1: failed; each file that is not as it should be is named. 2: unreadable, or wrong usage.
    """
    _verified(packet, pin, root, timestamp_roots, as_json=as_json, known_logs=not no_known_logs)


@command.command("verifiers")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def verifiers(as_json: bool) -> None:
    """Print the SHA-256 of the verifiers that this installation puts into packets.

    A packet of the same version holds the same two files. Others were changed, or are of another version.
    """
    found = {name: hashlib.sha256(content).hexdigest() for name, content in shipped_verifiers().items()}
    click.echo(json.dumps(found) if as_json else "\n".join(f"{digest}  {name}" for name, digest in found.items()))


for _command in packet_desk.COMMANDS:
    command.add_command(_command)


def _take(client: httpx.Client, packet: str, path: Path, *, force: bool) -> None:
    """Write the archive to a file; while its entry is not sealed, wait.

    Raises:
        Refused: if the ledger does not give it.
        Malformed: if the file is there already, or cannot be written.
    """
    for attempt in range(_TRIES):
        with client.stream("POST", f"/api/packets/{packet}/archive", json={}) as answer:
            if answer.status_code in (409, 503) and attempt + 1 < _TRIES:
                time.sleep(0.5)
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
            return
    raise Refused("its entry was not sealed in time; ask for it again", packet)


def _verified(
    path: Path, pin: str | None, root: str | None, timestamp_roots: tuple[Path, ...], *, as_json: bool, known_logs: bool
) -> None:
    now = time.time_ns() // 1000
    try:
        pins = replace(gather_pins(pin, root, None, None), timestamps=load_trust(timestamp_roots, now))
    except MalformedPin as error:
        raise click.UsageError(str(error)) from error
    known = KnownLogs.of(os.environ) if known_logs else None
    report = verify_packet(path, Options(pins=pins, known=known, now=now))
    click.echo(json.dumps(report.as_json(), indent=2) if as_json else painted(report))
    sys.exit(report.exit_code)


def _told(found: Mapping[str, Any]) -> Iterator[str]:
    yield f"{found['id']}  {plain(found['name'])}"
    yield f"  scope     {found['scope']}"
    yield f"  as of     {found['log']}, the first {found['size']:,} entries, root {found['root']}"
    yield f"  sampled   {found['sampled']:,} entries"
    yield f"  manifest  {found['manifest']}, {found['files']:,} files"
    yield f"  recorded  entry {found['entry']:,} by {found['created_by']}, built by {found['software']}"
    made = found["archive"]
    said = f"{made['sha256']}, {made['bytes']:,} bytes" if made else "not taken out yet"
    yield f"  archive   {said}"
