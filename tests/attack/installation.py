"""The installation under attack: a real log in a real database, its agent, and what attackers take hold of."""

import hashlib
import json
from base64 import b64decode
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg

from muniment.agent.shipping.client import Receipt
from muniment.core.body import commit
from muniment.core.checkpoint import Checkpoint, parse_signed_checkpoint
from muniment.core.event import Body, Source, event_hash
from muniment.core.keysnote import parse_signed_keysnote
from muniment.core.note import Note, NoteSignature
from muniment.keys import FileSigner, sign_keysnote
from muniment.keys.signer import KeyType
from muniment.ledger.connection import tenant_transaction
from muniment.ledger.keysnotes import issue_next
from muniment.ledger.submission import Submission
from tests.attack.lines import Material
from tests.attack.rewriting import put_checkpoint, replace_log
from tests.ledger.seal_world import World, event
from tests.support.databases import Database


@dataclass
class Installation:
    """A tenant with a log, its keys and its sealer, and one agent that numbers its events.

    Attributes:
        sent: texts of the agent's events by their place in the log.
        receipts: the ledger's answers to them.
        numbers: the agent's last number, and the hash of the event that bears it.
    """

    database: Database
    directory: Path
    world: World = field(init=False)
    sent: dict[int, bytes] = field(default_factory=dict)
    receipts: dict[int, Receipt] = field(default_factory=dict)
    numbers: tuple[int, bytes] = (-1, bytes(32))

    def __post_init__(self) -> None:
        self.world = World(self.database, self.directory / "installation")

    def close(self) -> None:
        self.world.close()

    @property
    def origin(self) -> str:
        return self.world.origin

    @property
    def log_key(self) -> FileSigner:
        """The key that has signed for the log from the beginning."""
        first = parse_signed_keysnote(self.material().keys[0])[1].logs[0].key
        return self.world.ring.log_key(first)

    @property
    def region(self) -> FileSigner:
        return self.world.ring.region()

    def submission(self, *, skip: int = 0, body: bytes | None = None) -> Submission:
        """The agent's next event, numbered, with a body."""
        number = self.numbers[0] + 1 + skip
        payload = body or json.dumps({"arguments": {"n": number}}).encode()
        salt = hashlib.sha256(b"salt %d" % number).digest()
        plain = event(number, world=self.world.name)
        made = replace(
            plain,
            source=Source(plain.source.id, b"\x07" * 16, self.numbers[1], number),
            body=Body(commit(salt, payload), len(payload), "application/json"),
            labels=("env=prod",),
            tool=f"tool-{number}",
        )
        self.numbers = (number, event_hash(made.text()))
        return Submission(made, payload, salt)

    def first_submission(self) -> Submission:
        """What the agent sent first of all."""
        numbers, self.numbers = self.numbers, (-1, bytes(32))
        first, self.numbers = self.submission(), numbers
        return first

    def record(self, count: int, *, skip: int = 0) -> None:
        """The agent records events and keeps the receipts."""
        submissions = [self.submission(skip=skip) for _ in range(count)]
        for one, outcome in zip(submissions, self.world.append(submissions=submissions), strict=True):
            receipt = outcome.receipt
            self.sent[receipt.seq] = one.event.text()
            self.receipts[receipt.seq] = Receipt(receipt.log, receipt.id, receipt.seq, receipt.entry_hash)

    def seal(self) -> None:
        done = self.world.round()
        assert done.sealed, done.refused

    def owned(self) -> psycopg.Connection:
        """A superuser's connection; its block ends in a commit."""
        return self.database.connect()

    def forge(self, *statements: str) -> None:
        """A superuser with triggers off."""
        self.world.forge(*statements)

    def material(self) -> Material:
        """Everything that stands in the database, however broken."""
        return self.material_of(self.world)

    def material_of(self, world: World) -> Material:
        """The same for any log of this database."""
        with self.owned() as conn:
            log = [world.log]
            texts = conn.execute("SELECT entry FROM ledger.entries WHERE log_id = %s ORDER BY seq", log).fetchall()
            bodies = conn.execute(
                "SELECT seq, salt, body FROM ledger.bodies WHERE log_id = %s AND state = 'stored'", log
            ).fetchall()
            keys = conn.execute("SELECT note FROM ledger.keys_notes WHERE log_id = %s ORDER BY number", log).fetchall()
            notes = _notes(conn, world)
        return Material(
            world.origin,
            tuple(text.encode() for (text,) in texts),
            {seq: (salt, body) for seq, salt, body in bodies},
            notes,
            tuple(note.encode() for (note,) in keys),
        )

    def put(self, material: Material, *, keys: dict[int, bytes] | None = None) -> None:
        """Replace the log's history in the database."""
        with self.owned() as conn:
            replace_log(conn, self.world.log, material, keys)

    def put_checkpoint(self, note: bytes) -> None:
        parsed, checkpoint = parse_signed_checkpoint(note)
        with self.owned() as conn:
            conn.execute("SET LOCAL session_replication_role = replica")
            put_checkpoint(conn, self.world.log, self.world.tenant, checkpoint, parsed)

    def put_head(self, note: bytes | None) -> None:
        """Replace the last signed head that the sealer keeps outside the database."""
        if note is None:
            self.world.heads.file(self.origin).unlink()
        else:
            self.world.heads.record({self.origin: note})

    def stranger(self, name: str, key_type: KeyType) -> FileSigner:
        """A key of the attacker's own under a name that others trust."""
        return FileSigner(name, key_type, hashlib.sha256(b"stranger " + name.encode()).digest())

    def renamed(self, key: FileSigner) -> FileSigner:
        """The private half of another log's key, under this log's name."""
        [path] = (self.world.ring.directory / "logs").glob(f"*+{key.verifier.key_id.hex()}.key")
        secret = b64decode(path.read_text(encoding="ascii").split("+", 4)[4])
        return FileSigner(self.origin, 1, secret[1:33])

    def issue(self, **what: Any) -> None:
        """The operator issues the next keys note, as is due after a theft."""
        with tenant_transaction(self.world.conn, self.world.tenant):
            issue_next(self.world.conn, log_id=self.world.log, root=self.world.ring.root(), **what)

    def keys_note(self, root: FileSigner, **changes: Any) -> bytes:
        """The log's newest keys note with some things changed, under a signature of the attacker's choice."""
        keys = parse_signed_keysnote(self.material().keys[-1])[1]
        return sign_keysnote(root, replace(keys, **changes)).encoded()

    def app(self) -> psycopg.Connection:
        """A stolen connection of the application, in the tenant."""
        conn = self.database.connect("app")
        conn.execute("SELECT set_config('muniment.tenant', %s, false)", [str(self.world.tenant)])
        return conn

    def event_hash_at(self, seq: int) -> bytes:
        return event_hash(self.sent[seq])

    def checkpoint_of(self, note: bytes | None) -> tuple[int, bytes]:
        assert note is not None
        checkpoint = parse_signed_checkpoint(note)[1]
        return checkpoint.size, checkpoint.root


def _notes(conn: psycopg.Connection, world: World) -> dict[int, bytes]:
    rows = conn.execute(
        "SELECT c.size, c.root, s.key_name, s.key_id, s.signature FROM ledger.checkpoints c"
        " JOIN ledger.signatures s USING (log_id, size) WHERE c.log_id = %s ORDER BY c.size, s.position",
        [world.log],
    ).fetchall()
    notes: dict[int, bytes] = {}
    for size, root in dict.fromkeys((row[0], row[1]) for row in rows):
        lines = tuple(NoteSignature(*row[2:]) for row in rows if row[0] == size)
        notes[size] = Note(Checkpoint(world.origin, size, root).text(), lines).encoded()
    return notes
