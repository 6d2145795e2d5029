"""A log with real keys, a keys note and a sealer, and the submissions of a numbered source."""

import secrets
import time
from pathlib import Path
from uuid import UUID

from muniment.catalogs.mapping import MAPPING_VERSION, controls_for
from muniment.core.body import commit
from muniment.core.event import Actor, Body, Event, Resource, Source, Trace, event_hash
from muniment.core.identifiers import new_ulid
from muniment.core.keysnote import Cosigner
from muniment.keys import KeyRing
from muniment.ledger.apikeys import create_api_key
from muniment.ledger.append import append
from muniment.ledger.connection import tenant_transaction
from muniment.ledger.heads import HeadDirectory
from muniment.ledger.keysnotes import issue_first
from muniment.ledger.receipt import Recorded
from muniment.ledger.seal import Round, Sealer
from muniment.ledger.submission import Submission
from muniment.ledger.tenants import create_log, create_tenant
from tests.support.databases import Database

CONTROLS = controls_for("tool.call")


class SealedLog:
    """One tenant with one log.

    Args:
        database: where.
        directory: for keys and heads.
        name: the tenant's.
    """

    def __init__(self, database: Database, directory: Path, name: str) -> None:
        ring = KeyRing.create(directory / "keys", root_name="bench/root", region_name="bench/region")
        self.sealer = Sealer(ring, HeadDirectory(directory / "heads"))
        self.connection = database.connect("app", autocommit=True)
        self.origin = f"bench/log/{name}"
        root = ring.root_verifier()
        with self.connection.transaction():
            self.tenant: UUID = create_tenant(self.connection, slug=name, name=name)
            made = create_log(
                self.connection,
                origin=self.origin,
                region="eu1",
                seal_within=60,
                root_key=f"{root.name}+{root.key_id.hex()}",
            )
            self.log = made.log_id
            log_key = ring.create_log_key(self.origin).verifier
            cosigners = [Cosigner(ring.region().verifier, int(time.time()) - 1000)]
            issue_first(self.connection, log_id=self.log, root=ring.root(), log_key=log_key, cosigners=cosigners)
            key = create_api_key(self.connection, by="system:bench", log_id=self.log, scope="append", label="bench")
        self.key = key.key_id
        self.source, self.epoch, self.number, self.prev = _ulid("src_"), secrets.token_bytes(16), 0, bytes(32)

    def append(self, count: int) -> None:
        """Record tool calls as the recorder sends them: numbered, traced, labelled, with a body of some 100 bytes."""
        submissions = [self._submission() for _ in range(count)]
        with tenant_transaction(self.connection, self.tenant):
            outcomes = append(
                self.connection,
                key_id=self.key,
                log_id=self.log,
                submissions=submissions,
                controls=[CONTROLS] * count,
                mapping=MAPPING_VERSION,
            )
        if not all(isinstance(outcome, Recorded) for outcome in outcomes):
            raise RuntimeError(f"the benchmark's own events were not recorded: {outcomes[0]}")

    def seal(self) -> Round:
        """One round of the sealer."""
        done = self.sealer.round(self.connection)
        if done.refused:
            raise RuntimeError(f"the benchmark's own log was not sealed: {done.refused}")
        return done

    def _submission(self) -> Submission:
        salt, body = secrets.token_bytes(32), b'{"url":"https://example.org","q":"%s"}' % secrets.token_hex(32).encode()
        event = Event(
            id=_ulid("evt_"),
            source=Source(self.source, self.epoch, self.prev, self.number),
            occurred_at=time.time_ns(),
            action="tool.call",
            actor=Actor("agent:crewai-research-01", "agent"),
            outcome="success",
            body=Body(commit(salt, body), len(body), "application/json"),
            labels=("env=prod",),
            resource=Resource("agent.exec", "tool"),
            tool="http_request",
            trace=Trace(secrets.token_bytes(16), secrets.token_bytes(8)),
            workspace="wks-prod-01",
        )
        self.number, self.prev = self.number + 1, event_hash(event.text())
        return Submission(event, body, salt)


def _ulid(prefix: str) -> str:
    return prefix + new_ulid(time.time_ns() // 1_000_000, secrets.token_bytes(10))
