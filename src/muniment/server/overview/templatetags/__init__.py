"""Filters of the pages about figures."""
