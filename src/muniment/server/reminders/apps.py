"""How Django knows this application."""

from django.apps import AppConfig


class RemindersConfig(AppConfig):
    """Reminders; hears of each step that an exception takes."""

    name = "muniment.server.reminders"
    label = "reminders"

    def ready(self) -> None:
        """Hear of steps."""
        from muniment.server.exceptions.steps import on_step
        from muniment.server.reminders.steps import tell_of_step

        on_step(tell_of_step)
