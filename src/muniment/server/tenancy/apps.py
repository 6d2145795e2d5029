"""How Django knows this application."""

from django.apps import AppConfig


class TenancyConfig(AppConfig):
    """Pages of tenants; the rows are those of `muniment.server.tenants`."""

    name = "muniment.server.tenancy"
    label = "tenancy"
