"""`muniment known-logs`: what this machine has proven of the logs it met."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import replace

import click

from muniment.cli.verify import READ_KEY, gather_pins, painted
from muniment.core.errors import Malformed
from muniment.core.times import format_time6
from muniment.verifier.knownlog import KnownLog
from muniment.verifier.knownlogs import KnownLogs
from muniment.verifier.options import Options
from muniment.verifier.target import check_target


@click.group()
def command() -> None:
    """The last checkpoint of every log that this machine has proven, as ssh keeps known hosts.

    A log that later contradicts it, because its history was rewritten or an older database was put back, is found out.
    """


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def list_(as_json: bool) -> None:
    """List the known logs."""
    known = KnownLogs.of(os.environ)
    logs = known.all()
    if as_json:
        click.echo(json.dumps([log.as_json() for log in logs], indent=2, ensure_ascii=False))
        return
    if not logs:
        click.echo(
            f"No log is known yet (in {known.directory}). `muniment verify` learns a log when it first meets it."
        )
    for log in logs:
        state = "retired" if log.retired else "root key known" if log.root else "first use, no root key"
        click.echo(f"{log.origin}  {log.checkpoint.size:,} entries  proven {_day(log.proven)}  {state}")
    for directory in known.evidence():
        click.secho(f"evidence of two histories: {directory}", fg="red")


@command.command()
@click.argument("origin")
def show(origin: str) -> None:
    """Show what is known of one log, as JSON, and its checkpoint note."""
    logs = [log for log in KnownLogs.of(os.environ).all() if log.origin == origin]
    if not logs:
        raise click.UsageError(f"no log {origin} is known; see `muniment known-logs list`")
    for log in logs:
        click.echo(json.dumps(log.as_json(), indent=2, ensure_ascii=False))
        click.echo(log.note.decode("utf-8", "replace"))


@command.command()
@click.argument("target")
@click.option("--pin", metavar="FILE", help="what you trust, as JSON (also MUNIMENT_PIN)")
@click.option("--root", metavar="VKEY", help="the installation's root key")
@click.option("--key", "key", metavar="API-KEY", envvar=READ_KEY, help="live log: a read key")
@click.option("--yes", is_flag=True, help="do not ask")
def accept(target: str, pin: str | None, root: str | None, key: str | None, yes: bool) -> None:
    """Learn the log in TARGET (a bundle or an address) in place of the one known under the same origin.

    This is a human's decision: it gives up the protection that the known checkpoint gave. Ask the operator why the
    log has another history, and compare the values below over another channel, first. Succession notes, with which
    the root key will say the same, are not supported yet.
    """
    try:
        pins = gather_pins(pin, root, None, None)
        known = KnownLogs.of(os.environ)
        now = time.time_ns() // 1000
        checker, report = check_target(target, Options(pins=pins, known=None, now=now, api_key=key))
        met = known.get(report.origin) if report.origin else None
        if met is not None:
            # Held against what is known too, so that a log that merely continues it is not accepted as another one.
            pins_with = replace(pins, known=met.checkpoint, known_fails=False)
            checker, report = check_target(target, Options(pins=pins_with, known=None, now=now, api_key=key))
    except Malformed as error:
        raise click.UsageError(str(error)) from error
    click.echo(painted(report, quiet=True))
    if set(report.failed) - {"pin"}:
        click.echo("  What does not verify is not accepted.")
        sys.exit(1)
    if met is not None:
        click.echo("  This machine knows another history of this log:")
        _echo("known", met)
    click.echo(f"  offered: {report.size:,} entries, entry 0 {report.genesis or '(not present)'}, root {report.root}")
    click.echo("")
    click.echo("  Accepting means: from now on this machine holds the log against what is offered here. If the old")
    click.echo(
        "  history was the true one, nobody will notice on this machine any more. Both notes are kept as evidence."
    )
    click.echo("")
    if not yes:
        click.confirm(
            "  Have you compared these values with the operator over another channel, and accept?", abort=True
        )
    accepted = known.accept(checker, report, now)
    _echo("accepted", accepted)


@command.command()
@click.argument("origin")
@click.option("--yes", is_flag=True, help="do not ask")
def forget(origin: str, yes: bool) -> None:
    """Forget a log; it is learnt anew, as on first use, when it is next verified."""
    known = KnownLogs.of(os.environ)
    if not any(log.origin == origin for log in known.all()):
        raise click.UsageError(f"no log {origin} is known; see `muniment known-logs list`")
    if not yes:
        click.confirm(f"Forget {origin}? A rewritten history of it would then go unnoticed here", abort=True)
    click.echo(f"Forgotten: {known.forget(origin)} of {origin}.")


def _echo(title: str, log: KnownLog) -> None:
    click.echo(
        f"  {title}: {log.checkpoint.size:,} entries, entry 0 {log.genesis.hex()}, root {log.checkpoint.root.hex()}"
    )


def _day(micros: int) -> str:
    return format_time6(micros)[:10]
