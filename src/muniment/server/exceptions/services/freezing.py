"""What a decision applies to, written down at the moment of the decision: canonical JSON, and digests over it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any

from muniment.core.canonical import dump_json
from muniment.core.errors import Malformed
from muniment.server.approvals.workflow import Case
from muniment.server.assets.services import find_asset
from muniment.server.attachments import services as attachments
from muniment.server.controls.models import OwnControl
from muniment.server.controls.services import digest_of, own_ids
from muniment.server.controls.workflow import PREFIX
from muniment.server.exceptions.content import Content
from muniment.server.exceptions.models import PolicyException
from muniment.server.exceptions.services.reading import content_of
from muniment.server.frameworks.services import check_controls
from muniment.server.policies.services import find_policy
from muniment.server.subjects import WITHDRAWN


@dataclass(frozen=True, slots=True)
class Sealed:
    """A decision's text, and the SHA-256 under which its entry names it."""

    text: str
    digest: str


@dataclass(frozen=True, slots=True)
class Frozen:
    """What a decision applies to.

    Attributes:
        document: policy, scope, controls, assets, risk, compensating controls, evidence, and the days.
        rests: (kind, id, digest) of all that may change later.
        case: what of it chooses the approvals that it needs.
    """

    document: dict[str, Any]
    rests: tuple[tuple[str, str, str], ...]
    case: Case

    @property
    def basis(self) -> str:
        """SHA-256 over what the decision applies to, 64 hex digits: the same for everybody who is shown the same."""
        return _digest(b"muniment/exception-basis/1\0", dump_json(self.document))

    def seal(self, *, exception: str, kind: str, by: str, on_behalf_of: str, level: int, round: int) -> Sealed:
        """The decision itself: who decided what, on which basis."""
        text = dump_json(
            {
                "applies_to": self.document,
                "basis": self.basis,
                "by": by,
                "exception": exception,
                "kind": kind,
                "level": level,
                "on_behalf_of": on_behalf_of,
                "round": round,
            }
        )
        return Sealed(text.decode(), _digest(b"muniment/exception-decision/1\0", text))


def freeze(row: PolicyException) -> Frozen:
    """What a decision on an exception would apply to now.

    Raises:
        Malformed: naming the field, if something that it names is not there any more.
    """
    content = content_of(row)
    policy = find_policy(content.policy)
    assets = [find_asset(one, "assets") for one in content.assets]
    controls = {one: _control(one) for one in (*content.controls, *content.compensating_controls)}
    evidence = [_evidence(one) for one in content.evidence]
    document: dict[str, Any] = {
        "assets": [
            {"criticality": one.criticality, "digest": one.digest, "id": one.id, "version": one.version}
            for one in assets
        ],
        "compensating": content.compensating,
        "compensating_controls": [controls[one] for one in content.compensating_controls],
        "controls": [controls[one] for one in content.controls],
        "evidence": evidence,
        "expires_on": content.expires_on.isoformat(),
        "owner": content.owner,
        "policy": {"digest": policy.digest, "id": policy.id, "version": policy.version},
        "reason": content.reason,
        "renews": row.renews,
        "requested_by": row.requested_by,
        "residual_risk": content.residual_risk,
        "risk_level": content.risk_level,
        "rules": row.rules,
        "scope": content.scope,
        "starts_on": "" if content.starts_on is None else content.starts_on.isoformat(),
        "title": content.title,
        "zone": content.zone,
    }
    rests = {("policy", policy.id, policy.digest)}
    rests |= {("asset", one.id, one.digest) for one in assets}
    rests |= {("control", one["id"], one["digest"]) for one in controls.values() if "digest" in one}
    rests |= {("attachment", one["series"], one["newest"]) for one in evidence}
    case = Case(
        content.risk_level,
        frozenset(content.frameworks),
        frozenset(one.id for one in assets),
        frozenset(one.criticality for one in assets),
    )
    return Frozen(document, tuple(sorted(rests)), case)


def look_up(content: Content) -> Content:
    """A content whose policy and assets are named by their ids, however they were named; all that it names is there.

    Raises:
        Malformed: naming the field.
    """
    policy = find_policy(content.policy)
    if policy.retired:
        raise Malformed("is a policy that was retired", "policy")
    assets = [find_asset(one, "assets") for one in content.assets]
    for asset in assets:
        if asset.retired:
            raise Malformed(f"names {asset.code}, which was retired", "assets")
    own = own_ids()
    check_controls(content.controls, "controls", own=own)
    check_controls(content.compensating_controls, "compensating_controls", own=own)
    for one in content.evidence:
        if _evidence(one)["newest"] == WITHDRAWN:
            raise Malformed(f"names {one}, which was withdrawn", "evidence")
        if said := attachments.withheld(attachments.attachment_for(one)):
            raise Malformed(f"names {one}, which is no evidence: {said}", "evidence")
    return replace(content, policy=policy.id, assets=tuple(one.id for one in assets))


def _control(wanted: str) -> dict[str, Any]:
    if not wanted.startswith(PREFIX):
        # A criterion of a framework is frozen by the edition in its id.
        return {"id": wanted}
    row = OwnControl.objects.filter(code=wanted.removeprefix(PREFIX)).order_by("-number").first()
    if row is None:
        raise Malformed(f"names {wanted}, which is not there", "controls")
    return {"digest": digest_of(row), "id": wanted, "number": row.number, "status": row.status}


def _evidence(wanted: str) -> dict[str, Any]:
    try:
        row = attachments.attachment_for(wanted)
    except attachments.NoSuch:
        raise Malformed(f"names {wanted}, which is not there", "evidence") from None
    gone = attachments.withdrawal_of(row) is not None
    return {
        "id": row.id,
        "newest": WITHDRAWN if gone else attachments.versions_of(row)[0].sha256,
        "series": row.series,
        "sha256": row.sha256,
        "version": row.version,
    }


def _digest(domain: bytes, text: bytes) -> str:
    return hashlib.sha256(domain + text).hexdigest()
