"""The recorder of MCP: sessions over stdio and over HTTP as events, and a policy before them."""
