"""How Django knows this application."""

from collections.abc import Collection

from django.apps import AppConfig


class PacketsConfig(AppConfig):
    """Packet scopes, requests and deliveries."""

    name = "muniment.server.packets"
    label = "packets"

    def ready(self) -> None:
        """Tell attachments which controls there are: they stand below the applications that know."""
        from muniment.server.attachments.services import install_control_check
        from muniment.server.controls.services import own_ids
        from muniment.server.frameworks.services import check_controls

        def check(ids: Collection[str], field: str) -> None:
            check_controls(ids, field, own=own_ids())

        install_control_check(check)
