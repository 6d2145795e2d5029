"""How Django knows this application."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """Notifications; gives the shell its bell."""

    name = "muniment.server.notifications"
    label = "notifications"

    def ready(self) -> None:
        """Become the one who counts what a person has not read."""
        from muniment.server.notifications.services import unread
        from muniment.server.web.bell import install_counter

        install_counter(unread)
