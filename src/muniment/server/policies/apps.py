"""How Django knows this application."""

from django.apps import AppConfig


class PoliciesConfig(AppConfig):
    """The policy library."""

    name = "muniment.server.policies"
    label = "policies"
