"""How Django knows this application."""

from django.apps import AppConfig


class MembersConfig(AppConfig):
    """Membership; answers for everybody's standing."""

    name = "muniment.server.members"
    label = "members"

    def ready(self) -> None:
        """Become the resolver of standings."""
        from muniment.server.access.standing import install_resolver
        from muniment.server.members.standing import RowResolver

        install_resolver(RowResolver())
