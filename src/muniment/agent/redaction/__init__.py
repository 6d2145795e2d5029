"""Redaction: what must not leave the process in clear."""
