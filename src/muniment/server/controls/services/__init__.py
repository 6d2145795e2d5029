"""Use cases of the tenant's own controls: the only writers of their rows."""

from muniment.server.controls.services.controls import change, define, record_refused, retire
from muniment.server.controls.services.evidence import evidence_of, evidence_of_each, first_days, newest, own_ids
from muniment.server.controls.services.importing import Faulty, Import, import_starter, import_table
from muniment.server.controls.services.reading import (
    NoSuch,
    body_of,
    control_for,
    controls,
    definition_of,
    digest_of,
    history_of,
)

__all__ = [
    "Faulty",
    "Import",
    "NoSuch",
    "body_of",
    "change",
    "control_for",
    "controls",
    "define",
    "definition_of",
    "digest_of",
    "evidence_of",
    "evidence_of_each",
    "first_days",
    "history_of",
    "import_starter",
    "import_table",
    "newest",
    "own_ids",
    "record_refused",
    "retire",
]
