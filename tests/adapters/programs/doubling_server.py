"""A small MCP server over stdio."""


def main() -> None:
    from mcp.server.mcpserver import MCPServer

    server = MCPServer("doubling")

    @server.tool()
    def double(a: int) -> int:
        """Twice as much."""
        if a < 0:
            raise ValueError("nothing is less than nothing")
        return 2 * a

    server.run("stdio")


if __name__ == "__main__":
    main()
