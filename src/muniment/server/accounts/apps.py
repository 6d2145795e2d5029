"""How Django knows this application."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """See the package."""

    name = "muniment.server.accounts"
    label = "accounts"
