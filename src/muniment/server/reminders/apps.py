"""How Django knows this application."""

from django.apps import AppConfig


class RemindersConfig(AppConfig):
    """Reminders; hears of each step that an exception, or the acceptance of a risk, takes."""

    name = "muniment.server.reminders"
    label = "reminders"

    def ready(self) -> None:
        """Hear of steps."""
        from muniment.server.exceptions.steps import on_step
        from muniment.server.reminders.acceptances import tell_of_acceptance
        from muniment.server.reminders.steps import tell_of_step
        from muniment.server.risks.steps import on_acceptance

        on_step(tell_of_step)
        on_acceptance(tell_of_acceptance)
