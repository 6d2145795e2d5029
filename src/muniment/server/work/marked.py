"""What was marked for a step with many: each thing as the page shows it, with what stands against the step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from muniment.core.errors import Malformed, Refused
from muniment.server.access.standing import Standing
from muniment.server.exceptions import services as exceptions
from muniment.server.exceptions.models import PolicyException
from muniment.server.exceptions.workflow import RISK_LEVELS, UNDER_REVIEW
from muniment.server.exceptions.workflow import STATES as EXCEPTION_STATES
from muniment.server.remediation.contents import SEVERITIES
from muniment.server.remediation.models import Finding, Task
from muniment.server.remediation.services.steps import actor_of, kind_of
from muniment.server.remediation.workflow import STATES, advance
from muniment.server.risks.models import Risk
from muniment.server.risks.services import holds
from muniment.server.risks.workflow import CLOSED
from muniment.server.risks.workflow import STATES as RISK_STATES
from muniment.server.tables.registry import address, table_of
from muniment.server.work.bulk import Act


@dataclass(frozen=True, slots=True)
class Marked:
    """One thing that was marked.

    Attributes:
        id, title: of it.
        url: of its page.
        level: its risk or severity in words; "" where it has none.
        state: in words.
        day: until which it holds, or by which it is due; None for none.
        basis, steps: as an `Item` of the step takes them.
        against: why the step cannot be taken; "" if nothing stands against it.
    """

    id: str
    title: str
    url: str
    level: str
    state: str
    day: date | None
    basis: str
    steps: int
    against: str


def marked(standing: Standing, act: Act, ids: Sequence[str]) -> list[Marked]:
    """What was marked, in that order; what is not there is left out."""
    table = table_of(act.of)
    known = table.listing.rows(standing).in_bulk([one for one in ids if "\0" not in one])
    return [_marked(standing, act, known[one], address(table.page, one)) for one in ids if one in known]


def _marked(standing: Standing, act: Act, row: object, url: str) -> Marked:
    match row:
        case PolicyException():
            basis, against = _exception(standing, act, row)
            level, state = RISK_LEVELS.get(row.risk_level, ""), EXCEPTION_STATES[row.state]
            return Marked(row.id, row.title, url, level, state, row.expires_on, basis, row.steps, against)
        case Risk():
            against = ""
            if row.state == CLOSED:
                against = "is closed already"
            elif holds(row.chain):
                against = "is open as long as the exception that it mirrors holds"
            return Marked(
                row.id,
                row.title,
                url,
                row.level.title(),
                RISK_STATES[row.state],
                row.review_on,
                "",
                row.version,
                against,
            )
        case Task() | Finding():
            level = SEVERITIES[row.severity] if isinstance(row, Finding) else ""
            state = STATES[kind_of(row)][row.state]
            against = _remediation(standing, act, row)
            return Marked(row.id, row.title, url, level, state, row.due_on, "", row.number, against)
    raise TypeError(type(row))


def _exception(standing: Standing, act: Act, row: PolicyException) -> tuple[str, str]:
    refused = exceptions.stands_against(standing, row, act.code)  # type: ignore[arg-type]
    try:
        basis = exceptions.basis_of(row).basis if row.state == UNDER_REVIEW else ""
    except Malformed as error:
        return "", f"{error.where}: {error.reason}"
    return basis, "" if refused is None else refused.reason


def _remediation(standing: Standing, act: Act, row: Task | Finding) -> str:
    resolved_by = row.resolved_by if isinstance(row, Finding) else ""
    try:
        advance(kind_of(row), row.state, act.code, actor_of(standing, row), {"comment"}, resolved_by=resolved_by)
    except (Malformed, Refused) as error:
        return error.reason
    return ""
