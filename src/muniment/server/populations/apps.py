"""How Django knows this application."""

from django.apps import AppConfig


class PopulationsConfig(AppConfig):
    """Populations, samples and marks."""

    name = "muniment.server.populations"
    label = "populations"
