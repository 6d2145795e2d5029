"""How Django knows this application."""

from django.apps import AppConfig


class AssetsConfig(AppConfig):
    """The list of assets."""

    name = "muniment.server.assets"
    label = "assets"
