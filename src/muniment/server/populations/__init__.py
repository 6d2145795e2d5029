"""Populations, the samples drawn from them, and what reviewers mark on sampled entries."""
