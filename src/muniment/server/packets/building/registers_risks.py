"""The risk register of a packet: each risk as it stood, its versions, and what was accepted of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from muniment.ledger.population import in_range
from muniment.ledger.query import EntryFilter, find_entries, in_one_process
from muniment.ledger.read import StoredEntry
from muniment.packet.contents import Extract, Table
from muniment.server.moments import moment
from muniment.server.packets.building.registers import PAGE, Extraction, Registers, held_to
from muniment.server.risks.models import Acceptance, AcceptanceDecision, RiskVersion
from muniment.server.risks.workflow import CLOSED, SCORES, STATES

_TITLE: Final = "Risk register"
_SAID: Final = (
    "Risks that were not closed in the period, as their newest version under the checkpoint says: those that name a "
    "control of the scope, and those that name none. Levels and places are people's judgement."
)
_OF_VERSIONS: Final = (
    "Every version of the risks above. The digest is SHA-256 over the text in the last column, and stands in the "
    "labels of the entry, which evidence.bundle holds."
)
_OF_ACCEPTANCES: Final = (
    "What was proposed, decided and ended about accepting these risks. The digest of a proposal is that of the "
    "version that it is about, the digest of a decision is SHA-256 over its frozen text, which the entry's body holds."
)
_COLUMNS: Final = (
    "Risk", "Version", "State", "Title", "Description", "Level", "Inherent", "Current", "Residual", "Treatment",
    "Plan", "Owner", "Review by", "Exceptions", "Controls", "Assets", "Findings", "Accepted until", "Newest entry",
)  # fmt: skip
_VERSION_COLUMNS: Final = (
    "Risk", "Version", "Step", "Because of", "By", "At (UTC)", "Entry", "Entry hash", "Digest", "Says",
)  # fmt: skip
_ACCEPTANCE_COLUMNS: Final = (
    "Risk", "Acceptance", "Step", "Until", "By", "Said", "At (UTC)", "Entry", "Entry hash", "Digest",
)  # fmt: skip
_LAPSE: Final = "risk.lapse"


@dataclass(frozen=True, slots=True)
class _Case:
    """A risk with its versions under the checkpoint; the newest says how it stood."""

    versions: Sequence[RiskVersion]
    said: Mapping[str, Any]

    @property
    def id(self) -> str:
        return self.versions[-1].risk


def risks_shown(extraction: Extraction) -> Registers:
    """The register, and the places of the entries of everything in it.

    Raises:
        VerificationFailed: for what is not what was recorded any more.
    """
    cases = _cases(extraction)
    if not cases:
        nothing = Extract("risks", _TITLE, f"{_SAID} There were none.", Table(_COLUMNS, ()))
        return Registers((nothing,), frozenset())
    ids = {case.id for case in cases}
    proposed = list(Acceptance.objects.filter(seq__lt=extraction.size, risk__in=ids).order_by("seq"))
    decided = list(AcceptanceDecision.objects.filter(seq__lt=extraction.size, risk__in=ids).order_by("seq"))
    lapses = _lapses(extraction, ids)
    places = {one.seq for case in cases for one in case.versions}
    places |= {one.seq for one in proposed} | {one.seq for one in decided}
    entries = {**extraction.entries(places), **lapses}
    acceptances = _acceptances(proposed, decided, lapses, entries)
    extracts = [
        Extract("risks", _TITLE, _SAID, _table(cases, proposed, decided, lapses), _counters(cases)),
        Extract("risk-versions", "Versions of risks", _OF_VERSIONS, _versions(cases, entries)),
    ]
    if acceptances:
        table = Table(_ACCEPTANCE_COLUMNS, acceptances)
        extracts.append(Extract("risk-acceptances", "Acceptances of risks", _OF_ACCEPTANCES, table))
    return Registers(tuple(extracts), frozenset(places | set(lapses)))


def _cases(extraction: Extraction) -> list[_Case]:
    found: dict[str, list[RiskVersion]] = defaultdict(list)
    for one in RiskVersion.objects.filter(seq__lt=extraction.size).order_by("risk", "version"):
        found[one.risk].append(one)
    cases = [_Case(versions, orjson.loads(versions[-1].content)) for versions in found.values()]
    return [case for case in cases if _shown(extraction, case)]


def _shown(extraction: Extraction, case: _Case) -> bool:
    over = case.versions[-1].at if case.said["state"] == CLOSED else None
    return extraction.within(case.versions[0].at, over) and extraction.belongs(case.said["controls"])


def _lapses(extraction: Extraction, ids: set[str]) -> dict[int, StoredEntry]:
    """Entries that ended an acceptance of one of these risks, by place."""
    in_one_process(extraction.reading)
    asked = in_range(EntryFilter(action=_LAPSE), extraction.size)
    cursor: str | None = None
    found: dict[int, StoredEntry] = {}
    while True:
        page = find_entries(extraction.reading, extraction.standing.log_id, asked, limit=PAGE, cursor=cursor)
        for one in page.entries:
            if orjson.loads(one.text)["event"]["resource"]["id"] in ids:
                found[one.seq] = one
        if (cursor := page.cursor) is None:
            return found


def _counters(cases: Sequence[_Case]) -> tuple[tuple[str, str], ...]:
    states = [case.said["state"] for case in cases]
    levels = [case.said["level"] or "not placed" for case in cases if case.said["state"] != CLOSED]
    told = [(STATES[state].lower(), f"{states.count(state):,}") for state in STATES if state in states]
    told += [(f"not closed, {level}", f"{levels.count(level):,}") for level in dict.fromkeys(sorted(levels))]
    return tuple(told)


def _table(
    cases: Sequence[_Case],
    proposed: Sequence[Acceptance],
    decided: Sequence[AcceptanceDecision],
    lapses: Mapping[int, StoredEntry],
) -> Table:
    over = {_labels(one).get("acceptance", "") for one in lapses.values()}
    holding = {one.acceptance for one in decided if one.verdict == "accepted"} - over
    accepted = {one.risk: one.until.isoformat() for one in proposed if one.id in holding}
    return Table(_COLUMNS, tuple(_cells(case, accepted.get(case.id, "not accepted")) for case in cases))


def _cells(case: _Case, accepted: str) -> tuple[str, ...]:
    said = case.said
    places = [said.get(score) for score in SCORES]
    return (
        case.id,
        f"{said['version']}",
        said["state"],
        said["title"],
        said["description"],
        said["level"] or "not placed",
        *("not placed" if cell is None else f"{cell['likelihood']}x{cell['impact']}" for cell in places),
        said["treatment"],
        said["plan"],
        said["owner"] or "nobody",
        said["review_on"],
        *(" ".join(said[name]) for name in ("exceptions", "controls", "assets", "findings")),
        accepted,
        f"{case.versions[-1].seq}",
    )


def _versions(cases: Sequence[_Case], entries: Mapping[int, StoredEntry]) -> Table:
    return Table(_VERSION_COLUMNS, tuple(_version(one, entries[one.seq]) for case in cases for one in case.versions))


def _version(one: RiskVersion, stored: StoredEntry) -> tuple[str, ...]:
    held_to(
        one, stored, action=f"risk.{one.step}", resource=one.risk, by=one.by, version=one.version, digest=one.digest
    )
    return (
        one.risk,
        f"{one.version}",
        one.step,
        one.cause or "",
        one.by,
        moment(one.at) or "",
        f"{one.seq}",
        stored.entry_hash.hex(),
        one.digest,
        one.content,
    )


def _acceptances(
    proposed: Sequence[Acceptance],
    decided: Sequence[AcceptanceDecision],
    lapses: Mapping[int, StoredEntry],
    entries: Mapping[int, StoredEntry],
) -> tuple[tuple[str, ...], ...]:
    until = {one.id: one.until.isoformat() for one in proposed}
    rows: list[tuple[int, tuple[str, ...]]] = []

    def add(stored: StoredEntry, at: datetime, digest: str, *told: str) -> None:
        rows.append((stored.seq, (*told, moment(at) or "", f"{stored.seq}", stored.entry_hash.hex(), digest)))

    for row in proposed:
        stored = entries[row.seq]
        held_to(
            row, stored, action="risk.propose", resource=row.risk, by=row.proposed_by, acceptance=row.id,
            digest=row.digest, until=until[row.id],
        )  # fmt: skip
        add(
            stored, row.proposed_at, row.digest, row.risk, row.id, "propose", until[row.id], row.proposed_by, row.reason
        )
    for one in decided:
        stored, step = entries[one.seq], "accept" if one.verdict == "accepted" else "refuse"
        held_to(one, stored, action=f"risk.{step}", resource=one.risk, by=one.by, decision=one.id, digest=one.digest)
        add(
            stored,
            one.at,
            one.digest,
            one.risk,
            one.acceptance,
            step,
            until.get(one.acceptance, ""),
            one.by,
            one.comment,
        )
    for stored in lapses.values():
        event, labels = orjson.loads(stored.text)["event"], _labels(stored)
        named, about, by = labels.get("acceptance", ""), str(event["resource"]["id"]), str(event["actor"]["id"])
        add(stored, stored.recorded_at, "", about, named, labels.get("why", "ended"), until.get(named, ""), by, "")
    return tuple(row for _, row in sorted(rows))


def _labels(stored: StoredEntry) -> dict[str, str]:
    labels = orjson.loads(stored.text)["event"].get("labels", [])
    return dict(label.split("=", 1) for label in labels if "=" in label)
