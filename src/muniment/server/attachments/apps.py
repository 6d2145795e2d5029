"""How Django knows this application."""

from django.apps import AppConfig


class AttachmentsConfig(AppConfig):
    """Attachments and the sealed bytes behind them."""

    name = "muniment.server.attachments"
    label = "attachments"
