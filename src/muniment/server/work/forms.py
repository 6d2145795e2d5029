"""The form of a step that is taken with many."""

from __future__ import annotations

from typing import Any

from django import forms

from muniment.server.exceptions.workflow import MAX_COMMENT
from muniment.server.work.bulk import Act


class BulkForm(forms.Form):
    """The comment that is recorded with each."""

    use_required_attribute = False

    comment = forms.CharField(label="Comment", max_length=MAX_COMMENT, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, data: Any = None, *, act: Act) -> None:
        super().__init__(data)
        self.fields["comment"].required = act.comment
        self.fields["comment"].help_text = "It is recorded with each of them." if act.comment else ""
