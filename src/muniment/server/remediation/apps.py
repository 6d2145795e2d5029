"""How Django knows this application."""

from django.apps import AppConfig


class RemediationConfig(AppConfig):
    """Control tasks, findings and incidents."""

    name = "muniment.server.remediation"
    label = "remediation"
