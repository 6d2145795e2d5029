"""How Django knows this application."""

from django.apps import AppConfig


class AssetsConfig(AppConfig):
    """The list of assets."""

    name = "muniment.server.assets"
    label = "assets"

    def ready(self) -> None:
        """Say that there is a table of them."""
        from muniment.server.assets.tables import TABLE
        from muniment.server.tables.registry import register

        register(TABLE)
