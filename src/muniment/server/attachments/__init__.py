"""Attachments: files that evidence controls beside the log, each with its hash in an entry."""
