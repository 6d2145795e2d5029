"""Timestamp authorities: which there are, and how one is asked."""
