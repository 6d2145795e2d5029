"""The walk through a sample: each entry with its proof under the population's checkpoint, checked here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from muniment.core.entry import entry_hash
from muniment.core.errors import MunimentError, VerificationFailed
from muniment.core.keysnote import parse_signed_keysnote
from muniment.core.merkle import verify_inclusion
from muniment.core.note import verify_note
from muniment.ledger.checkpoints import StoredCheckpoint, read_checkpoint
from muniment.ledger.keysnotes import read_keysnotes
from muniment.ledger.proofs import inclusion_proof
from muniment.ledger.read import StoredEntry
from muniment.ledger.surroundings import entries_of_places
from muniment.server.access.standing import Standing
from muniment.server.populations.models import Population

if TYPE_CHECKING:
    from psycopg import Connection


@dataclass(frozen=True, slots=True)
class Item:
    """A sampled entry.

    Attributes:
        seq: its place.
        entry: as stored; None if the log does not have it any more.
        proof: sibling hashes from the leaf to the root, 32 bytes each; empty where none can be made.
        fault: what does not hold; "" if the entry's text, its hash and the proof lead to the checkpoint's root.
    """

    seq: int
    entry: StoredEntry | None
    proof: tuple[bytes, ...]
    fault: str

    @property
    def holds(self) -> bool:
        """Whether everything that was checked held."""
        return not self.fault


@dataclass(frozen=True, slots=True)
class Seal:
    """The checkpoint over a population, as the database has it now.

    Attributes:
        fault: what does not hold; "" if it is stored with the recorded root, under a signature of the log's key.
    """

    size: int
    root: str
    fault: str


def seal_of(reading: Connection[Any], standing: Standing, population: Population) -> Seal:
    """Check the checkpoint of a population.

    The log's key is the one that the newest keys note in this database names. Whether that is the key to be trusted is
    for a verifier with a pinned root key to say.

    Args:
        reading: in a transaction of the tenant.
        standing: of the reader.
        population: one of the tenant's.
    """
    found = read_checkpoint(reading, standing.log_id, population.log, population.size)
    return Seal(population.size, population.root, _seal_fault(reading, standing, population, found))


def _seal_fault(
    reading: Connection[Any], standing: Standing, population: Population, found: StoredCheckpoint | None
) -> str:
    if population.log != standing.origin:
        return f"it is of the log {population.log}, which is not the active one"
    if found is None:
        return f"the checkpoint of size {population.size:,} is not stored any more"
    if found.checkpoint.root.hex() != population.root:
        return "the stored checkpoint has another root than when the population was saved"
    notes = read_keysnotes(reading, standing.log_id)
    if not notes:
        return "no keys note says which key is the log's"
    try:
        key = parse_signed_keysnote(notes[-1])[1].log_key_at(population.size)
        verify_note(found.note, [key])
    except MunimentError as error:
        return f"the log's signature does not hold: {error}"
    return ""


def walk_items(
    reading: Connection[Any], standing: Standing, population: Population, places: Sequence[int]
) -> list[Item]:
    """Read some sampled entries and check each.

    Args:
        reading: in a transaction of the tenant.
        standing: of the reader.
        population: that they were drawn from.
        places: ascending.
    """
    if not places:
        return []
    entries = {entry.seq: entry for entry in entries_of_places(reading, standing.log_id, places)}
    return [_item(reading, standing, population, seq, entries.get(seq)) for seq in places]


def _item(
    reading: Connection[Any], standing: Standing, population: Population, seq: int, entry: StoredEntry | None
) -> Item:
    if entry is None:
        return Item(seq, None, (), "the log does not have this entry any more")
    proof: tuple[bytes, ...] = ()
    try:
        hashed = entry_hash(entry.text)
        proof = tuple(inclusion_proof(reading, standing.log_id, seq, population.size))
        if hashed != entry.entry_hash:
            raise VerificationFailed("the stored hash is not the hash of the stored text")
        verify_inclusion(seq, population.size, hashed, proof, bytes.fromhex(population.root))
    except MunimentError as error:
        return Item(seq, entry, proof, error.reason)
    return Item(seq, entry, proof, "")
