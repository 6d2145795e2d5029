"""How Django knows this application."""

from __future__ import annotations

from django.apps import AppConfig


class RisksConfig(AppConfig):
    """The risk register."""

    name = "muniment.server.risks"
    label = "risks"
