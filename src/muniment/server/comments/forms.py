"""The form of a comment."""

from __future__ import annotations

from django import forms

from muniment.server.comments.services import MAX_TEXT


class CommentForm(forms.Form):
    """A comment."""

    use_required_attribute = False

    text = forms.CharField(
        label="Comment",
        max_length=MAX_TEXT,
        help_text="Name people as @ada or @ada@example.org: they are told. A comment cannot be changed, "
        "removed or erased: say nothing else of persons.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )
