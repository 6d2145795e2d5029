"""How Django knows this application."""

from django.apps import AppConfig


class ReasonsConfig(AppConfig):
    """Reasons for changes; answers for which actions need one."""

    name = "muniment.server.reasons"
    label = "reasons"

    def ready(self) -> None:
        """Become the one who is asked."""
        from muniment.server.given_reason import install_reasons
        from muniment.server.reasons.required import TenantReasons

        install_reasons(TenantReasons())
