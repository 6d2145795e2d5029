"""Forms of anchors."""

from __future__ import annotations

from django import forms


class EveryForm(forms.Form):
    """How often the log is anchored."""

    use_required_attribute = False

    every = forms.CharField(
        label="Anchor every",
        max_length=16,
        help_text="A number and s, m, h or d, from 1m to 365d, such as 6h. It counts where something new was sealed.",
    )
