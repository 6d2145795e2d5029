"""How Django knows this application."""

from django.apps import AppConfig


class StatementsConfig(AppConfig):
    """Statements of what the ledger evidences."""

    name = "muniment.server.statements"
    label = "statements"
