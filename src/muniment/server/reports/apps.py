"""How Django knows this application."""

from django.apps import AppConfig


class ReportsConfig(AppConfig):
    """Reports."""

    name = "muniment.server.reports"
    label = "reports"
