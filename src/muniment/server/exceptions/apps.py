"""How Django knows this application."""

from django.apps import AppConfig


class ExceptionsConfig(AppConfig):
    """Exceptions to policies, with their decisions."""

    name = "muniment.server.exceptions"
    label = "exceptions"

    def ready(self) -> None:
        """Hear of changes of what decisions rest on."""
        from muniment.server.exceptions.services.stale import follow_change
        from muniment.server.subjects import on_change

        on_change(follow_change)
