"""Making, changing and retiring policies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from django.db.models.functions import Lower

from muniment.core.errors import Malformed
from muniment.server.access.standing import Standing
from muniment.server.controls.owners import read_owner
from muniment.server.policies.models import PolicyVersion, policy_id, version_id
from muniment.server.policies.services.reading import body_of, definition_of, policy_for
from muniment.server.policies.workflow import RETIRED, Definition, changed, checked, differences, digest
from muniment.server.registers.codes import new_code
from muniment.server.registers.keeping import check_number, keep_entry, lock
from muniment.server.subjects import changed as subject_changed

ACTION = "policy.change"


def create(standing: Standing, said: Definition, *, code: str = "") -> PolicyVersion:
    """Bring a policy into the library.

    Args:
        standing: of who does it.
        said: its first version; the owner may be given by address.
        code: by which the tenant calls it; "" for the next free `POL-…`.

    Raises:
        Malformed: naming the field.
        Refused: for a code that is taken.
    """
    lock(standing, "policies")
    taken = set(PolicyVersion.objects.filter(number=1).values_list(Lower("code"), flat=True))
    owned = replace(said, owner=read_owner(standing.tenant_id, said.owner))
    return _keep(standing, policy_id(), new_code(code, "POL", taken), checked(owned), None)


def change(standing: Standing, wanted: str, given: Mapping[str, object], *, number: int | None = None) -> PolicyVersion:
    """Add a version to a policy in which some fields are others.

    Args:
        standing: of who changes it.
        wanted: its id or code.
        given: new values by the names of `Definition`, but not `status`.
        number: of the version that the caller has seen; None if that does not matter.

    Raises:
        NoSuch: if the tenant has no such policy.
        Malformed: naming the field.
        Refused: if somebody changed it meanwhile, it is retired, or nothing would be changed.
    """
    lock(standing, "policies")
    row = policy_for(wanted)
    check_number(row.number, number)
    before = definition_of(row)
    after = changed(before, {name: value for name, value in given.items() if name != "status"})
    # Who has left may stay the owner until it is changed.
    if after.owner.strip() not in (before.owner, before.owner.removeprefix("user:")):
        after = replace(after, owner=read_owner(standing.tenant_id, after.owner))
    else:
        after = replace(after, owner=before.owner)
    return _keep(standing, row.policy, row.code, checked(after, before), row)


def retire(standing: Standing, wanted: str, reason: str, *, number: int | None = None) -> PolicyVersion:
    """End a policy. It stays readable, and its code is not used again.

    Raises:
        NoSuch: if the tenant has no such policy.
        Malformed: without a reason.
        Refused: if somebody changed it meanwhile, or it is retired already.
    """
    lock(standing, "policies")
    row = policy_for(wanted)
    check_number(row.number, number)
    before = definition_of(row)
    return _keep(standing, row.policy, row.code, checked(replace(before, status=RETIRED, reason=reason), before), row)


def _keep(standing: Standing, policy: str, code: str, said: Definition, before: PolicyVersion | None) -> PolicyVersion:
    if said.effective_on is None:
        raise Malformed("must not be empty", "effective_on")
    row = PolicyVersion(
        id=version_id(),
        tenant_id=standing.tenant_id,
        policy=policy,
        number=1 if before is None else before.number + 1,
        code=code,
        title=said.title,
        text=said.text,
        link=said.link,
        owner=said.owner,
        effective_on=said.effective_on,
        status=said.status,
        reason=said.reason,
        created_by=standing.subject,
    )
    row.digest = digest(policy, row.number, said)
    row.seq, row.event = keep_entry(
        standing.subject,
        ACTION,
        ("policy", policy),
        labels={
            "number": row.number,
            "step": "create" if before is None else "retire" if said.status == RETIRED else "change",
            "changed": "" if before is None else ",".join(differences(definition_of(before), said)),
            "owner": row.owner,
            "effective.on": row.effective_on,
            "digest": row.digest,
        },
        body=body_of(row),
        causes=[] if before is None else [before.event],
    )
    row.save(force_insert=True)
    subject_changed("policy", policy, row.digest)
    return row
