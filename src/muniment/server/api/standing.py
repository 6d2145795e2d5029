"""What the operator says of a tenant's log: the newest audit walk, and whether the log's end still agrees with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from muniment.core.times import format_time6
from muniment.ledger.anchors import AnchorFacts, anchor_facts
from muniment.ledger.audit_walks import Walk, latest_walk
from muniment.ledger.connection import tenant_transaction
from muniment.ledger.logfacts import LogFacts, log_facts, tenant_log
from muniment.ledger.read import entry_at
from muniment.ledger.tenants import tenant_by_slug
from muniment.ledger.walk_entries import walk_entry
from muniment.server.anchors.services import asked_names
from muniment.server.api.answers import micros
from muniment.server.background_walks import CHANNEL
from muniment.server.pools import reader

if TYPE_CHECKING:
    from uuid import UUID

    from psycopg import Connection

NOTE: Final = (
    "This is the operator's own statement about the operator's own database. Proof that does not rest on it: "
    "a bundle or the live log, checked with `muniment verify` against a root key and a checkpoint that you keep."
)


@dataclass(frozen=True, slots=True)
class Standing:
    """A log as the newest walk left it, and as it ends now.

    Args:
        tenant_id: whose log it is.
        log_id: the log.
        facts: its head now.
        walk: the newest finished walk, or None.
        full: the newest that read everything, or None.
        cut: the log does not hold any more what that walk ended with.
        full_entry: place of the entry that says what the newest full walk found; None if there is none.
        anchors: the newest timestamp, and authorities that give none.
    """

    tenant_id: UUID
    log_id: int
    facts: LogFacts
    walk: Walk | None
    full: Walk | None
    cut: bool
    full_entry: int | None
    anchors: AnchorFacts

    @property
    def ok(self) -> bool | None:
        """None before the first walk."""
        return None if self.walk is None else self.walk.ok and not self.cut

    def document(self, slug: str) -> dict[str, object]:
        """The answer in public: checks by name and count, no contents."""
        walk = self.walk
        shown: dict[str, object] = {
            "ok": self.ok,
            "tenant": slug,
            "log": self.facts.origin,
            "run": None,
            "total_rows": None,
            "head": None,
            "last_anchor_at": self.anchors.newest and format_time6(micros(self.anchors.newest.stamped_at)),
            "anchors": self.anchors.as_json(),
            "broken_at": None,
            "size": self.facts.size,
            "note": NOTE,
        }
        if walk is None:
            return shown
        return shown | {
            "run": walk.number,
            "total_rows": walk.total_rows,
            "head": walk.head.hex(),
            "broken_at": self.facts.size if self.cut and walk.ok else walk.broken_at,
            "started_at": format_time6(micros(walk.started_at)),
            "finished_at": format_time6(micros(walk.finished_at)),
            "read_from": walk.report.get("walk", {}).get("from", 0),
            "full_run": self.full
            and {
                "run": self.full.number,
                "finished_at": format_time6(micros(self.full.finished_at)),
                "ok": self.full.ok,
                "entry": self.full_entry,
            },
            "checks": [
                {"name": check["name"], "state": check["state"], "count": check["count"]}
                for check in walk.report.get("checks", [])
            ],
        }


def standing_of(slug: str) -> Standing | None:
    """The standing of a tenant's log; None for an unknown tenant and one whose verification is not public.

    Raises:
        ProblemError: unavailable.
    """
    with reader() as connection:
        tenant = tenant_by_slug(connection, slug)
        if tenant is None or not tenant.public_verify:
            return None
        with tenant_transaction(connection, tenant.tenant_id):
            log_id = tenant_log(connection)
            facts = None if log_id is None else log_facts(connection, log_id)
            if log_id is None or facts is None:
                return None
            walk = latest_walk(connection, log_id)
            full = latest_walk(connection, log_id, full=True)
            cut = False
            if walk is not None and walk.total_rows:
                last = entry_at(connection, log_id, walk.total_rows - 1)
                cut = last is None or last[0].entry_hash != walk.head or facts.size < walk.total_rows
            entry = None if full is None else walk_entry(connection, log_id, full.number)
            anchors = anchor_facts(connection, log_id, asked=asked_names())
            return Standing(tenant.tenant_id, log_id, facts, walk, full, cut, entry, anchors)


def order_walk(connection: Connection[Any], log_id: int) -> None:
    """Ask the background process to read the whole log now; asking again before it has begun changes nothing."""
    connection.execute("SELECT pg_notify(%s, %s)", [CHANNEL, str(log_id)])
