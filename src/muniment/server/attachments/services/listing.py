"""Finding, listing and counting attachments."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from django.db import connection as django_connection
from django.db.models import Exists, OuterRef, Q

from muniment.core.errors import Refused
from muniment.server.attachments.models import Attachment, Withdrawal
from muniment.server.dlp import services as dlp

MOST_LISTED: Final = 500


class NoSuch(Refused):
    """There is no such attachment or upload in this tenant."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A version of an attachment, how it was withdrawn if it was, and what its scan says."""

    attachment: Attachment
    withdrawal: Withdrawal | None
    state: dlp.State


def attachments(
    *, control: str = "", kind: str = "", withdrawn: bool = False, before: str = "", limit: int = MOST_LISTED
) -> list[Attachment]:
    """The newest version of each attachment of the open tenant, newest first.

    Args:
        control: only those that evidence it.
        kind: only those of this kind.
        withdrawn: those that were withdrawn too.
        before: id of the attachment after which the page begins; "" for the first page.
        limit: at most so many, 1 to 500.
    """
    newer = Attachment.objects.filter(
        tenant_id=OuterRef("tenant_id"), series=OuterRef("series"), version__gt=OuterRef("version")
    )
    rows = Attachment.objects.filter(~Exists(newer))
    if control:
        rows = rows.filter(controls__contains=[control])
    if kind:
        rows = rows.filter(kind=kind)
    if not withdrawn:
        gone = Withdrawal.objects.filter(tenant_id=OuterRef("tenant_id"), series=OuterRef("series"))
        rows = rows.filter(~Exists(gone))
    if before:
        last = attachment_for(before)
        rows = rows.filter(Q(created_at__lt=last.created_at) | Q(created_at=last.created_at, id__lt=last.id))
    return list(rows.order_by("-created_at", "-id")[: max(1, min(limit, MOST_LISTED))])


def listed(rows: Collection[Attachment]) -> list[Listed]:
    """Attachments with their withdrawals and what their scans say."""
    gone = {row.series: row for row in Withdrawal.objects.filter(series__in=[row.series for row in rows])}
    states = dlp.states_of([row.id for row in rows])
    return [Listed(row, gone.get(row.series), states[row.id]) for row in rows]


def attached_to(control_id: str) -> int:
    """How many attachments of the open tenant evidence a control, as `counts` counts them."""
    return counts().get(control_id, 0)


def counts() -> Mapping[str, int]:
    """How many attachments of the open tenant evidence each control that has any.

    Withdrawn ones do not count, nor do those whose newest version is in quarantine or was never scanned.
    """
    with django_connection.cursor() as cursor:
        cursor.execute(_COUNTED)
        return Counter({str(control): int(count) for control, count in cursor.fetchall()})


# The newest versions that stand and were let through, counted by each control that they name.
_COUNTED: Final = """
SELECT control, count(*)
FROM (SELECT DISTINCT ON (tenant_id, series) tenant_id, id, series, controls
      FROM attachments_attachment ORDER BY tenant_id, series, version DESC) newest
CROSS JOIN LATERAL unnest(newest.controls) AS control
CROSS JOIN LATERAL (
    SELECT id, action FROM dlp_verdict v WHERE v.tenant_id = newest.tenant_id AND v.subject = newest.id
    ORDER BY v.seq DESC LIMIT 1) verdict
WHERE NOT EXISTS (SELECT FROM attachments_withdrawal w
                  WHERE w.tenant_id = newest.tenant_id AND w.series = newest.series)
  AND (verdict.action = 'allow'
       OR EXISTS (SELECT FROM dlp_release r WHERE r.tenant_id = newest.tenant_id AND r.verdict = verdict.id))
GROUP BY control
"""


def attachment_for(wanted: str) -> Attachment:
    """One version of an attachment of the open tenant, by its id.

    Raises:
        NoSuch: if there is none.
    """
    row = None if "\0" in wanted else Attachment.objects.filter(id=wanted).first()
    if row is None:
        raise NoSuch("there is no such attachment", "attachment")
    return row


def versions_of(attachment: Attachment) -> list[Attachment]:
    """Every version of an attachment, newest first."""
    return list(Attachment.objects.filter(series=attachment.series).order_by("-version"))


def withdrawal_of(attachment: Attachment) -> Withdrawal | None:
    """How an attachment was withdrawn; None if it stands."""
    return Withdrawal.objects.filter(series=attachment.series).first()
