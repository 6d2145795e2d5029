"""How Django knows this application."""

from django.apps import AppConfig


class HistoryConfig(AppConfig):
    """Histories drawn from the ledger; no tables."""

    name = "muniment.server.history"
    label = "history"
