"""Every format by its name."""

from __future__ import annotations

from typing import Final

from muniment.formats.csv import CsvWriter
from muniment.formats.json import JsonWriter, NdjsonWriter
from muniment.formats.ocsf import OcsfWriter
from muniment.formats.oscal import OscalWriter
from muniment.formats.writer import Writer

WRITERS: Final[dict[str, type[Writer]]] = {
    writer.name: writer for writer in (JsonWriter, NdjsonWriter, CsvWriter, OcsfWriter)
}
"""Formats of entries."""
FORMATS: Final[dict[str, type[Writer]]] = {**WRITERS, OscalWriter.name: OscalWriter}
"""All formats; the writer of OSCAL is told of the controls as well."""
MEANINGS: Final = {
    "json": "JSON: one document with the chain's facts, every entry and its marked controls",
    "ndjson": "NDJSON: the same, one line an entry",
    "csv": "CSV: a table; cells that a spreadsheet would take for formulas are made harmless",
    "ocsf": "OCSF: one event a line, for a SIEM",
    "oscal": "OSCAL: assessment results, one observation a control",
}
