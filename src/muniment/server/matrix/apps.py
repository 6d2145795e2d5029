"""How Django knows this application."""

from django.apps import AppConfig


class MatrixConfig(AppConfig):
    """The controls matrix."""

    name = "muniment.server.matrix"
    label = "matrix"
