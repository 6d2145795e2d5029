"""Where the pages of a packet stand."""

from __future__ import annotations

from typing import Final

README: Final = "READ ME FIRST.html"
SCRIPT: Final = "verifiers/muniment_verify.py"
PAGE: Final = "verifiers/muniment_verify.html"
PLACES: Final = (
    (README, "Read me first"),
    ("pages/scope.html", "Scope"),
    ("pages/matrix.html", "Controls"),
    ("pages/populations.html", "Populations"),
    ("pages/samples.html", "Samples"),
    ("pages/registers.html", "Registers"),
    ("pages/attachments.html", "Attachments"),
    ("pages/statements.html", "Statements"),
)
"""Addresses from the top folder, and what each is called."""
