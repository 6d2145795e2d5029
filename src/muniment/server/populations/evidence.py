"""What of the log evidences the control that a population is asked for: by the mapping in force, kept with it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from muniment.catalogs.marking import Marked, mark_controls
from muniment.catalogs.overrides import ResolvedMapping
from muniment.core.canonical import dump_json, parse_json
from muniment.core.entry import parse_entry
from muniment.core.errors import Malformed
from muniment.ledger.mappings import own_controls
from muniment.ledger.query import EntryFilter, Evidence, find_entries
from muniment.server.access.standing import Standing
from muniment.server.controls import services as own
from muniment.server.frameworks import services as frameworks
from muniment.server.populations.question import Question
from muniment.server.tenants.scope import tenant_scope

MAX_EVIDENCE: Final = 262_144
"""Bytes of what a control was taken to mean: as much as an entry's body may have."""
_LISTS: Final = ("controls", "actions", "besides")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as the ledger takes it.

    Attributes:
        entries: what the entries have in common.
        evidence: what a control was taken to mean, and by which mapping, as canonical JSON (RFC 8785); "" without one.
    """

    entries: EntryFilter
    evidence: str = ""


def asked_now(standing: Standing, question: Question) -> Asked:
    """A question by the mapping that is in force now: a control is sought in entries, and by annotated actions.

    Raises:
        Malformed: naming `control`, if no catalog of the tenant's has it, nor an entry of its log.
    """
    control = question.asked.control
    if control is None:
        return Asked(question.asked)
    with tenant_scope(standing.tenant_id):
        _check_known(standing, control)
        return _asked(question.asked, own.evidence_of(control), frameworks.mapping_in_force())


def asked_then(question: Question, evidence: str) -> Asked:
    """A stored question as it was asked, whatever is in force now.

    Args:
        question: as stored.
        evidence: as stored with it; "" of a population that was saved before annotations counted.

    Raises:
        Malformed: if the text was not written by `Asked.evidence`.
    """
    if not evidence:
        return Asked(question.asked)
    value = parse_json(evidence.encode(), max_bytes=MAX_EVIDENCE)
    lists = [value.get(name) for name in _LISTS] if isinstance(value, dict) else []
    if not lists or not all(isinstance(one, list) for one in lists):
        raise Malformed("is no evidence", "evidence")
    controls, actions, besides = (tuple(str(each) for each in one) for one in lists if isinstance(one, list))
    return Asked(_filtered(question.asked, Evidence(controls, actions, besides)), evidence)


class Marks:
    """Why each entry of a population evidences its control; in the `tenant_scope` of the reader.

    Args:
        asked: what the population was asked for.
    """

    def __init__(self, asked: Asked) -> None:
        said = parse_json(asked.evidence.encode(), max_bytes=MAX_EVIDENCE) if asked.evidence else None
        found = said if isinstance(said, dict) else {}
        named = found.get("controls")
        self._controls = frozenset(str(one) for one in named) if isinstance(named, list) else frozenset()
        self._mapping = frameworks.mapping_named(str(found["mapping"])) if found else None

    def of(self, text: bytes) -> tuple[Marked, ...]:
        """The control ids that were asked for, as far as they belong to an entry: recorded ones first.

        Args:
            text: of the entry.
        """
        if self._mapping is None:
            return ()
        entry = parse_entry(text)
        every = mark_controls(entry.controls, entry.event.controls, entry.map, entry.event.action, self._mapping)
        return tuple(one for one in every if one.control in self._controls)


def _asked(entries: EntryFilter, evidence: Evidence, mapping: ResolvedMapping) -> Asked:
    said = {
        **{name: list(getattr(evidence, name)) for name in _LISTS},
        "mapping": mapping.version,
        "notes": mapping.notes,
        "digest": mapping.digest,
    }
    return Asked(_filtered(entries, evidence), dump_json(said).decode())


def _filtered(entries: EntryFilter, evidence: Evidence) -> EntryFilter:
    if not evidence.actions and evidence.controls == (entries.control,):
        return entries
    return replace(entries, control=None, evidence=evidence)


def _check_known(standing: Standing, control: str) -> None:
    try:
        frameworks.check_controls([control], "control", own=own.own_ids())
    except Malformed as error:
        # What stands in entries can be asked for, whatever catalogs there are today.
        with standing.transaction() as reading:
            if own_controls(reading, [control]):
                return
            if find_entries(reading, standing.log_id, EntryFilter(control=control), limit=1).entries:
                return
        raise Malformed(error.reason, "control") from None
