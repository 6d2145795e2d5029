"""How Django knows this application."""

from django.apps import AppConfig


class CausalityConfig(AppConfig):
    """Traces across agents, and incident timelines."""

    name = "muniment.server.causality"
    label = "causality"
