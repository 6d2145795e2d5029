"""Calls of model APIs, read as they pass: which model, what it cost, which tools it asked for, how it ended."""
