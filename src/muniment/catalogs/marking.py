"""Why a control id stands beside an entry: the event named it, the mapping baked it in, or it is an annotation."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from muniment.catalogs import actions
from muniment.catalogs.crosswalk import Relation, links_from
from muniment.catalogs.overrides import ANY_OWN, ResolvedMapping


class Mark(StrEnum):
    """Why a control id is shown with an entry.

    Attributes:
        EVENT: the source named it; it is in the event's text, which is hashed.
        MAPPING: the mapping of that time added it; it is in the entry's text, which is hashed.
        ANNOTATION: a mapping of today lays it over the entry; it is not in the entry.
        SUCCESSOR: what an id of a superseded edition became; it is not in the entry.
    """

    EVENT = "event"
    MAPPING = "mapping"
    ANNOTATION = "annotation"
    SUCCESSOR = "successor"


@dataclass(frozen=True, slots=True)
class Marked:
    """A control id, why it is there, and by what: a mapping's version, a crosswalk's id; empty for the event's own."""

    control: str
    mark: Mark
    by: str

    @property
    def recorded(self) -> bool:
        """Whether the id stands in the entry itself, so that the log's proof covers it."""
        return self.mark in {Mark.EVENT, Mark.MAPPING}


def mark_controls(
    entry: Collection[str], event: Collection[str], map_version: str, action: str, mapping: ResolvedMapping
) -> tuple[Marked, ...]:
    """Every control id that an entry is shown or exported with; recorded ones first, each part sorted by bytes.

    Args:
        entry: the entry's `controls`.
        event: the event's own `controls`, all of them among the entry's.
        map_version: the entry's `map`.
        action: the event's action.
        mapping: what is in force for the tenant now; its annotations are laid over the entry.

    Raises:
        Malformed: if the action is neither registered nor under `x.`.
    """
    recorded = [
        Marked(control, Mark.EVENT, "") if control in event else Marked(control, Mark.MAPPING, map_version)
        for control in sorted(entry)
    ]
    later = {
        link.control: Marked(link.control, Mark.SUCCESSOR, link.crosswalk)
        for control in entry
        for link in links_from(control)
        if link.relation is Relation.SUPERSEDED
    }
    # An id that the mapping of today bakes in and this older entry does not hold is an annotation of it.
    now = mapping.of(action)
    notes = {
        control: Marked(control, Mark.ANNOTATION, mapping.version if action in mapping.changed else mapping.notes)
        for control in (*now.notes, *now.entry)
    }
    laid = {**later, **notes}
    return (*recorded, *(laid[control] for control in sorted(set(laid) - set(entry))))


def actions_noted(mapping: ResolvedMapping, older: Collection[ResolvedMapping]) -> dict[str, frozenset[str]]:
    """For each control id, the actions whose entries may be annotated with it, as `mark_controls` marks them.

    `x` stands for every action under `x.` that the mapping does not name.

    Args:
        mapping: what is in force now.
        older: every mapping under which entries were recorded. An id that is baked in now and was not always is an
            annotation of the entries from before.
    """
    found: dict[str, set[str]] = {}
    for code in {*actions.registry(), *mapping.changed, *(one for old in older for one in old.changed)}:
        action = ANY_OWN if code == "x" else code
        now = mapping.of(action)
        later = {one for one in now.entry if any(one not in old.of(action).entry for old in older)}
        for control in (*now.notes, *later):
            found.setdefault(control, set()).add(code)
    return {control: frozenset(codes) for control, codes in found.items()}
