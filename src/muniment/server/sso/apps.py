"""How Django knows this application."""

from django.apps import AppConfig


class SsoConfig(AppConfig):
    """See the package."""

    name = "muniment.server.sso"
    label = "sso"

    def ready(self) -> None:
        """Have a say at every sign-in, and when administrators change."""
        from muniment.server.accounts.gates import add_gate
        from muniment.server.members.services.change import add_rule
        from muniment.server.sso.breakglass import a_way_in_stays
        from muniment.server.sso.gate import at_sign_in

        add_gate(at_sign_in)
        add_rule(a_way_in_stays)
