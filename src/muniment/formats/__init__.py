"""Formats in which entries leave a ledger: entries in, bytes out, in constant memory, without any connection."""
