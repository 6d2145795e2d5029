"""How Django knows this application."""

from django.apps import AppConfig


class PoliciesConfig(AppConfig):
    """The policy library."""

    name = "muniment.server.policies"
    label = "policies"

    def ready(self) -> None:
        """Say that there is a table of them."""
        from muniment.server.policies.tables import TABLE
        from muniment.server.tables.registry import register

        register(TABLE)
