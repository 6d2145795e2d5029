"""How Django knows this application."""

from django.apps import AppConfig


class CommentsConfig(AppConfig):
    """Comments."""

    name = "muniment.server.comments"
    label = "comments"
