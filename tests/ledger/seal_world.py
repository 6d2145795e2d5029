"""A tenant with a log, its keys, a heads directory and a sealer: what the tests of sealing and reading start from."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import psycopg

from muniment.catalogs.mapping import MAPPING_VERSION, controls_for
from muniment.core.body import commit
from muniment.core.event import Actor, Body, Event, Resource, Source, Trace
from muniment.core.identifiers import ulid_of
from muniment.core.keysnote import Cosigner
from muniment.keys import KeyRing
from muniment.ledger.apikeys import create_api_key
from muniment.ledger.append import append
from muniment.ledger.connection import tenant_transaction
from muniment.ledger.heads import HeadDirectory
from muniment.ledger.keysnotes import issue_first
from muniment.ledger.receipt import Recorded
from muniment.ledger.seal import Round, Sealed, Sealer
from muniment.ledger.submission import Submission
from muniment.ledger.tenants import create_log, create_tenant
from tests.support.databases import Database

NOW = 1_800_000_000


def event(number: int, *, world: str = "", **fields: object) -> Event:
    """A small valid event; the same arguments give the same event."""
    mark = hashlib.sha256(f"{world}/{number}".encode()).digest()
    values: dict[str, object] = {
        # Of late 2026, when event ids have a partition.
        "id": "evt_" + ulid_of(bytes.fromhex("019a00000000") + mark[:10]),
        "source": Source("src_" + ulid_of(hashlib.sha256(world.encode()).digest()[:16].replace(b"\xff", b"\x00", 1))),
        "occurred_at": 1_772_374_987_847_291_000 + number,
        "action": "tool.call",
        "actor": Actor("agent:research", "agent"),
        "outcome": "success",
    }
    return Event(**(values | fields))


def rich(number: int, *, world: str = "") -> Submission:
    """An event with every optional field, and its body."""
    body, salt = f'{{"n":{number}}}'.encode(), hashlib.sha256(b"salt%d" % number).digest()
    made = event(
        number,
        world=world,
        tool=f"tool-{number % 7}",
        workspace=f"wks-{number % 5}",
        resource=Resource(f"res/{number % 11}", "tool"),
        trace=Trace(hashlib.sha256(b"trace%d" % (number // 3)).digest()[:16], b"\1" * 8),
        labels=("env=prod", f"n={number % 13}"),
        body=Body(commit(salt, body), len(body), "application/json"),
        outcome="failure" if number % 10 == 0 else "success",
        action=("tool.call", "tool.list", "model.invoke", "x.test")[number % 4] if number % 4 != 1 else "tool.call",
        actor=Actor(f"agent:{number % 3}", "agent"),
    )
    return Submission(made, body, salt)


@dataclass
class World:
    database: Database
    directory: Path
    name: str = "acme"
    ring: KeyRing = field(init=False)
    heads: HeadDirectory = field(init=False)
    tenant: UUID = field(init=False)
    log: int = field(init=False)
    origin: str = field(init=False)
    genesis: bytes = field(init=False)
    key: str = field(init=False)
    count: int = 0
    clock: int = NOW

    def __post_init__(self) -> None:
        self.ring = KeyRing.create(
            self.directory / "keys", root_name="muniment.example/root", region_name="muniment.example/region"
        )
        self.heads = HeadDirectory(self.directory / "heads")
        self.conn = self.database.connect("app", autocommit=True)
        self.origin = f"muniment.example/log/{self.name}"
        root = self.ring.root_verifier()
        with self.conn.transaction():
            self.tenant = create_tenant(self.conn, slug=self.name, name=self.name)
            made = create_log(
                self.conn,
                origin=self.origin,
                region="eu1",
                seal_within=60,
                root_key=f"{root.name}+{root.key_id.hex()}",
            )
            self.log, self.genesis = made.log_id, made.genesis_hash
            issue_first(
                self.conn,
                log_id=self.log,
                root=self.ring.root(),
                log_key=self.ring.create_log_key(self.origin).verifier,
                cosigners=[Cosigner(self.ring.region().verifier, NOW - 1000)],
            )
            self.key = create_api_key(
                self.conn, by="system:muniment", log_id=self.log, scope="append", label="test"
            ).key_id
        self.first = 4
        """Entries that a new log has: log.create, tenant.create, keys.publish, key.create."""

    def sealer(self, **kwargs: object) -> Sealer:
        return Sealer(self.ring, self.heads, clock=lambda: self.clock, **kwargs)

    def append(self, count: int = 1, *, submissions: list[Submission] | None = None) -> list[Recorded]:
        if submissions is None:
            submissions = [Submission(event(self.count + n, world=self.name)) for n in range(count)]
        self.count += len(submissions)
        with tenant_transaction(self.conn, self.tenant):
            outcomes = append(
                self.conn,
                key_id=self.key,
                log_id=self.log,
                submissions=submissions,
                controls=[controls_for(one.event.action, one.event.controls) for one in submissions],
                mapping=MAPPING_VERSION,
            )
        assert all(isinstance(outcome, Recorded) for outcome in outcomes), outcomes
        return outcomes

    def round(self) -> Round:
        return self.sealer().round(self.conn)

    def seal(self, count: int = 1) -> Sealed:
        """Append, seal, and give the checkpoint."""
        if count:
            self.append(count)
        done = self.round()
        assert not done.refused, done.refused
        return done.sealed[-1]

    def rows(self, statement: str, *parameters: object) -> list[tuple]:
        with tenant_transaction(self.conn, self.tenant):
            return self.conn.execute(statement, parameters).fetchall()

    def hashes(self) -> list[bytes]:
        return [
            row[0]
            for row in self.rows("SELECT entry_hash FROM ledger.entries WHERE log_id = %s ORDER BY seq", self.log)
        ]

    def forge(self, *statements: str) -> None:
        """What a superuser who hides can do: no trigger, no policy holds."""
        with self.database.connect() as conn:
            conn.execute("SET session_replication_role = replica")
            for statement in statements:
                conn.execute(statement)

    def close(self) -> None:
        self.conn.close()


def tenant_connection(world: World) -> psycopg.Connection:
    """A connection that stays in a transaction of the world's tenant."""
    conn = world.database.connect("app")
    conn.execute("SELECT set_config('muniment.tenant', %s, true)", [str(world.tenant)])
    return conn
