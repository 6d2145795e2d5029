"""What runs beside an agent: `record()`, the spool, the MCP recorder and the shipper.

The agent's process writes a spool and nothing else; the shipper holds the key.
"""
