"""Anchors: which authorities stamp the tenant's log, how each does, how often it is asked, and their tokens."""
