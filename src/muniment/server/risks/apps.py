"""How Django knows this application."""

from __future__ import annotations

from django.apps import AppConfig


class RisksConfig(AppConfig):
    """The risk register."""

    name = "muniment.server.risks"
    label = "risks"

    def ready(self) -> None:
        """Listen to exceptions, whose risks are kept here, and to what risks rest on."""
        from muniment.server.exceptions.steps import on_step
        from muniment.server.risks.services.lapsing import follow_change
        from muniment.server.risks.services.mirror import follow_step
        from muniment.server.subjects import on_change

        on_step(follow_step)
        on_change(follow_change)
