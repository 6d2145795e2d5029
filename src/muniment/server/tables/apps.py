"""How Django knows this application."""

from django.apps import AppConfig


class TablesConfig(AppConfig):
    """Tables of registers; no rows of its own."""

    name = "muniment.server.tables"
    label = "tables"
