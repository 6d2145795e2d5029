"""A log under attack, and everybody who looks at it: each observer says by which check it catches what was done."""

import hashlib
import io
import json
from base64 import b64decode
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psycopg

from muniment.agent.client import Receipt, RequestRefused
from muniment.agent.proving import Behind, LedgerContradicts, Promise, Prover
from muniment.core.body import commit
from muniment.core.checkpoint import Checkpoint, parse_signed_checkpoint
from muniment.core.errors import Malformed, VerificationFailed
from muniment.core.event import Body, Source, event_hash
from muniment.core.keysnote import parse_signed_keysnote
from muniment.core.note import Note, NoteSignature
from muniment.keys import FileSigner, sign_keysnote
from muniment.keys.signer import KeyType
from muniment.ledger.audit import check_log
from muniment.ledger.connection import tenant_transaction
from muniment.ledger.export import BundleRequest, write_bundle
from muniment.ledger.keysnotes import issue_next
from muniment.ledger.proofs import NotSealed
from muniment.ledger.submission import Submission
from muniment.verifier.bundle import verify_bundle
from muniment.verifier.knownlogs import KnownLogs
from muniment.verifier.options import Options, verify_file
from muniment.verifier.pins import PinnedCheckpoint, Pins
from muniment.verifier.report import Report
from muniment.verifier.standalone import muniment_verify
from tests.attack.lines import Material, compose
from tests.attack.rewriting import Backup, put_checkpoint, replace_log
from tests.ledger.seal_world import NOW, World, event
from tests.support.databases import Database

FIRST, PINNED, KNOWN, SIZE = 14, 24, 34, 38
"""Sizes: the oldest checkpoint; the one that auditor and agent hold; the newest, which a client has verified; the log
with its unsealed end."""
EARLY, LATE, UNSEEN = 10, 28, 36
"""Entries: under the auditor's checkpoint; after it, under the newest one; under none."""

Caught = frozenset[str]


@dataclass
class Scene:
    """A real log in a real database, sealed at `FIRST`, `PINNED` and `KNOWN`, and its observers."""

    database: Database
    directory: Path
    world: World = field(init=False)
    sent: dict[int, bytes] = field(default_factory=dict)
    receipts: dict[int, Receipt] = field(default_factory=dict)
    numbers: tuple[int, bytes] = (-1, bytes(32))
    refusal: str = ""

    def __post_init__(self) -> None:
        self.world = World(self.database, self.directory / "installation")
        self.known = KnownLogs(self.directory / "client" / "known-logs")
        self.agent_known = KnownLogs(self.directory / "agent" / "known-logs")
        self.record(FIRST - self.world.first)
        self.seal()
        self.head_at = {FIRST: self.world.heads.read(self.origin)}
        self.record(PINNED - FIRST)
        self.seal()
        self.head_at[PINNED] = self.world.heads.read(self.origin)
        with self.owned() as conn:
            self.backup = Backup(conn, self.world.log)
        self.held = PinnedCheckpoint(*self.checkpoint_of(self.head_at[PINNED]))
        self.ship(range(self.world.first, PINNED))
        self.record(KNOWN - PINNED)
        self.seal()
        self.client(self.export())
        self.record(SIZE - KNOWN)

    def close(self) -> None:
        self.world.close()

    # --- the installation --------------------------------------------------------------------------------------------

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

    # --- who looks ---------------------------------------------------------------------------------------------------

    def sealer(self) -> Caught:
        """The sealer, when the next event has come."""
        with suppress(psycopg.Error):
            self.world.append(submissions=[self.submission()])
        refused = self.world.round().refused
        self.refusal = "; ".join(map(str, refused))
        return frozenset({"refuses"} if refused else ())

    def walk(self) -> Caught:
        """The audit walk in the database, with the root pinned and the sealer's last head at hand."""
        pins = Pins(genesis=self.world.genesis, root=self.world.ring.root_verifier())
        with self.database.connect("auditor", autocommit=True) as conn:
            report = check_log(conn, self.world.tenant, self.world.log, pins=pins, heads=self.world.heads)[1]
        return failed(report)

    def export(self) -> bytes:
        """What the installation hands over; where it refuses, what an attacker makes of the same rows."""
        stream = io.BytesIO()
        try:
            with tenant_transaction(self.world.conn, self.world.tenant):
                write_bundle(self.world.conn, BundleRequest(self.world.log, self.origin, every_checkpoint=True), stream)
        except (Malformed, VerificationFailed, NotSealed):
            return compose(self.material())
        return stream.getvalue()

    def pins(self, checkpoint: PinnedCheckpoint | None = None) -> Pins:
        return Pins(self.origin, self.world.genesis, self.world.ring.root_verifier(), checkpoint)

    def first_look(self, bundle: bytes) -> Caught:
        """`muniment verify` by somebody who pinned the log and the root key and has never seen a checkpoint."""
        return failed(verify_bundle(io.BytesIO(bundle), self.pins(), workers=1))

    def auditor(self, bundle: bytes) -> Caught:
        """`muniment verify` by an auditor who holds the checkpoint of `PINNED` as well."""
        return failed(verify_bundle(io.BytesIO(bundle), self.pins(self.held), workers=1))

    def standalone(self, bundle: bytes) -> Caught:
        """The single-file verifier with the same pins."""
        path = self.directory / "handed-over.bundle"
        path.write_bytes(bundle)
        pins = muniment_verify.Pins(
            self.origin,
            self.world.genesis.hex(),
            muniment_verify.read_vkey(self.world.ring.root_verifier().vkey, 1),
            muniment_verify.Checkpoint(self.origin, self.held.size, self.held.root),
        )
        found = muniment_verify.verify(str(path), pins)
        names = frozenset(check["name"] for check in found["checks"] if check["state"] == "failed")
        assert bool(names) == (found["verdict"] != "verified"), found
        return names

    def client(self, bundle: bytes) -> Caught:
        """A client without any pin that has verified the log up to `KNOWN` before, and fetches it again."""
        path = self.directory / "fetched.bundle"
        path.write_bytes(bundle)
        known = self.known.get(self.origin)
        pins = self.pins() if known is None else Pins()
        options = Options(pins, self.known, NOW * 1_000_000, workers=1, expected_live=True)
        return failed(verify_file(path, options))

    def ship(self, places: Sequence[int]) -> None:
        """The agent's shipper proves its own events before it gives its spool free.

        Raises:
            LedgerContradicts, Behind: the spool is kept.
        """
        promises = [self._promise(seq) for seq in places]
        evidence = self.directory / "agent" / "evidence"
        pin = {"root": self.world.ring.root_verifier().vkey, "genesis": self.world.genesis.hex()}
        Prover(self, self.agent_known, {"MUNIMENT_PIN": json.dumps(pin)}, evidence).prove(self.origin, promises)

    def shipper(self, places: Sequence[int] = range(PINNED, KNOWN)) -> Caught:
        """The shipper, which has proven its events up to `PINNED` and now wants to free what it sent since."""
        try:
            self.ship(places)
        except LedgerContradicts:
            return frozenset({"keeps the spool"})
        except Behind:
            return frozenset({"keeps the spool", "waits"})
        return frozenset()

    @property
    def key_id(self) -> str:
        return self.world.key

    def bundle(self, seqs: Sequence[int], since: int | None) -> bytes:
        """The server's answer to the shipper."""
        stream = io.BytesIO()
        request = BundleRequest(self.world.log, self.origin, list(seqs), since=since)
        try:
            with tenant_transaction(self.world.conn, self.world.tenant):
                write_bundle(self.world.conn, request, stream)
        except NotSealed as error:
            raise RequestRefused(str(error), None, 409, "not-sealed") from error
        except (Malformed, VerificationFailed) as error:
            raise RequestRefused(str(error), None, 500, "broken-ledger") from error
        return stream.getvalue()

    def _promise(self, seq: int) -> Promise:
        source = json.loads(self.sent[seq])["source"]
        return Promise(source["epoch"], source["seq"], self.sent[seq], self.receipts[seq])

    def everybody(self) -> dict[str, Caught]:
        """What each observer of the installation says."""
        return {"walk": self.walk(), **self.readers(self.export()), "shipper": self.shipper(), "sealer": self.sealer()}

    def readers(self, bundle: bytes) -> dict[str, Caught]:
        """What each reader of a file says."""
        return {
            "first-look": self.first_look(bundle),
            "bundle": self.auditor(bundle),
            "known-logs": self.client(bundle),
            "standalone": self.standalone(bundle),
        }


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


def failed(report: Report) -> Caught:
    """The checks that failed; a verdict other than verified without any is a defect of its own."""
    names = frozenset(report.failed)
    if not names and report.verdict != "verified":
        names = frozenset(f"not made: {check.name}" for check in report.checks if check.state != "passed")
    return names
