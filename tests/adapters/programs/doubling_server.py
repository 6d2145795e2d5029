"""A small MCP server over stdio."""


def main() -> None:
    from mcp.server.mcpserver import MCPServer

    server = MCPServer("doubling")

    @server.tool()
    def double(a: int) -> int:
        """Twice as much."""
        return 2 * a

    server.run("stdio")


if __name__ == "__main__":
    main()
