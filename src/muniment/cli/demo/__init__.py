"""`muniment demo`: a ledger in a throw-away folder, recorded into, proven, and attacked."""

from muniment.cli.demo.command import command

__all__ = ["command"]
