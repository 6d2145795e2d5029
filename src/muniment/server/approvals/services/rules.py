"""The rules of approval of the open tenant: which are in force, which a case began under, and changing them."""

from __future__ import annotations

from dataclasses import dataclass

import orjson
from django.utils import timezone

from muniment.core.errors import Malformed, Refused
from muniment.server.access.standing import Standing
from muniment.server.approvals.document import digest_of, document_of, rules_from, text_of
from muniment.server.approvals.models import RulesVersion, version_id
from muniment.server.approvals.roster import Decider
from muniment.server.approvals.services.deciding import roster
from muniment.server.approvals.services.naming import resolved
from muniment.server.approvals.validation import Fault, validate
from muniment.server.approvals.workflow import DEFAULT, DEFAULT_ID, Case, Level, Rules, clause_for, levels_of
from muniment.server.capabilities import Capability
from muniment.server.registers.keeping import NoSuch, check_number, keep_entry, lock

ACTION = "workflow.change"
MAX_COMMENT = 4_000


@dataclass(frozen=True, slots=True)
class Preview:
    """What rules would do with a case.

    Attributes:
        place: of the clause that takes it; None for `otherwise`.
        levels: each with everybody who could decide there.
    """

    place: int | None
    levels: tuple[tuple[Level, tuple[Decider, ...]], ...]


def rules_in_force() -> Rules:
    """The rules that hold for whatever is submitted now; `DEFAULT` where the tenant wrote none."""
    row = newest()
    return DEFAULT if row is None else rules_in(row)


def rules_of(version_id: str) -> Rules:
    """The rules of one version, by which the cases go on that began under it.

    Args:
        version_id: `wfv_…`, `DEFAULT_ID` too.

    Raises:
        NoSuch: if the tenant has none of that id.
    """
    return DEFAULT if version_id == DEFAULT_ID else rules_in(version_for(version_id))


def rules_in(row: RulesVersion) -> Rules:
    """The rules that a row holds."""
    return rules_from(orjson.loads(row.content), id_=row.id, version=row.number)


def newest() -> RulesVersion | None:
    """The version in force; None where the tenant wrote none."""
    return RulesVersion.objects.order_by("-number").first()


def versions() -> list[RulesVersion]:
    """Every version that the tenant wrote, newest first."""
    return list(RulesVersion.objects.order_by("-number"))


def version_for(wanted: str) -> RulesVersion:
    """A version of the open tenant by its id.

    Raises:
        NoSuch: if there is none.
    """
    row = None if "\0" in wanted else RulesVersion.objects.filter(id=wanted).first()
    if row is None:
        raise NoSuch("there is no such version", "version")
    return row


def faults_of(rules: Rules) -> list[Fault]:
    """What is wrong with rules, given the people of the open tenant now."""
    return validate(rules, list(roster(timezone.now()).people.values()))


def preview(rules: Rules, case: Case, *, requester: str = "") -> Preview:
    """Which levels a case would need, and who could decide at each.

    Args:
        rules: in force or not.
        case: made up.
        requester: `user:usr_…` who never decides on it; "" for somebody who decides on nothing.

    Raises:
        Malformed: for a risk level that there is not.
    """
    place = clause_for(rules, case)
    now = roster(timezone.now())
    barred = {requester} if requester else set()
    return Preview(place, tuple((level, now.deciders(level, barred)) for level in levels_of(rules, place)))


def save_rules(standing: Standing, rules: Rules, *, comment: str, number: int | None = None) -> RulesVersion:
    """Put rules in force for whatever is submitted from now on; what runs goes on under its own version.

    Args:
        standing: of who does it; has `workflow.manage`.
        rules: whose people, groups and assets may be given by name.
        comment: why, 1 to 4,000 characters.
        number: of the version that they were written from; None if that does not matter.

    Raises:
        Malformed: naming the field: something that is not there, or rules under which a case would have no way.
        Refused: if nothing would change, or another version stands by now.
    """
    standing.require(Capability.WORKFLOW_MANAGE)
    comment = checked_comment(comment, "comment", MAX_COMMENT, least=1)
    lock(standing, "approvals/rules")
    wanted = resolved(rules)
    before = newest()
    check_number(0 if before is None else before.number, number)
    blocking = [one for one in faults_of(wanted) if one.blocks]
    if blocking:
        others = (f"{one.where}: {one.reason}" for one in blocking[1:5])
        raise Malformed("; ".join((blocking[0].reason, *others)), blocking[0].where)
    text = text_of(wanted)
    if text == text_of(DEFAULT if before is None else rules_in(before)):
        raise Refused("nothing would be changed", "rules")
    row = RulesVersion(
        id=version_id(),
        tenant_id=standing.tenant_id,
        number=1 if before is None else before.number + 1,
        content=text,
        digest=digest_of(text),
        comment=comment,
        created_by=standing.subject,
    )
    row.seq, row.event = keep_entry(
        standing.subject,
        ACTION,
        ("approval-rules", row.id),
        labels={"number": row.number, "digest": row.digest, "rows": len(wanted.clauses), "days": wanted.max_days},
        causes=[] if before is None else [before.event],
        body={"rules": document_of(wanted), "comment": comment},
    )
    row.save(force_insert=True)
    return row


def checked_comment(text: str, where: str, most: int, *, least: int = 0) -> str:
    """A comment without blanks around it.

    Raises:
        Malformed: naming the field.
    """
    said = text.replace("\r\n", "\n").strip()
    if not least <= len(said) <= most:
        raise Malformed(f"has {least or 'at most'}{' to' if least else ''} {most:,} characters", where)
    if any((ord(one) < 32 and one not in "\n\t") or 0x7F <= ord(one) < 0xA0 for one in said):
        raise Malformed("holds a control character", where)
    return said
