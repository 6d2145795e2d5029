"""How Django knows this application."""

from django.apps import AppConfig


class LedgerConfig(AppConfig):
    """The ledger's schema."""

    name = "muniment.server.ledgerapp"
    label = "ledger"
