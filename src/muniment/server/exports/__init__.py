"""Exports: entries in formats of other tools, frozen under a checkpoint, streamed and resumed."""
