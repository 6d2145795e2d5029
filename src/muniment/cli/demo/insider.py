"""What somebody who owns the database can do to it. The demonstration does it to its own ledger, and tests do.

Each function needs a superuser's connection, switches every trigger off, and covers its tracks as well as it can:
hashes, links, typed columns, sources' own numbering, tree, head row. What it cannot reach is what somebody else keeps.
"""

from collections.abc import Callable
from dataclasses import replace

from psycopg import Connection, sql

from muniment.core.entry import Entry, entry_hash, parse_entry
from muniment.core.event import event_hash
from muniment.ledger.tree import EMPTY_EDGE

Change = Callable[[Entry], Entry]

_BY_SEQ = ("bodies", "entry_controls", "entry_labels", "event_ids", "entries")
_BY_SIZE = ("signatures", "checkpoints")
_TREE = ("tiles", "tree_edges")
_ALL = (*_BY_SIZE, *_TREE, *_BY_SEQ, "heads")


def cut_tail(connection: Connection, log_id: int, count: int) -> int:
    """Take a log back to an older checkpoint: what a restored backup looks like, or an insider who hides the end.

    Args:
        count: entries to remove at least; more go, back to the newest checkpoint below.

    Returns:
        The size that is left.

    Raises:
        ValueError: if there is no such checkpoint.
    """
    _triggers_off(connection)
    row = connection.execute(
        "SELECT max(c.size) FROM ledger.checkpoints c JOIN ledger.heads h USING (log_id) "
        "WHERE c.log_id = %s AND c.size <= h.size - %s",
        [log_id, count],
    ).fetchone()
    if row is None or row[0] is None:
        raise ValueError(f"no checkpoint is {count} entries old")
    size = int(row[0])
    for table in _BY_SIZE:
        _delete(connection, table, log_id, sql.SQL("AND size > {}").format(size))
    for table in _BY_SEQ:
        _delete(connection, table, log_id, sql.SQL("AND seq >= {}").format(size))
    _rebuild_tree(connection, log_id)
    connection.execute(
        "UPDATE ledger.heads h SET size = e.seq + 1, entry_hash = e.entry_hash, last_at = e.recorded_at "
        "FROM ledger.entries e WHERE h.log_id = %s AND e.log_id = h.log_id AND e.seq = %s",
        [log_id, size - 1],
    )
    return size


def rewrite(connection: Connection, log_id: int, seq: int, change: Change) -> int:
    """Change one entry, re-chain everything after it, and forget every seal, so that the database agrees with itself.

    A sealer with the log's true key then signs the new history, if nothing outside the database tells it not to.

    Args:
        seq: the entry to change.
        change: makes the new entry of the old one. Only `outcome` and what follows from it is carried into columns.

    Returns:
        How many entries have another hash now.
    """
    _triggers_off(connection)
    for table in (*_BY_SIZE, *_TREE):
        _delete(connection, table, log_id)
    rows = connection.execute(
        "SELECT seq, entry FROM ledger.entries WHERE log_id = %s AND seq >= %s ORDER BY seq", [log_id, seq]
    ).fetchall()
    before: bytes | None = None
    renamed: dict[bytes, bytes] = {}
    for place, text in rows:
        old = parse_entry(text.encode())
        new = change(old) if place == seq else old
        if before is not None:
            new = replace(new, prev=before)
        source = new.event.source
        if source.prev in renamed:
            new = replace(new, event=replace(new.event, source=replace(source, prev=renamed[source.prev])))
        was, now = event_hash(old.event.text()), event_hash(new.event.text())
        if was != now:
            renamed[was] = now
        before = entry_hash(new.text())
        connection.execute(
            "UPDATE ledger.entries SET entry = %s, entry_hash = %s, prev = %s, outcome = %s, source_prev = %s "
            "WHERE log_id = %s AND seq = %s",
            [new.text().decode(), before, new.prev, new.event.outcome, new.event.source.prev, log_id, place],
        )
        connection.execute(
            "UPDATE ledger.event_ids SET event_hash = %s WHERE log_id = %s AND seq = %s", [now, log_id, place]
        )
    connection.execute("UPDATE ledger.heads SET entry_hash = %s WHERE log_id = %s", [before, log_id])
    return len(rows)


class Copy:
    """Everything a log has in the database, kept aside in this connection, to be put back verbatim."""

    def __init__(self, connection: Connection, log_id: int) -> None:
        self._connection = connection
        self._log_id = log_id
        for table in _ALL:
            statement = sql.SQL("CREATE TEMP TABLE {} AS SELECT * FROM {} WHERE log_id = {}")
            connection.execute(statement.format(_kept(table), _ledger(table), log_id))

    def put_back(self) -> None:
        """Replace what the database says about the log by the copy."""
        _triggers_off(self._connection)
        for table in _ALL:
            _delete(self._connection, table, self._log_id)
        for table in reversed(_ALL):
            self._connection.execute(sql.SQL("INSERT INTO {} SELECT * FROM {}").format(_ledger(table), _kept(table)))


def _rebuild_tree(connection: Connection, log_id: int) -> None:
    rows = connection.execute(
        "SELECT tenant_id, entry_hash FROM ledger.entries WHERE log_id = %s ORDER BY seq", [log_id]
    ).fetchall()
    tenant = rows[0][0]
    edge, tiles = EMPTY_EDGE.extend(b"".join(digest for _, digest in rows))
    for table in _TREE:
        _delete(connection, table, log_id)
    for tile in tiles:
        connection.execute(
            "INSERT INTO ledger.tiles (log_id, tenant_id, level, tile, hashes) VALUES (%s, %s, %s, %s, %s)",
            [log_id, tenant, tile.level, tile.index, tile.hashes],
        )
    connection.execute(
        "INSERT INTO ledger.tree_edges (log_id, tenant_id, size, edge) VALUES (%s, %s, %s, %s)",
        [log_id, tenant, edge.size, list(edge.tiles)],
    )


def _triggers_off(connection: Connection) -> None:
    connection.execute("SET LOCAL session_replication_role = replica")


def _delete(connection: Connection, table: str, log_id: int, further: sql.Composable = sql.SQL("")) -> None:  # noqa: B008
    connection.execute(sql.SQL("DELETE FROM {} WHERE log_id = {} {}").format(_ledger(table), log_id, further))


def _ledger(table: str) -> sql.Identifier:
    return sql.Identifier("ledger", table)


def _kept(table: str) -> sql.Identifier:
    return sql.Identifier(f"kept_{table}")
