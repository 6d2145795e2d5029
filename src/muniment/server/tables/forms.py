"""The form of an import: a file, or the one that was just tried."""

from __future__ import annotations

import base64
import binascii
import io
from typing import Any, BinaryIO, Final, cast

from django import forms

from muniment.tables import LIMITS

AGAIN: Final = 600 << 10
"""Bytes of a file that the page keeps between trying and importing; a larger one is chosen again."""


class FileForm(forms.Form):
    """A file of rows."""

    use_required_attribute = False

    file = forms.FileField(
        label="CSV or XLSX file", required=False, widget=forms.FileInput(attrs={"accept": ".csv,.xlsx"})
    )
    tried = forms.CharField(required=False, widget=forms.HiddenInput)
    tried_name = forms.CharField(required=False, max_length=200, widget=forms.HiddenInput)

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        # The one that was tried comes back by itself.
        self.fields["file"].required = not self.data.get("tried")

    def clean(self) -> dict[str, Any]:
        """The file, or the one that was tried, as bytes that can be read again."""
        data = super().clean() or {}
        file = data.get("file")
        if file is not None:
            if file.size > LIMITS.file_bytes:
                raise forms.ValidationError({"file": f"is larger than {LIMITS.file_bytes >> 20} MiB"})
            self._stream: BinaryIO = cast("BinaryIO", file)
            self.name = str(file.name)
        elif data.get("tried"):
            try:
                self._stream = io.BytesIO(base64.b64decode(data["tried"], validate=True))
            except (ValueError, binascii.Error):
                raise forms.ValidationError({"file": "choose the file again"}) from None
            self.name = data.get("tried_name") or ""
        elif "file" not in self.errors:
            raise forms.ValidationError({"file": "choose a file"})
        return data

    def stream(self) -> BinaryIO:
        """The file from its beginning."""
        self._stream.seek(0)
        return self._stream

    def again(self) -> str:
        """The file for the next form; "" if it is too large to be kept in a page."""
        stream = self.stream()
        data = stream.read(AGAIN + 1)
        return "" if len(data) > AGAIN else base64.b64encode(data).decode()
