"""Muniment: a tamper-evident evidence ledger for teams that run AI agents."""

__version__ = "0.1.0"
