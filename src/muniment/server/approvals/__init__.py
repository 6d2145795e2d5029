"""How a tenant approves exceptions: its rules, version by version, and who decides for whom while somebody is away."""
