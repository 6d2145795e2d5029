"""How Django knows this application."""

from django.apps import AppConfig


class TenantsConfig(AppConfig):
    """See the package."""

    name = "muniment.server.tenants"
    label = "tenants"
