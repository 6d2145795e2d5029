"""A small MCP server with a bit of everything, over stdio."""

from __future__ import annotations

import anyio
from mcp.server.mcpserver import Context, MCPServer

server = MCPServer("everything", version="1.2.3")


@server.tool()
async def count(to: int, ctx: Context) -> str:
    """Count, and say how far it is."""
    for step in range(to):
        await ctx.report_progress(step, to)
    return str(to)


@server.tool()
async def wait() -> str:
    """Wait until cancelled."""
    await anyio.sleep(60)
    return "waited"


@server.tool()
def delete_everything() -> str:
    """Do what nobody should."""
    return "gone"


@server.resource("memo://today")
def today() -> str:
    """Today's memo."""
    return "nothing"


@server.prompt()
def greet(name: str) -> str:
    """A greeting."""
    return f"Hello {name}"


if __name__ == "__main__":
    server.run("stdio")
