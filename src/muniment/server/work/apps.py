"""How Django knows this application."""

from django.apps import AppConfig


class WorkConfig(AppConfig):
    """Views over the registers; its one table is the index of their words."""

    name = "muniment.server.work"
    label = "work"

    def ready(self) -> None:
        """Say which tables there are."""
        from muniment.server.work.registers import register_all

        register_all()
