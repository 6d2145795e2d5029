"""One recorded MCP session over stdio: the server as a child process, and what it and its client say as events."""

import logging
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Final

from muniment.agent.cause import CAUSE
from muniment.agent.mcp.observer import McpRecorder, McpSession
from muniment.agent.mcp.tee import run_between
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


def record_session(command: Sequence[str], recorder: McpRecorder, environ: Mapping[str, str]) -> int:
    """Run an MCP server between our stdin and stdout, and record what it and its client say into the spool.

    The command's arguments are not recorded: they often hold credentials. The API key is not handed to the command; the
    reference of its `process.start` is, so that what it records itself goes on from there.

    Args:
        command: program and arguments.
        recorder: says what is recorded, and how.
        environ: the command's environment, before it is changed as said.

    Returns:
        The command's exit status; 128 + n if signal n ended it.

    Raises:
        OSError: if the command cannot be started; that is recorded, too.
    """
    session = McpSession(recorder)
    pid: list[int] = []

    def note(action: str, outcome: str, causes: tuple[str, ...], labels: Mapping[str, object]) -> str | None:
        told = {"process.program": command[0], **labels}
        try:
            return recorder.write(
                action, told, outcome=outcome, causes=causes, trace=recorder.inherited_trace
            ).reference
        except MunimentError as error:
            _LOG.error("%s was not recorded: %s", action, error)
            return None

    start = note("process.start", "unknown", recorder.causes, recorder.start_labels)
    causes = () if start is None else (start,)
    child_environ = {key: value for key, value in environ.items() if key not in _KEPT_FROM_THE_SERVER}
    if start is not None:
        child_environ[CAUSE] = start
    try:
        status = run_between(command, session, child_environ, pid.append, waits=recorder.fails_closed)
    except OSError as error:
        note("process.exit", "failure", causes, {"process.error": error.strerror or str(error)})
        raise
    session.finish()
    counts = {f"mcp.{what}": count for what, count in recorder.counts.items()}
    ended = {"process.status": status, "process.pid": pid[0], **counts}
    note("process.exit", "success" if status == 0 else "failure", causes, ended)
    return status
