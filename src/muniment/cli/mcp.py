"""`muniment mcp`: record what an MCP client and a stdio MCP server say, and refuse what a policy denies."""

import errno
import logging
import os
import sys
from pathlib import Path

import click

from muniment.agent.mcp.observer import McpRecorder
from muniment.agent.mcp.policy import Policy
from muniment.agent.mcp.stdio import record_session, server_name
from muniment.agent.shipping.background import ship_beside
from muniment.agent.spools.spool import Spool
from muniment.agent.state import State
from muniment.core.identifiers import WORKSPACES


@click.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    epilog="Example: muniment mcp --agent research-01 -- mcp-server-git --repository .",
)
@click.option("--agent", metavar="NAME", envvar="MUNIMENT_AGENT", help="Who calls the tools.  [default: mcp:<server>]")
@click.option("--workspace", metavar="W", envvar="MUNIMENT_WORKSPACE", help="Written into every event.")
@click.option("--server", metavar="NAME", help="The server's name.  [default: from the command]")
@click.option("--durable", is_flag=True, help="Wait for the disk; a call that cannot be recorded is not forwarded.")
@click.option(
    "--policy",
    metavar="FILE",
    envvar="MUNIMENT_POLICY",
    type=click.Path(path_type=Path),
    help="Rules that deny requests, or ask the ledger first (TOML).",
)
@click.option("--trace", is_flag=True, help="Put a traceparent into tool calls that have none; changes their bytes.")
@click.option("--no-ship", is_flag=True, help="Only write the spool; `muniment ship` sends it later.")
@click.argument("arguments", nargs=-1, required=True, metavar="-- COMMAND [ARGUMENT]...")
def command(
    agent: str | None,
    workspace: str | None,
    server: str | None,
    durable: bool,
    policy: Path | None,
    trace: bool,
    no_ship: bool,
    arguments: tuple[str, ...],
) -> None:
    """Stand between an MCP client and a stdio MCP server, and record what they ask and answer.

    Bytes pass unchanged. Each request and each result is written to the spool before it is forwarded. With MUNIMENT_URL
    and MUNIMENT_KEY set, a separate process ships the spool while the session lasts; without them, or when the ledger
    is down, the spool keeps everything. With --policy, a request that a rule denies, or that the ledger does not
    accept, is answered with an error and not forwarded. Exits with the server's own status.
    """
    logging.basicConfig(format="muniment: %(message)s", stream=sys.stderr, level=logging.WARNING)
    if workspace is not None:
        WORKSPACES.check(workspace, "--workspace")
    rules = None if policy is None else Policy.read(policy)
    name = server_name(arguments) if server is None else server
    state = State.find()
    spool = Spool(agent or f"mcp:{name}", state=state, durable=durable)
    shipper = None if no_ship else ship_beside(state, spool.source, os.environ)
    try:
        recorder = McpRecorder(spool, name, workspace, durable=durable, policy=rules, trace=trace)
        status = record_session(arguments, recorder, os.environ)
    except OSError as error:
        click.echo(f"muniment: {arguments[0]}: {error.strerror or error}", err=True)
        status = 127 if error.errno == errno.ENOENT else 126
    spool.close()
    if shipper is not None:
        shipper.finish()
    sys.stderr.flush()
    # Not sys.exit: a thread may still wait for our client's next line.
    os._exit(status)
