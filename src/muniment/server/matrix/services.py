"""The controls matrix of the tenant whose `tenant_scope` is open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from django.db import connection

from muniment.core.errors import Malformed, Refused
from muniment.ledger.population import Searched
from muniment.ledger.query import Evidence
from muniment.server.controls.models import OwnControl
from muniment.server.controls.services import evidence_of_each, first_days, newest
from muniment.server.controls.workflow import STATUSES
from muniment.server.frameworks.services import mapping_in_force
from muniment.server.matrix.counting import Ground, Profile, forget, ground_of
from muniment.server.matrix.examining import Reviewed, examination_of, reviewed_samples
from muniment.server.matrix.period import Period, year_before
from muniment.server.matrix.rows import Counters, Last, Row, choose, count_rows, is_overdue


@dataclass(frozen=True, slots=True)
class Matrix:
    """The matrix of a period.

    Attributes:
        period: days of UTC.
        at: when it was made; ages and the last twelve months are counted from here.
        status: of the controls in it.
        searched: the checkpoint.
        counted: the places before this one are counted; less than the checkpoint's size while a large log is counted
            for the first time.
        mapping: version of the mapping in force.
        mapping_digest: its digest, hex.
        rows: controls as chosen, in the order asked for.
        counters: of these rows and nothing else.
        others: how many controls of each other status there are.
        defined: how many controls there are at all.
    """

    period: Period
    at: datetime
    status: str
    searched: Searched
    counted: int
    mapping: str
    mapping_digest: str
    rows: tuple[Row, ...]
    counters: Counters
    others: Mapping[str, int]
    defined: int

    @property
    def left(self) -> int:
        """Entries under the checkpoint that are not counted yet."""
        return self.searched.size - self.counted


def matrix(
    period: Period,
    *,
    status: str = "",
    framework: str = "",
    owner: str = "",
    state: str = "",
    sort: str = "control",
    at: datetime | None = None,
    size: int | None = None,
) -> Matrix:
    """The controls matrix.

    Args:
        period: whose entries are counted.
        status: of the controls; "" for those in force, and while there are none for the drafts; "all" for every one.
        framework: only controls with criteria of this catalog.
        owner: only those of `user:usr_…`; "none" for those of nobody.
        state: one of `rows.STATES`.
        sort: one of `rows.SORTS`.
        at: from when ages are counted, aware; None for now.
        size: of a checkpoint at which the count ends; None for the newest. One that is given is counted from the first
            entry, and what was counted before is not relied on.

    Raises:
        NotSealed: if there is no such checkpoint.
        Malformed: naming what cannot be asked for.
    """
    if status not in ("", "all", *STATUSES):
        raise Malformed(f"is one of {', '.join(STATUSES)}, all", "status")
    # What cannot be asked for is refused before anything is counted.
    choose((), state=state, sort=sort)
    tenant_id, now = _tenant(), at or datetime.now(UTC)
    every = newest()
    numbers = {name: sum(row.status == name for row in every) for name in STATUSES}
    shown = status or ("draft" if numbers["draft"] and not numbers["in-force"] else "in-force")
    chosen = [row for row in every if shown in ("all", row.status)]
    mapping = mapping_in_force()
    ground = ground_of(tenant_id, period, size=size)
    rows = choose(_rows(tenant_id, chosen, ground, now), framework=framework, owner=owner, state=state, sort=sort)
    return Matrix(
        period=period,
        at=now,
        status=shown,
        searched=ground.searched,
        counted=ground.counted,
        mapping=mapping.version,
        mapping_digest=mapping.digest,
        rows=tuple(rows),
        counters=count_rows(rows),
        others={name: number for name, number in numbers.items() if shown not in ("all", name)},
        defined=len(every),
    )


def examined(control: str) -> list[Reviewed]:
    """The samples that were drawn for one of the tenant's controls, newest first.

    Args:
        control: `own:AI-7`.
    """
    return reviewed_samples(_tenant(), control).get(control, [])


def count_anew() -> None:
    """Let the next matrix count the log from its first entry."""
    forget(_tenant())


def _rows(tenant_id: UUID, controls: Sequence[OwnControl], ground: Ground, now: datetime) -> list[Row]:
    evidence = evidence_of_each(controls)
    samples = reviewed_samples(tenant_id)
    defined = first_days()
    today = now.astimezone(UTC).date()
    year = datetime.combine(year_before(today), datetime.min.time(), UTC)
    found = []
    for control in controls:
        count, annotated, last = _evidenced(ground.profiles, evidence[control.control])
        mine = samples.get(control.control, [])
        since = defined[control.code]
        found.append(
            Row(
                control=control.control,
                number=control.number,
                statement=control.statement,
                owner=control.owner,
                frequency=control.frequency,
                procedure=control.procedure,
                status=control.status,
                criteria=tuple(control.criteria),
                since=since,
                count=count,
                annotated=annotated,
                last=last,
                overdue=is_overdue(
                    control.frequency,
                    control.status,
                    since,
                    None if last is None else last.at.astimezone(UTC).date(),
                    today,
                ),
                sample=mine[0].state if mine else None,
                examination=examination_of(mine, year),
            )
        )
    return found


def _evidenced(profiles: Sequence[Profile], evidence: Evidence) -> tuple[int, int, Last | None]:
    held, noted = frozenset(evidence.controls), frozenset(evidence.actions)
    count = annotated = 0
    newest_: Profile | None = None
    for profile in profiles:
        holds = not held.isdisjoint(profile.controls)
        if not holds and not _is_noted(profile.action, noted, evidence.besides):
            continue
        count += profile.entries
        annotated += 0 if holds else profile.entries
        if newest_ is None or profile.last > newest_.last:
            newest_ = profile
    return count, annotated, None if newest_ is None else Last(newest_.last, newest_.last_at)


def _is_noted(action: str, noted: frozenset[str], besides: tuple[str, ...]) -> bool:
    return action in noted or ("x" in noted and action.startswith("x.") and action not in besides)


def _tenant() -> UUID:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nullif(current_setting('muniment.tenant', true), '')")
        (found,) = cursor.fetchone()
    if found is None:
        raise Refused("a matrix is of a tenant, and none is set in this transaction", "tenant")
    return UUID(found)
