"""`muniment record`: record one event from a shell script, or a command's start and end."""

import logging
import os
import subprocess
import sys

import click
import orjson

from muniment.agent.cause import caused_by, current, current_trace, handover
from muniment.agent.draft import trace_pair
from muniment.agent.gate import NotAccepted, ask
from muniment.agent.spools.spool import Spool, Written
from muniment.agent.state import State
from muniment.core.errors import Malformed
from muniment.core.identifiers import OUTCOMES

_MAX_INPUT = 64 * 1024 * 1024


@click.command(
    context_settings={"allow_interspersed_args": True},
    epilog="Examples: muniment record x.deploy.finish --outcome success --label version=1.2 "
    '--payload \'{"host":"a"}\'; '
    "muniment record --exec -- ./backup.sh",
)
@click.argument("action", required=False)
@click.argument("arguments", nargs=-1, metavar="[-- COMMAND...]")
@click.option(
    "--agent", envvar="MUNIMENT_AGENT", default="shell", show_default=True, metavar="NAME", help="The source."
)
@click.option("--actor", metavar="ID", help="Who did it: user:…, service:… or an agent's name.  [default: the agent]")
@click.option("--outcome", type=click.Choice(sorted(OUTCOMES)), default="unknown", show_default=True)
@click.option("--tool", metavar="NAME")
@click.option("--resource", metavar="TYPE:ID", help="What it was done to.")
@click.option(
    "--cause",
    "causes",
    multiple=True,
    metavar="REFERENCE",
    help="An event that led to it; repeatable.  [default: MUNIMENT_CAUSE]",
)
@click.option("--label", "labels", multiple=True, metavar="KEY=VALUE", help="Repeatable.")
@click.option("--trace", metavar="TRACEPARENT", help="[default: TRACEPARENT]")
@click.option("--workspace", metavar="W", envvar="MUNIMENT_WORKSPACE")
@click.option("--payload", metavar="JSON|-", help="Arguments, result, reason: JSON, or - to read any bytes from stdin.")
@click.option("--exec", "execute", is_flag=True, help="Run COMMAND and record process.start and process.exit.")
@click.option("--gate", is_flag=True, help="Do not return, and do not run COMMAND, before the ledger has accepted it.")
@click.option("--timeout", type=float, metavar="SECONDS", help="How long to wait for the ledger with --gate.")
def command(
    action: str | None,
    arguments: tuple[str, ...],
    agent: str,
    actor: str | None,
    outcome: str,
    tool: str | None,
    resource: str | None,
    causes: tuple[str, ...],
    labels: tuple[str, ...],
    trace: str | None,
    workspace: str | None,
    payload: str | None,
    execute: bool,
    gate: bool,
    timeout: float | None,
) -> None:
    """Record one event and print its reference. It is on disk when the command returns; `muniment ship` sends it.

    With --gate it waits until the ledger has accepted it, which needs a running `muniment ship --follow`; if that
    fails, whatever the reason, it ends with status 1 and COMMAND does not run. COMMAND finds the event in
    MUNIMENT_CAUSE, and its trace in TRACEPARENT.
    """
    logging.basicConfig(format="muniment: %(message)s", stream=sys.stderr, level=logging.WARNING)
    kind, separator, name = (resource or "").partition(":")
    if resource is not None and not separator:
        raise Malformed("must be TYPE:ID, such as host:db-1", "--resource")
    body, media = _payload(payload)
    around = current()
    causes = causes or ((around,) if around is not None else ())
    place = current_trace() if trace is None else trace_pair(trace)
    if execute:
        # What the command records itself is to be found in one trace with it.
        place = (place[0] if place is not None else os.urandom(16).hex(), os.urandom(8).hex())
    with Spool(agent, state=State.find(), durable=True) as spool:

        def record(
            action: str, outcome: str, body: bytes | None, causes: tuple[str, ...], own: tuple[str, ...] = ()
        ) -> Written:
            return spool.write(
                action=action,
                actor=actor,
                payload=body,
                media_type=media if body is not None else None,
                outcome=outcome,
                tool=tool,
                resource=(kind, name) if resource is not None else None,
                causes=causes,
                labels=(*labels, *own),
                trace=place,
                workspace=workspace,
            )

        if not execute:
            if action is None or arguments:
                raise click.UsageError("give exactly one ACTION, such as x.deploy.finish, or --exec -- COMMAND")
            written = record(action, outcome, body, causes)
            if gate:
                ask(spool, written, timeout)
            click.echo(written.reference)
            return
        words = [*([action] if action is not None else []), *arguments]
        if not words:
            raise click.UsageError("--exec needs a command: muniment record --exec -- COMMAND")
        program = f"process.program={words[0]}"
        start = record("process.start", "unknown", body, causes, (program,))
        if gate:
            try:
                ask(spool, start, timeout)
            except NotAccepted as error:
                record("process.exit", "denied", None, (start.reference,), (program, f"gate.reason={error.kind}"))
                raise
        with caused_by(start.reference, place):
            status = _run(words, {**os.environ, **handover()})
        ending = "success" if status == 0 else "failure"
        end = record("process.exit", ending, None, (start.reference,), (program, f"process.status={status}"))
        click.echo(end.reference, err=True)
    sys.exit(status)


def _payload(given: str | None) -> tuple[bytes | None, str | None]:
    if given is None:
        return None, None
    if given == "-":
        data = sys.stdin.buffer.read(_MAX_INPUT + 1)
        if len(data) > _MAX_INPUT:
            raise Malformed(f"larger than {_MAX_INPUT} bytes; record its hash instead", "--payload")
    else:
        data = os.fsencode(given)
    try:
        orjson.loads(data)
    except ValueError as error:
        if given == "-":
            return data, "application/octet-stream"
        raise Malformed(f"is not JSON ({error}); use - to read any bytes from stdin", "--payload") from error
    return data, "application/json"


def _run(words: list[str], environ: dict[str, str]) -> int:
    try:
        status = subprocess.run(words, check=False, env=environ).returncode
    except OSError as error:
        click.echo(f"muniment: {words[0]}: {error.strerror}", err=True)
        return 127 if isinstance(error, FileNotFoundError) else 126
    return status if status >= 0 else 128 - status
