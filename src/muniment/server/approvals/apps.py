"""How Django knows this application."""

from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    """Approval rules and delegations."""

    name = "muniment.server.approvals"
    label = "approvals"
