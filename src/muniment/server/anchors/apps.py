"""How Django knows this application."""

from django.apps import AppConfig


class AnchorsConfig(AppConfig):
    """Timestamps of outside authorities."""

    name = "muniment.server.anchors"
    label = "anchors"
