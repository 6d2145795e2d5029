"""How Django knows this application."""

from django.apps import AppConfig


class SigningConfig(AppConfig):
    """Electronic signatures of entries."""

    name = "muniment.server.signing"
    label = "signing"
