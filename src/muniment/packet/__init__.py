"""The evidence packet: one archive for an audit, its pages, its manifest, and its verification. docs/packets.md."""
