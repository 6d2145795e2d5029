"""A tenant with a log and keys in a real database, and events to append to it."""

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import psycopg
from hypothesis import strategies as st

from muniment.core.body import commit
from muniment.core.event import Actor, Body, Event, Resource, Source, Trace
from muniment.core.identifiers import new_ulid
from muniment.core.times import MAX_TIME9
from muniment.ledger import apikeys, tenants
from muniment.ledger.append import append
from muniment.ledger.connection import tenant_transaction
from muniment.ledger.receipt import Outcome
from muniment.ledger.submission import Submission
from tests.support.databases import Database

MAPPING = "base-1"
CONTROLS = ("hipaa:164.312(b)", "soc2:CC7.2")


def ulid(at: float | None = None) -> str:
    return new_ulid(int((time.time() if at is None else at) * 1000), secrets.token_bytes(10))


def event_id(at: float | None = None) -> str:
    return "evt_" + ulid(at)


def source_id() -> str:
    return "src_" + ulid()


SOURCE = source_id()


def event(**fields: Any) -> Event:
    """A plain event with whatever the test is about."""
    plain: dict[str, Any] = {
        "id": event_id(),
        "source": Source(SOURCE),
        "occurred_at": 1_772_374_987_847_291_000,
        "action": "tool.call",
        "actor": Actor("agent:crewai-research-01", "agent"),
        "outcome": "success",
    }
    return Event(**plain | fields)


def submission(body: bytes | None = None, *, salt: bytes | None = None, **fields: Any) -> Submission:
    if body is None:
        return Submission(event(**fields))
    salt = salt or secrets.token_bytes(32)
    return Submission(event(body=Body(commit(salt, body), len(body), "application/json"), **fields), body, salt)


@dataclass
class Ledger:
    """One tenant, one log, one append key."""

    database: Database
    slug: str = "acme"
    tenant: UUID = field(init=False)
    log: int = field(init=False)
    genesis: bytes = field(init=False)
    origin: str = field(init=False)
    key: apikeys.NewKey = field(init=False)

    def __post_init__(self) -> None:
        self.origin = f"log.example/{self.slug}"
        with self.database.connect("app", autocommit=True) as app, app.transaction():
            self.tenant = tenants.create_tenant(app, slug=self.slug, name=self.slug)
            made = tenants.create_log(
                app, origin=self.origin, region="eu", seal_within=2, root_key="root.example+0123abcd"
            )
            self.log, self.genesis = made.log_id, made.genesis_hash
            self.key = self.new_key(app)

    def new_key(self, app: psycopg.Connection[Any], scope: apikeys.Scope = "append") -> apikeys.NewKey:
        return apikeys.create_api_key(app, by="system:muniment", log_id=self.log, scope=scope, label="test")

    def app(self) -> "Session":
        return Session(self, self.database.connect("app", autocommit=True))

    def append(
        self, *submissions: Submission, key: str | None = None, controls: Sequence[Sequence[str]] | None = None
    ) -> list[Outcome]:
        with self.database.connect("ingest", autocommit=True) as conn:
            return self.append_on(conn, *submissions, key=key, controls=controls)

    def append_on(
        self,
        conn: psycopg.Connection[Any],
        *submissions: Submission,
        key: str | None = None,
        controls: Sequence[Sequence[str]] | None = None,
    ) -> list[Outcome]:
        return append(
            conn,
            key_id=key or self.key.key_id,
            log_id=self.log,
            submissions=submissions,
            controls=controls or [tuple(sorted({*CONTROLS, *item.event.controls})) for item in submissions],
            mapping=MAPPING,
        )

    def rows(self, columns: str, *, table: str = "entries", where: str = "true") -> list[Any]:
        """Rows of this log in the order of seq, as the superuser sees them."""
        with self.database.connect() as conn:
            statement = f"SELECT {columns} FROM ledger.{table} WHERE log_id = %s AND {where} ORDER BY seq"
            return conn.execute(statement, [self.log]).fetchall()

    def texts(self) -> list[bytes]:
        return [text.encode() for (text,) in self.rows("entry")]

    def size(self) -> int:
        with self.database.connect() as conn:
            row = conn.execute("SELECT size FROM ledger.heads WHERE log_id = %s", [self.log]).fetchone()
        assert row is not None
        return int(row[0])


class Session:
    """The app role in a transaction of the ledger's tenant."""

    def __init__(self, ledger: Ledger, conn: psycopg.Connection[Any]) -> None:
        self._conn = conn
        self._transaction = tenant_transaction(conn, ledger.tenant)

    def __enter__(self) -> psycopg.Connection[Any]:
        self._transaction.__enter__()
        return self._conn

    def __exit__(self, *error: Any) -> None:
        try:
            self._transaction.__exit__(*error)
        finally:
            self._conn.close()


def fresh(item: Submission) -> Submission:
    """The same submission under an id of its own."""
    return replace(item, event=replace(item.event, id=event_id()))


_TEXT = st.text(
    st.one_of(
        st.sampled_from("\"\\/<>&\u2028\u2029é\U0001f600\ufeff\uffff￾%_'`{}[]: "),
        st.characters(exclude_categories=("Cs", "Cc")),
    ),
    min_size=1,
    max_size=40,
)
_ULID = st.from_regex("[0-7][0-9A-HJKMNP-TV-Z]{25}", fullmatch=True)
_PAST_EVENT_ID = st.from_regex("evt_0[01][0-9A-HJKMNP-TV-Z]{24}", fullmatch=True)
_CONTROL = st.from_regex("[a-z0-9]{1,8}(-[a-z0-9]{1,4})?:[A-Za-z0-9][A-Za-z0-9._()/-]{0,8}", fullmatch=True)
_LABEL = st.from_regex("[a-z][a-z0-9_.-]{0,8}=[ -~]{1,20}", fullmatch=True)


def _sorted(items: st.SearchStrategy[str], maximum: int) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(items, unique=True, max_size=maximum).map(lambda found: tuple(sorted(found)))


EVENTS = st.builds(
    Event,
    id=_PAST_EVENT_ID,
    source=st.one_of(
        st.just(Source(SOURCE)),
        st.builds(
            Source,
            st.just(SOURCE),
            st.binary(min_size=16, max_size=16),
            st.binary(min_size=32, max_size=32),
            st.integers(0, 2**53 - 1),
        ),
    ),
    occurred_at=st.one_of(st.integers(0, MAX_TIME9), st.sampled_from([0, 1, 999_999_999, 1_000_000_000, MAX_TIME9])),
    action=st.from_regex(r"[a-z][a-z0-9_]{0,8}(\.[a-z][a-z0-9_]{0,8}){1,3}", fullmatch=True),
    actor=st.builds(Actor, _TEXT, st.sampled_from(["agent", "service", "session", "system", "user"])),
    outcome=st.sampled_from(["denied", "failure", "success", "unknown"]),
    body=st.none()
    | st.builds(
        Body,
        st.binary(min_size=32, max_size=32),
        st.integers(0, 2**53 - 1),
        st.from_regex(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,8}/[a-z0-9][a-z0-9!#$&^_.+-]{0,8}", fullmatch=True),
    ),
    causes=_sorted(st.builds("src_{}/evt_{}".format, _ULID, _ULID), 3),
    controls=_sorted(_CONTROL, 4),
    labels=_sorted(_LABEL, 4),
    resource=st.none() | st.builds(Resource, _TEXT, st.from_regex("[a-z][a-z0-9_.-]{0,8}", fullmatch=True)),
    tool=st.none() | _TEXT,
    trace=st.none()
    | st.builds(Trace, st.binary(min_size=16, max_size=16), st.none() | st.binary(min_size=8, max_size=8)),
    workspace=st.none() | st.from_regex("[A-Za-z0-9][A-Za-z0-9_.-]{0,8}", fullmatch=True),
)
"""Events of every shape, none of them with an id of the future."""
CONTROL_SETS = _sorted(_CONTROL, 6)
