"""One recorded MCP session: the server as a child process, its calls as events, the shipper beside it."""

import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Final

from muniment.agent.spool import Spool
from muniment.agent.tee import run_between
from muniment.agent.toolcalls import ToolCalls
from muniment.core.errors import MunimentError

_LOG = logging.getLogger("muniment.agent")
_LAUNCHERS: Final = re.compile(r"python[0-9.]*|node|npx|uvx|bunx|deno|bun|env|sh|bash").fullmatch
_KEPT_FROM_THE_SERVER: Final = ("MUNIMENT_KEY",)


def server_name(command: Sequence[str]) -> str:
    """A name for an MCP server from the command that starts it.

    >>> server_name(["/usr/bin/python3.11", "-m", "mcp_server_git", "--repository", "."])
    'mcp_server_git'
    >>> server_name(["./mcp-server-git"])
    'mcp-server-git'
    """
    program = PurePath(command[0]).name
    if _LAUNCHERS(program):
        for argument in command[1:]:
            if not argument.startswith("-"):
                return PurePath(argument).name or program
    return program or "server"


def record_session(
    command: Sequence[str],
    spool: Spool,
    environ: Mapping[str, str],
    *,
    server: str | None = None,
    workspace: str | None = None,
    durable: bool = False,
) -> int:
    """Run an MCP server between our stdin and stdout, and record every tool call into the spool.

    The command's arguments are not recorded: they often hold credentials. The API key is not handed to the command.

    Returns:
        The command's exit status; 128 + n if signal n ended it.

    Raises:
        OSError: if the command cannot be started; that is recorded, too.
    """
    name = server_name(command) if server is None else server
    calls = ToolCalls(spool, name, workspace, durable=durable)

    def note(action: str, outcome: str, **labels: object) -> None:
        dotted = {key.replace("_", "."): value for key, value in labels.items()}
        try:
            spool.record(
                action=action, outcome=outcome, resource=("mcp.server", name), labels=dotted, workspace=workspace
            )
        except MunimentError as error:
            _LOG.error("%s was not recorded: %s", action, error)

    child_environ = {key: value for key, value in environ.items() if key not in _KEPT_FROM_THE_SERVER}
    try:
        status = run_between(
            command,
            calls,
            child_environ,
            lambda pid: note("process.start", "success", process_pid=pid, process_program=command[0]),
        )
    except OSError as error:
        note("process.start", "failure", process_program=command[0], process_error=error.strerror or str(error))
        raise
    calls.finish()
    counts = {f"mcp_{what}": count for what, count in calls.counts.items()}
    note("process.exit", "success" if status == 0 else "failure", process_status=status, **counts)
    return status
