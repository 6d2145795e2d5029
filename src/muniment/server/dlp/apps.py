"""How Django knows this application."""

from django.apps import AppConfig


class DlpConfig(AppConfig):
    """Policies, verdicts and releases."""

    name = "muniment.server.dlp"
    label = "dlp"
