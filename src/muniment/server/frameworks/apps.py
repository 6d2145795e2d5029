"""The application of frameworks."""

from django.apps import AppConfig


class FrameworksConfig(AppConfig):
    """Catalogs, mappings and coverage; `frameworks_…` in the database."""

    name = "muniment.server.frameworks"
    label = "frameworks"
