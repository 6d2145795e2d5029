"""A real MCP session: client and server know nothing of us, and the recorder stands between."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from mcp import ClientSession, StdioServerParameters, stdio_client

Tell = Callable[[str, str, bool], None]


async def work(repository: Path, environment: Mapping[str, str], tell: Tell) -> int:
    """Let an agent look into a repository through `muniment mcp -- mcp-server-git`.

    Args:
        repository: a Git repository.
        environment: of the recorder: where its ledger is, its key, its spool.
        tell: is given each call: tool, arguments in words, whether it succeeded.

    Returns:
        How many tool calls were made.
    """
    path = str(repository)
    server = [sys.executable, "-m", "mcp_server_git", "--repository", path]
    recorder = ["-m", "muniment", "mcp", "--agent", "research-01", "--workspace", "demo", "--", *server]
    parameters = StdioServerParameters(command=sys.executable, args=recorder, env=dict(environment))
    calls: list[tuple[str, dict[str, object], str]] = [
        ("git_status", {}, "what is changed here?"),
        ("git_log", {"max_count": 3}, "the last three commits"),
        ("git_show", {"revision": "HEAD"}, "the newest one in full"),
        ("git_show", {"revision": "no-such-revision"}, "a revision that does not exist"),
        ("git_branch", {"branch_type": "local"}, "which branches are there?"),
    ]
    async with stdio_client(parameters) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        for tool, arguments, words in calls:
            result = await session.call_tool(tool, {"repo_path": path, **arguments})
            tell(tool, words, not result.is_error)
    return len(calls)
