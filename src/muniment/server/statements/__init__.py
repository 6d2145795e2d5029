"""Statements: one page for each framework, from live queries, of what the ledger evidences and what it does not."""
