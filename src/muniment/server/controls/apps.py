"""How Django knows this application."""

from django.apps import AppConfig


class ControlsConfig(AppConfig):
    """The tenant's own controls."""

    name = "muniment.server.controls"
    label = "controls"
