"""How Django knows this application."""

from django.apps import AppConfig


class SetupConfig(AppConfig):
    """See the package."""

    name = "muniment.server.setup"
    label = "setup"
