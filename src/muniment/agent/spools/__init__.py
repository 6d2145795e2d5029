"""Spools: where an agent's process leaves its events, on its own disk, before it goes on."""
