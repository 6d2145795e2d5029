"""Where the evidence of each requirement of a framework comes from, and how many entries of a time there are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from muniment.catalogs.coverage import Coverage, coverage, requirement_ids
from muniment.catalogs.framework import Catalog
from muniment.ledger.coverage import Sought, actions_seen, entries_of_requirements
from muniment.server.access.standing import Standing
from muniment.server.attachments.services import counts as attachment_counts
from muniment.server.frameworks.services.reading import evidence_by_mapping, find_catalog, mapping_in_force


@dataclass(frozen=True, slots=True)
class Counted:
    """A coverage with the time that was counted.

    Attributes:
        catalog: the framework as the tenant has it.
        coverage: of its requirements, with entries counted.
        since: recorded at or after; None for the beginning.
        until: recorded before; None for now.
        entries: of the log in that time.
    """

    catalog: Catalog
    coverage: Coverage
    since: datetime | None
    until: datetime | None
    entries: int


def covered(
    standing: Standing,
    catalog_id: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Counted:
    """Say of each requirement of a framework where its evidence comes from, and count the entries of a time.

    Counted are the entries that were recorded when asked, sealed or not, by the columns of the database.

    Args:
        standing: of the reader.
        catalog_id: the framework.
        since: recorded at or after.
        until: recorded before.

    Raises:
        Malformed: if there is no such framework.
    """
    found = find_catalog(catalog_id)
    mapping = mapping_in_force()
    with standing.transaction() as reading:
        seen = actions_seen(reading, standing.log_id, since, until)
        own = frozenset(action for action in seen if action.startswith("x."))
        evidence_of = evidence_by_mapping()
        sought: dict[str, Sought] = {}
        for control, ids in requirement_ids(found).items():
            evidence = evidence_of(ids)
            actions = set(evidence.actions)
            if "x" in actions:
                actions |= own - set(evidence.besides)
            sought[control] = Sought(ids, frozenset(actions - {"x"}))
        entries = entries_of_requirements(reading, standing.log_id, sought, seen, since, until)
    made = coverage(found, mapping, attachments=attachment_counts(), entries=entries, own_actions=own)
    return Counted(found, made, since, until, sum(seen.values()))
