"""Everything that the page of one entry shows, read in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from muniment.catalogs.mapping import MAPPING_VERSION, base_controls, capabilities
from muniment.core.entry import entry_hash, parse_entry
from muniment.core.errors import Malformed, VerificationFailed
from muniment.ledger.anchors import Anchor, anchors_over
from muniment.ledger.audit_walks import latest_walk
from muniment.ledger.logfacts import log_facts
from muniment.ledger.proofs import NotSealed, tlog_proof
from muniment.ledger.query import EntryFilter, find_entries
from muniment.ledger.read import StoredBody, StoredEntry, entry_at
from muniment.ledger.surroundings import Frontier, first_seal, frontier
from muniment.server.access.standing import Standing
from muniment.server.explorer.bodies import ShownBody, shown_body
from muniment.server.explorer.prooftree import Picture, Step, picture_of, steps_of
from muniment.server.explorer.rows import FRAMEWORKS, SealState, parsed, seal_state

if TYPE_CHECKING:
    from psycopg import Connection

MAX_SEQ: Final = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Neighbour:
    """The entry before or after: its place, hash and action, and whether the link between the two holds."""

    seq: int
    hash: str
    action: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Control:
    """A control that the entry evidences: its id, its framework's name, and why it is there."""

    id: str
    framework: str
    reason: str


@dataclass(frozen=True, slots=True)
class Signer:
    """A signature on a checkpoint: the key's name and id, and whose it is."""

    name: str
    key_id: str
    role: str


@dataclass(frozen=True, slots=True)
class Proof:
    """The proof of the entry: under which checkpoint, by whom signed, and the way to its root.

    Attributes:
        size: entries under the checkpoint.
        root: its root, hex.
        sealed_at: when the first checkpoint over the entry was made.
        first_size: entries under that one.
        signers: of the newest.
        steps: from leaf to root.
        picture: the same, drawn.
        holds: the path leads from this entry's hash to the checkpoint's root.
    """

    size: int
    root: str
    sealed_at: datetime | None
    first_size: int | None
    signers: tuple[Signer, ...]
    steps: tuple[Step, ...]
    picture: Picture
    holds: bool


@dataclass(frozen=True, slots=True)
class Checked:
    """The newest walk over the log, as far as it concerns the entry."""

    number: int
    finished_at: datetime
    ok: bool
    reached: bool


@dataclass(frozen=True, slots=True)
class Details:
    """An entry and what stands around it.

    Attributes:
        entry: as stored, and `document` its text parsed.
        document: see `entry`.
        state: of its seal.
        text: its canonical text.
        hash: the hash that is stored, hex; `hash_holds`: its text gives that hash.
        hash_holds: see `hash`.
        before: the entry before, None for the first.
        after: the entry after, None for the newest.
        controls: that it evidences.
        body: of the event, None if it has none.
        erased_by: place of the entry that tells of the body's erasure.
        proof: None as long as no checkpoint covers it; `unproven` says why.
        unproven: see `proof`.
        anchors: timestamps over checkpoints that cover it, the earliest of each authority first.
        walk: the newest, None before the first.
        seal_by: by when it was promised to be sealed.
        standing: of the log.
    """

    entry: StoredEntry
    document: Mapping[str, Any]
    state: SealState
    text: str
    hash: str
    hash_holds: bool
    before: Neighbour | None
    after: Neighbour | None
    controls: tuple[Control, ...]
    body: ShownBody | None
    erased_by: int | None
    proof: Proof | None
    unproven: str
    anchors: tuple[Anchor, ...]
    walk: Checked | None
    seal_by: datetime | None
    standing: Frontier


def details_of(connection: Connection[Any], reader: Standing, seq: int) -> Details | None:
    """Read an entry and what stands around it; None if the log has no such entry.

    Args:
        connection: in a transaction of the reader's tenant.
        reader: whose log it is, and who may see what.
        seq: the place.
    """
    found = entry_at(connection, reader.log_id, seq) if 0 <= seq <= MAX_SEQ else None
    standing = frontier(connection, reader.log_id)
    if found is None or standing is None:
        return None
    entry, stored = found
    document = parsed(entry)
    proof, unproven = _proof(connection, reader, entry)
    facts = log_facts(connection, reader.log_id)
    before, after = neighbours(connection, reader.log_id, entry)
    body = _body(entry, stored, reader)
    return Details(
        entry=entry,
        document=document,
        state=seal_state(seq, standing),
        text=entry.text.decode(),
        hash=entry.entry_hash.hex(),
        hash_holds=entry_hash(entry.text) == entry.entry_hash,
        before=before,
        after=after,
        controls=tuple(_control(control, document) for control in document.get("controls", ())),
        body=body,
        erased_by=_erasure(connection, reader.log_id, seq) if body is not None and body.state == "erased" else None,
        proof=proof,
        unproven=unproven,
        anchors=tuple(
            one for one in anchors_over(connection, reader.log_id, seq, seq, standing.anchored) if one.size > seq
        ),
        walk=_walk(connection, reader.log_id, seq),
        seal_by=None if facts is None else entry.recorded_at + timedelta(seconds=facts.seal_within),
        standing=standing,
    )


def neighbours(
    connection: Connection[Any], log_id: int, entry: StoredEntry
) -> tuple[Neighbour | None, Neighbour | None]:
    """The entries before and after, each with whether its link to this one holds, computed from the texts."""
    around = [entry_at(connection, log_id, seq) for seq in (entry.seq - 1, entry.seq + 1) if seq >= 0]
    before, after = (None, *around) if entry.seq == 0 else around
    here = entry_hash(entry.text).hex()
    return (
        None if before is None else _neighbour(before[0], entry_hash(before[0].text).hex() == parsed(entry)["prev"]),
        None if after is None else _neighbour(after[0], parsed(after[0])["prev"] == here),
    )


def _neighbour(entry: StoredEntry, holds: bool) -> Neighbour:
    return Neighbour(entry.seq, entry.entry_hash.hex(), parsed(entry)["event"]["action"], holds)


def _control(control: str, document: Mapping[str, Any]) -> Control:
    event = document["event"]
    framework, _, _ = control.partition(":")
    reason = "given when it was recorded"
    if control in event.get("controls", ()):
        reason = "named by the event itself"
    elif document["map"] == MAPPING_VERSION:
        try:
            mapped = control in base_controls(event["action"])
        except Malformed:
            mapped = False
        rows = [name.replace("_", " ") for name, ids in capabilities().items() if control in ids] if mapped else []
        reason = f"mapping {MAPPING_VERSION}: {', '.join(rows)}" if rows else reason
    return Control(control, FRAMEWORKS.get(framework, framework), reason)


def _body(entry: StoredEntry, stored: StoredBody | None, reader: Standing) -> ShownBody | None:
    stated = parse_entry(entry.text).event.body
    return None if stated is None else shown_body(stated, stored, disclosed=reader.sees_bodies)


def _erasure(connection: Connection[Any], log_id: int, seq: int) -> int | None:
    page = find_entries(connection, log_id, EntryFilter(action="body.erase", label=f"body.seq={seq}"), limit=1)
    return page.entries[0].seq if page.entries else None


def _proof(connection: Connection[Any], reader: Standing, entry: StoredEntry) -> tuple[Proof | None, str]:
    try:
        made = tlog_proof(connection, reader.log_id, reader.origin, entry.seq)
        steps = steps_of(entry.seq, made.checkpoint.size, entry.entry_hash, made.hashes)
    except NotSealed:
        return None, "No checkpoint covers this entry yet."
    except VerificationFailed as error:
        return None, f"The stored tree gives no proof: {error}"
    first = first_seal(connection, reader.log_id, entry.seq)
    signers = tuple(
        Signer(line.name, line.key_id.hex(), "the log's key" if line.name == reader.origin else "a cosigner")
        for line in made.note.signatures
    )
    top = steps[-1].parent if steps else entry.entry_hash
    return (
        Proof(
            size=made.checkpoint.size,
            root=made.checkpoint.root.hex(),
            sealed_at=None if first is None else first[1],
            first_size=None if first is None else first[0],
            signers=signers,
            steps=steps,
            picture=picture_of(entry.entry_hash, steps),
            holds=top == made.checkpoint.root,
        ),
        "",
    )


def _walk(connection: Connection[Any], log_id: int, seq: int) -> Checked | None:
    walk = latest_walk(connection, log_id)
    return None if walk is None else Checked(walk.number, walk.finished_at, walk.ok, seq < walk.total_rows)
