"""What the tenant asks of its desk, and the text that is signed."""

from __future__ import annotations

import hashlib
from dataclasses import asdict

from muniment.core.errors import Refused
from muniment.server.access.standing import Standing
from muniment.server.packets.models import DeskRules, NdaText, nda_id
from muniment.server.packets.services.recording import noted, one_at_a_time
from muniment.server.packets.services.scopes import NoSuch
from muniment.server.packets.workflow import Rules, checked_text
from muniment.server.recording import record


def rules() -> Rules:
    """The rules of the open tenant."""
    row = DeskRules.objects.first()
    if row is None:
        return Rules()
    return Rules(row.due_hours, row.working_days, row.zone, row.nda_required, row.link_hours)


def set_rules(standing: Standing, wanted: Rules) -> None:
    """Set the rules; requests that are there keep theirs. Needs `tenant.manage`."""
    one_at_a_time(f"packets/rules/{standing.tenant_id}")
    before, after = asdict(rules()), asdict(wanted)
    changed = sorted(name for name in after if after[name] != before[name])
    if not changed:
        return
    DeskRules.objects.update_or_create(tenant_id=standing.tenant_id, defaults=after)
    record(
        "tenant.settings",
        by=standing.subject,
        resource=("tenant", str(standing.tenant_id)),
        labels={"changed": ",".join(f"packets_{name}" for name in changed)},
        body={"before": {name: before[name] for name in changed}, "after": {name: after[name] for name in changed}},
    )


def publish_nda(standing: Standing, *, text: str) -> NdaText:
    """Set the text that is signed from now on. Needs `tenant.manage`.

    Raises:
        Malformed: for a text that cannot be.
        Refused: if it is the text already.
    """
    text = checked_text(text)
    one_at_a_time(f"packets/nda/{standing.tenant_id}")
    before = nda_in_force()
    digest = hashlib.sha256(text.encode()).hexdigest()
    if before is not None and before.sha256 == digest:
        raise Refused("is the text already", "text")
    row = NdaText(
        id=nda_id(),
        tenant_id=standing.tenant_id,
        version=1 if before is None else before.version + 1,
        text=text,
        sha256=digest,
        created_by=standing.subject,
    )
    row.seq, row.event = noted(
        "nda.publish",
        by=standing.subject,
        resource=("nda", row.id),
        labels={"sha256": digest, "version": row.version, "characters": len(text)},
        causes=[] if before is None else [before.event],
    )
    row.save(force_insert=True)
    return row


def nda_in_force() -> NdaText | None:
    """The newest text of the open tenant; None if there is none yet."""
    return NdaText.objects.order_by("-version").first()


def ndas() -> list[NdaText]:
    """Every text of the open tenant, newest first."""
    return list(NdaText.objects.order_by("-version"))


def nda_for(wanted: str) -> NdaText:
    """A text of the open tenant by its id.

    Raises:
        NoSuch: if there is none.
    """
    row = None if "\0" in wanted else NdaText.objects.filter(id=wanted).first()
    if row is None:
        raise NoSuch("there is no such text", "nda")
    return row
