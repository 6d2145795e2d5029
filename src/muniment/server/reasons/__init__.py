"""Reasons for changes: which actions need one, and what reasons were given (21 CFR 11.10(e))."""
