"""How Django knows this application."""

from django.apps import AppConfig


class SsoConfig(AppConfig):
    """See the package."""

    name = "muniment.server.sso"
    label = "sso"

    def ready(self) -> None:
        """Have a say at every sign-in."""
        from muniment.server.accounts.gates import add_gate
        from muniment.server.sso.gate import at_sign_in

        add_gate(at_sign_in)
