"""Whoever keeps the registers, as a program and in the browser."""

from tests.controls.conftest import desk, office

__all__ = ["desk", "office"]
