"""Judging files, keeping verdicts, and releasing what was held back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from django.conf import settings
from django.db import connection as django_connection

from muniment.core.errors import Malformed, Refused
from muniment.dlp.inspection import inspect
from muniment.dlp.judging import ALLOW, BLOCK, QUARANTINE, Judgement, judge
from muniment.dlp.limits import Limits
from muniment.dlp.scanning import Scan
from muniment.server.access.standing import Standing
from muniment.server.dlp.antivirus import ask_antivirus, check_address
from muniment.server.dlp.models import Release, Verdict, release_id, verdict_id
from muniment.server.dlp.services.policies import policy_in_force
from muniment.server.recording import record

# The database ends a transaction that waits for a minute.
LIMITS: Final = Limits(seconds=35)
AT_ONCE: Final = 2
"""Files that one process of the server has read at the same time."""
PATIENCE: Final = 15.0
MOST_REASON: Final = 4_000
_reading: Final = threading.BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True, slots=True)
class Judged:
    """A file, what was found in it, and what follows."""

    sha256: str
    size: int
    judgement: Judgement
    scan: Scan
    antivirus: str
    policy: int


@dataclass(frozen=True, slots=True)
class State:
    """How a stored file stands.

    Attributes:
        verdict: the newest; None if it was never scanned.
        release: of that verdict.
    """

    verdict: Verdict | None
    release: Release | None

    @property
    def withheld(self) -> str:
        """Why it is not given out; "" if it may be."""
        if self.verdict is None:
            return "it was not scanned yet"
        if self.verdict.action == ALLOW or self.release is not None:
            return ""
        return "it is in quarantine: " + "; ".join(findings_of(self.verdict)["reasons"])

    @property
    def word(self) -> str:
        """`not scanned`, `allowed`, `quarantined` or `released`."""
        if self.verdict is None:
            return "not scanned"
        if self.verdict.action == ALLOW:
            return "allowed"
        return "quarantined" if self.release is None else "released"


def judge_file(open_: Callable[[], Iterable[bytes]], *, sha256: str, size: int) -> Judged:
    """Have a file searched and judged by the policy in force. Nothing is kept of it.

    Args:
        open_: gives the file's bytes; asked once for each who reads it.
        sha256: of the file.
        size: in bytes.

    Raises:
        Refused: if too many files are being read.
    """
    number, policy = policy_in_force()
    address = check_address(settings.CLAMD)
    if not _reading.acquire(timeout=PATIENCE):
        raise Refused("too many files are being scanned; ask again in a minute", "file")
    try:
        antivirus = ask_antivirus(address, open_())
        scan = inspect(open_(), policy.patterns, today=datetime.now(UTC).date(), limits=LIMITS)
    finally:
        _reading.release()
    return Judged(sha256, size, judge(policy, scan, antivirus), scan, antivirus, number)


def keep_verdict(
    standing: Standing, judged: Judged, *, subject: tuple[str, str], attached_by: str, causes: Sequence[str] = ()
) -> Verdict:
    """Keep what was found in a stored file. What would be blocked is quarantined, for its bytes are there.

    Args:
        standing: of who has it scanned.
        judged: of the file.
        subject: (kind, id) of what it is.
        attached_by: who brought it; they cannot release it.
        causes: the entry that recorded it.
    """
    action = QUARANTINE if judged.judgement.action == BLOCK else judged.judgement.action
    row = _row(standing, judged, subject, attached_by, action)
    receipt = record(
        "dlp.scan", by=standing.subject, resource=subject, labels=_labels(judged, action), causes=causes,
        body=_body(judged),
    )  # fmt: skip
    row.seq = receipt.seq
    row.save(force_insert=True)
    return row


def keep_blocked(standing: Standing, judged: Judged, *, kind: str, name: str) -> Verdict:
    """Keep that a file was refused. Its bytes are not kept: call this once what stored them was rolled back.

    Args:
        standing: of who brought it.
        judged: of the file.
        kind: what it was to become.
        name: of the file.
    """
    row = _row(standing, judged, (kind, ""), standing.subject, BLOCK)
    receipt = record(
        "dlp.block",
        by=standing.subject,
        outcome="denied",
        resource=("file", judged.sha256),
        labels=_labels(judged, BLOCK),
        body={"name": name, **_body(judged)},
    )
    row.seq = receipt.seq
    row.save(force_insert=True)
    return row


def state_of(subject: str) -> State:
    """How one stored file stands."""
    return states_of([subject])[subject]


def states_of(subjects: Collection[str]) -> dict[str, State]:
    """How stored files stand, by their ids."""
    verdicts = newest_verdicts(subjects)
    released = {row.verdict: row for row in Release.objects.filter(verdict__in=[one.id for one in verdicts.values()])}
    found = {one: verdicts.get(one) for one in subjects}
    return {one: State(row, None if row is None else released.get(row.id)) for one, row in found.items()}


def newest_verdicts(subjects: Collection[str]) -> Mapping[str, Verdict]:
    """The newest verdict of each of some files that has one."""
    rows = Verdict.objects.filter(subject__in=[one for one in subjects if one])
    return {row.subject: row for row in rows.order_by("tenant_id", "subject", "-seq").distinct("tenant_id", "subject")}


# Verdicts that hold a stored file back: the newest of it, and nobody released it.
_HELD: Final = """
FROM dlp_verdict v WHERE v.action = 'quarantine' AND v.kind = %s AND v.subject <> ''
AND NOT EXISTS (SELECT FROM dlp_verdict n
                WHERE n.tenant_id = v.tenant_id AND n.subject = v.subject AND n.seq > v.seq)
AND NOT EXISTS (SELECT FROM dlp_release r WHERE r.tenant_id = v.tenant_id AND r.verdict = v.id)
"""


def held_count(kind: str) -> int:
    """How many stored files of a kind are held back."""
    with django_connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) {_HELD}", [kind])
        return int(cursor.fetchone()[0])


def quarantined(kind: str, *, most: int = 200) -> list[Verdict]:
    """The verdicts that hold stored files of a kind back, newest first."""
    with django_connection.cursor() as cursor:
        cursor.execute(f"SELECT v.id {_HELD} ORDER BY v.seq DESC LIMIT %s", [kind, most])
        ids = [str(row[0]) for row in cursor.fetchall()]
    return list(Verdict.objects.filter(id__in=ids).order_by("-seq"))


def refusals(*, most: int = 200) -> list[Verdict]:
    """Verdicts of files that were refused, newest first."""
    return list(Verdict.objects.filter(action=BLOCK).order_by("-seq")[:most])


def release(standing: Standing, verdict: Verdict, *, reason: str) -> Release:
    """Take a file out of quarantine. Whoever attached it cannot, and no program can.

    Args:
        standing: of somebody with `dlp.manage`, after a fresh second factor.
        verdict: that holds it back; the newest of its file.
        reason: why; kept for good.

    Raises:
        Malformed: without a reason.
        Refused: naming what stands against it.
    """
    reason = reason.strip()
    if not 1 <= len(reason) <= MOST_REASON or any(ord(one) < 32 and one not in "\n\r\t" for one in reason):
        raise Malformed(f"has 1 to {MOST_REASON:,} characters, no control characters", "reason")
    if not standing.subject.startswith("user:"):
        raise Refused("a person releases from quarantine, no key does", "by")
    with django_connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"dlp/{verdict.subject}"])
    state = state_of(verdict.subject)
    if state.verdict is None or state.verdict.id != verdict.id:
        raise Refused("it was scanned again meanwhile; look at the newer verdict", "verdict")
    if verdict.action != QUARANTINE:
        raise Refused("is not in quarantine", "verdict")
    if state.release is not None:
        raise Refused("was released already", "verdict")
    if verdict.attached_by == standing.subject:
        raise Refused("who attached a file does not release it", "by")
    row = Release(
        id=release_id(),
        tenant_id=standing.tenant_id,
        verdict=verdict.id,
        reason=reason,
        created_by=standing.subject,
    )
    receipt = record(
        "dlp.release",
        by=standing.subject,
        resource=(verdict.kind, verdict.subject),
        labels={"verdict": verdict.id, "sha256": verdict.sha256, "attached.by": verdict.attached_by},
        body={"reason": reason},
    )
    row.seq = receipt.seq
    row.save(force_insert=True)
    return row


def findings_of(row: Verdict) -> dict[str, Any]:
    """What a verdict tells: `coverage`, `reason`, `counts`, `places`, `pictures`, `reasons`."""
    found: dict[str, Any] = orjson.loads(row.findings)
    return found


def _row(standing: Standing, judged: Judged, subject: tuple[str, str], attached_by: str, action: str) -> Verdict:
    return Verdict(
        id=verdict_id(),
        tenant_id=standing.tenant_id,
        kind=subject[0],
        subject=subject[1],
        sha256=judged.sha256,
        size=judged.size,
        action=action,
        findings=orjson.dumps(_body(judged)).decode(),
        antivirus=judged.antivirus[:200],
        policy=judged.policy,
        attached_by=attached_by,
        created_by=standing.subject,
    )


def _labels(judged: Judged, action: str) -> dict[str, object]:
    return {
        "verdict": action,
        "sha256": judged.sha256,
        "size": judged.size,
        "coverage": judged.scan.coverage,
        "found": sum(count for _, count in judged.scan.counts),
        "kinds": len(judged.scan.counts),
        "policy": judged.policy,
    }


def _body(judged: Judged) -> dict[str, Any]:
    scan = judged.scan
    return {
        "reasons": list(judged.judgement.reasons),
        "coverage": scan.coverage,
        "reason": scan.reason,
        "counts": dict(scan.counts),
        "places": [{"where": one.where, "kind": one.kind, "count": one.count} for one in scan.places],
        "pictures": scan.pictures,
        "antivirus": judged.antivirus,
    }
