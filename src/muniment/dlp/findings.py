"""What a detector found: of which kind, and where. Never the value itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

PAN: Final = "pan"
PESEL: Final = "pesel"
IBAN: Final = "iban"
PASSPORT: Final = "passport"
BUILT_IN: Final = (PAN, PESEL, IBAN, PASSPORT)
"""Detectors that there always are. Those of a tenant's patterns are named `pattern:<name>`."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A place in a text where something was found.

    Attributes:
        kind: one of `BUILT_IN`, or `pattern:<name>`.
        start, end: offsets in the normalised text, in bytes; `end` is the first one after it.
    """

    kind: str
    start: int
    end: int
