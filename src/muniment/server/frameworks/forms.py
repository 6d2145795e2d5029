"""Forms about catalogs and the mapping. What they hold is judged by `workflow` and `catalogs`."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from gzip import compress
from typing import Any, Final

from django import forms

from muniment.catalogs.framework import LicenceClass
from muniment.catalogs.shipped import catalog_ids
from muniment.catalogs.tables import NUMBERINGS
from muniment.core.errors import Malformed
from muniment.ledger.mappings import MAX_DOCUMENT
from muniment.server.frameworks.workflow import MAX_NAME, MAX_WORDS, Order, unpacked

MAX_KEPT: Final = 700_000
"""Characters of a checked file, packed, that the page carries to the step after."""
_WORDS: Final = {
    "title": ("Title", "of a table's framework"),
    "edition": ("Edition", "of a table's framework"),
    "publisher": ("Publisher", "who publishes it"),
    "source": ("Source", "where the text comes from"),
    "attribution": ("Attribution", "class B: who is to be named"),
}


class ImportForm(forms.Form):
    """A file, and what to make of it."""

    use_required_attribute = False

    file = forms.FileField(
        label="File",
        required=False,
        help_text="An OSCAL catalog, a catalog file, or a table (CSV) whose first line names the columns: id, and "
        "label or text. Up to 1 MB here; larger ones with muniment catalog import.",
    )
    kept = forms.CharField(required=False, widget=forms.HiddenInput, max_length=MAX_KEPT)
    kept_name = forms.CharField(required=False, widget=forms.HiddenInput, max_length=MAX_NAME)
    over = forms.ChoiceField(
        label="Your text over",
        required=False,
        help_text="Labels and text of your own licence, over identifiers of ours.",
    )
    id = forms.CharField(
        label="Or a framework of its own",
        required=False,
        max_length=40,
        help_text="The prefix of its control ids, such as ksc-2026. It is written into entries, so it stays for ever.",
    )
    licence_class = forms.ChoiceField(
        label="Licence class",
        choices=[(one.value, f"{one.value}: {one.meaning}") for one in LicenceClass],
        initial=LicenceClass.LICENSED.value,
    )
    numbering = forms.ChoiceField(label="Numbering", choices=[(one, one) for one in NUMBERINGS], initial="as-given")

    def __init__(self, data: Any = None, files: Any = None) -> None:
        super().__init__(data, files)
        over = self.fields["over"]
        if isinstance(over, forms.ChoiceField):
            over.choices = [("", "none: a framework of its own"), *((one, one) for one in catalog_ids())]
        for name, (label, words) in _WORDS.items():
            self.fields[name] = forms.CharField(label=label, required=False, max_length=MAX_WORDS, help_text=words)

    def order(self) -> Order:
        """What to make of the file.

        Raises:
            Malformed: naming the field.
        """
        given = self.cleaned_data
        names = ("over", "id", "title", "edition", "publisher", "source", "licence_class", "attribution", "numbering")
        return Order(**{name: str(given.get(name) or "").strip() for name in names})

    def content(self) -> tuple[bytes, str]:
        """The file and its name: the one that was chosen now, or the one that was checked before.

        Raises:
            Malformed: naming `file`.
        """
        chosen = self.cleaned_data.get("file")
        if chosen is not None:
            return chosen.read(), str(chosen.name)
        kept = self.cleaned_data.get("kept") or ""
        if not kept:
            raise Malformed("choose a file", "file")
        try:
            return unpacked(b64decode(kept, validate=True)), str(self.cleaned_data.get("kept_name") or "catalog")
        except binascii.Error:
            raise Malformed("choose the file again", "file") from None

    def accuse(self, error: Malformed) -> None:
        """Say at its field what was wrong; a file's error names file and line."""
        where = error.where or ""
        named = where in self.fields
        self.add_error(where if named else "file", error.reason if named or not where else f"{where}: {error.reason}")


def carried(data: bytes) -> str:
    """A file as the page carries it to the step after, or "" where it is too large for that."""
    packed = b64encode(compress(data, mtime=0)).decode()
    return packed if len(packed) <= MAX_KEPT else ""


class MappingForm(forms.Form):
    """Overrides that take the place of those in force."""

    use_required_attribute = False

    document = forms.CharField(
        label="Overrides",
        max_length=MAX_DOCUMENT,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 16, "spellcheck": "false", "class": "mono"}),
        help_text="A muniment-mapping/1 document, whole: what it does not change is as in the base mapping.",
    )
    replaces = forms.CharField(widget=forms.HiddenInput, max_length=64)


class PeriodForm(forms.Form):
    """The time whose entries are counted."""

    use_required_attribute = False

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        self.fields["from"] = forms.CharField(
            label="From", required=False, max_length=64, help_text="UTC, such as 2026-01-01"
        )
        self.fields["to"] = forms.CharField(label="Until", required=False, max_length=64, help_text="UTC")
