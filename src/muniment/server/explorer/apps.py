"""How Django knows this application."""

from django.apps import AppConfig


class ExplorerConfig(AppConfig):
    """The ledger explorer and its saved views."""

    name = "muniment.server.explorer"
    label = "explorer"
