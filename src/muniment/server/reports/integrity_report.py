"""The integrity report: how a log stands by its own records, what was checked, and what was not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from muniment.core.entry import parse_entry
from muniment.core.event import Event
from muniment.ledger.logfacts import log_facts
from muniment.ledger.population import in_range
from muniment.ledger.query import EntryFilter, find_entries
from muniment.reports.asks import Ask
from muniment.reports.blocks import Block, Cell, Column, Facts, Figure, Heading, Notice, Paragraph, Table
from muniment.server.moments import moment
from muniment.server.reports.asking import NONE, Asking
from muniment.server.reports.scope import Scope
from muniment.server.verification.report import MEANINGS
from muniment.verifier.report import CHECK_NAMES

WALKS: Final = 8
ANCHORS: Final = 12
_STATES: Final = {"passed": "passed", "failed": "FAILED", "not_made": "not made"}
_COUNTED: Final = (
    ("Keys notes issued", "keys.publish", "which key is the log's, signed by the root key"),
    ("API keys created", "key.create", ""),
    ("API keys revoked", "key.revoke", ""),
    ("Sources given to another key", "source.bind", ""),
    ("Bodies erased", "body.erase", "their commitments stay; chain and proofs hold"),
    ("Events refused by the ledger, and named", "event.refused", "gaps of sources that have a name"),
    ("Requests refused", "access.refuse", "whoever asked may not do what was asked"),
    ("Exports", "export.create", "entries that left the ledger"),
)


def integrity_blocks(asking: Asking, scope: Scope) -> tuple[str, str, list[Block]]:
    """Title, subtitle and pages of an integrity report."""
    walks = _events(asking, "audit.walk", WALKS)
    blocks: list[Block] = [*_verdict(asking, walks), *_log(asking), *_walks(asking, walks)]
    blocks += _checks(asking, walks)
    blocks += _anchors(asking)
    blocks += _records(asking)
    blocks += _limits(asking, walks)
    return scope.title or "Integrity of the ledger", f"The log {asking.under.origin}", blocks


def _events(asking: Asking, action: str, limit: int) -> list[tuple[int, str, Event]]:
    """The newest entries of an action that the ledger's own source recorded: place, time, event."""
    asked = in_range(EntryFilter(action=action), asking.under.size)
    newest = EntryFilter(action=action, below=asked.below, newest_first=True)
    page = find_entries(asking.reading, asking.standing.log_id, newest, limit=limit)
    return [(one.seq, moment(one.recorded_at) or "", parse_entry(one.text).event) for one in page.entries]


def _verdict(asking: Asking, walks: Sequence[tuple[int, str, Event]]) -> list[Block]:
    failed = asking.figure("full walks that found something", _count("audit.walk", outcome="failure"))
    blocks: list[Block] = [Heading("In short", 1)]
    if not walks:
        blocks.append(
            Notice("Not checked", "No full walk is recorded under this checkpoint: nothing is known.", "warn")
        )
    elif walks[0][2].outcome == "success":
        seq, at, _ = walks[0]
        blocks.append(
            Notice("The newest full walk found nothing", f"It is recorded as entry {seq:,}, at {at}.", "good")
        )
    else:
        seq, at, _ = walks[0]
        blocks.append(Notice("The newest full walk found something", f"See entry {seq:,}, recorded at {at}.", "bad"))
    blocks.append(Paragraph(("Full walks under this checkpoint that found something: ", failed, ".")))
    return blocks


def _log(asking: Asking) -> list[Block]:
    facts = log_facts(asking.reading, asking.standing.log_id)
    rows: list[tuple[str, Cell]] = [("Entries under the checkpoint", asking.figure("entries", Ask("entries")))]
    if facts is not None:
        rows += [
            ("Entry 0, by which the log is known", facts.genesis_hash.hex()),
            ("Region", facts.region),
        ]
    rows.append(("First entry recorded", asking.figure("time of the newest entry", Ask("newest", {}, of="time"))))
    rows[-1] = ("Newest entry recorded", rows[-1][1])
    return [Heading("Log and checkpoint", 1), Facts(tuple(rows))]


def _walks(asking: Asking, walks: Sequence[tuple[int, str, Event]]) -> list[Block]:
    every = asking.figure("full walks", _count("audit.walk"))
    blocks: list[Block] = [
        Heading("Walks over the whole log", 1),
        Paragraph(("Recorded under this checkpoint: ", every, ". A walk reads every entry, and compares texts, hashes, "
                   "columns, indexes, tree, bodies and signatures.")),
    ]  # fmt: skip
    body: list[tuple[Cell, ...]] = [
        (
            asking.figure(f"walk at entry {seq}: number", Ask("recorded", seq=seq, path=("labels", "walk.run"))),
            at,
            asking.figure(f"walk at entry {seq}: entries read", Ask("recorded", seq=seq, path=("labels", "walk.rows"))),
            "nothing found" if event.outcome == "success" else "FOUND SOMETHING",
            f"{seq:,}",
        )
        for seq, at, event in walks
    ]
    columns = (
        Column("Walk", "right", 0), Column("Recorded", "left", 3), Column("Entries read", "right", 2),
        Column("Result", "left", 2), Column("Entry", "right", 1),
    )  # fmt: skip
    return [*blocks, Table(columns, tuple(body), "The newest first")] if body else blocks


def _checks(asking: Asking, walks: Sequence[tuple[int, str, Event]]) -> list[Block]:
    if not walks:
        return []
    seq = walks[0][0]
    body: list[tuple[Cell, ...]] = []
    for name in CHECK_NAMES:
        state = asking.answer(_check(seq, name, "state"))
        if state == NONE:
            continue
        count = asking.figure(f"check {name}: count", _check(seq, name, "count"))
        body.append((name, MEANINGS.get(name, ""), _STATES.get(str(state), str(state)), count))
    columns = (
        Column("Check", "mono", 2), Column("What it means", "left", 6), Column("State", "left", 2),
        Column("Things checked", "right", 2),
    )  # fmt: skip
    return [Heading("Checks of the newest walk", 1), Table(columns, tuple(body), f"As entry {seq:,} says")]


def _check(seq: int, name: str, what: str) -> Ask:
    return Ask("recorded", seq=seq, path=("body", "checks", name, what))


def _anchors(asking: Asking) -> list[Block]:
    tokens = asking.figure("timestamp tokens recorded", _count("anchor.record"))
    refused = asking.figure("refusals of authorities recorded", _count("anchor.refuse"))
    blocks: list[Block] = [
        Heading("Anchors", 1),
        Paragraph(("Timestamp tokens of outside authorities recorded under this checkpoint: ", tokens,
                   ". Failures of authorities recorded: ", refused, ".")),
    ]  # fmt: skip
    if asking.value(tokens) == 0:
        return [
            *blocks,
            Notice("Not anchored", "No outside clock says when this log existed. All times are the operator's word."),
        ]
    body: list[tuple[Cell, ...]] = [
        (
            *(
                asking.figure(f"token at entry {seq}: {what}", Ask("recorded", seq=seq, path=("labels", label)))
                for what, label in (
                    ("authority", "anchor.authority"),
                    ("time", "anchor.time"),
                    ("verifies without renewal until", "anchor.until"),
                )
            ),
            f"{seq:,}",
        )
        for seq, _at, _event in _events(asking, "anchor.record", ANCHORS)
    ]
    columns = (
        Column("Authority", "left", 2), Column("Its time", "left", 3),
        Column("Verifies without renewal until", "left", 3), Column("Entry", "right", 1),
    )  # fmt: skip
    return [*blocks, Table(columns, tuple(body), "The newest first, as recorded; verify a bundle to check a token")]


def _records(asking: Asking) -> list[Block]:
    body: list[tuple[Cell, ...]] = [
        (what, meaning, _counted(asking, what, action)) for what, action, meaning in _COUNTED
    ]
    columns = (Column("What", "left", 4), Column("Meaning", "left", 5), Column("Entries", "right", 2))
    return [Heading("Keys, erasures, gaps and refusals", 1), Table(columns, tuple(body), "Under this checkpoint")]


def _counted(asking: Asking, what: str, action: str) -> Figure:
    return asking.figure(what.lower(), _count(action))


def _count(action: str, *, outcome: str = "") -> Ask:
    return Ask("count", filters={"action": action} | ({"outcome": outcome} if outcome else {}))


def _limits(asking: Asking, walks: Sequence[tuple[int, str, Event]]) -> list[Block]:
    left_out = [
        name for name in CHECK_NAMES if walks and asking.answer(_check(walks[0][0], name, "state")) == "not_made"
    ]
    said = [
        f"Not made by the newest walk: {', '.join(left_out)}." if left_out else "",
        "" if walks else "No walk is recorded, so nothing of the log was checked here.",
        "Making this report checked no hash, signature or token: it tells what entries say.",
    ]
    return [
        Heading("What was not checked", 1),
        Paragraph(("\n".join(one for one in said if one),)),
        Heading("What is self-attested only", 1),
        Paragraph(
            (
                "This report is the operator's word. Times of recording are the operator's clock, unless a token of an "
                "outside authority covers them. Columns and indexes, from which these numbers come, are the operator's "
                "too. That the log is the one you knew before, only your own pinned checkpoint says. A log proves what "
                "it was told: an agent that told something else, or nothing, does not show.",
            )
        ),
        Paragraph(
            ("To check without trusting the operator, take a bundle of the whole range and run muniment verify on it, "
             "with a root key and a checkpoint that you kept.",),
            "quiet",
        ),
    ]  # fmt: skip
