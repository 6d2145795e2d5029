"""How Django knows this application."""

from django.apps import AppConfig


class ExportsConfig(AppConfig):
    """Exports."""

    name = "muniment.server.exports"
    label = "exports"
