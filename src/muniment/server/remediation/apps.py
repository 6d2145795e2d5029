"""How Django knows this application."""

from django.apps import AppConfig


class RemediationConfig(AppConfig):
    """Control tasks, findings and incidents."""

    name = "muniment.server.remediation"
    label = "remediation"

    def ready(self) -> None:
        """Say that there are tables of them; hear of exceptions that end."""
        from muniment.server.exceptions.steps import on_step
        from muniment.server.remediation.services.ended import follow_step
        from muniment.server.remediation.tables import FINDINGS, INCIDENTS, TASKS
        from muniment.server.tables.registry import register

        for table in (TASKS, FINDINGS, INCIDENTS):
            register(table)
        on_step(follow_step)
