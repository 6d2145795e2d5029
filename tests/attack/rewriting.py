"""What somebody who owns the database, and perhaps keys, can make of a log: another log that agrees with itself.

This goes further than `muniment.cli.demo.insider`: whole entries, every column and every table beside them are written
anew, so nothing is left over for a walk to stumble on but what the attacker cannot reach.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import psycopg
from psycopg import sql

from muniment.core.checkpoint import Checkpoint, parse_signed_checkpoint
from muniment.core.entry import Entry, entry_hash, parse_entry
from muniment.core.event import event_hash
from muniment.core.merkle import root_of
from muniment.core.note import Note
from muniment.keys import Signer, cosign_checkpoint, sign_checkpoint
from muniment.ledger.audit_columns import COLUMNS, said
from muniment.ledger.tree import EMPTY_EDGE
from tests.attack.lines import Material

OF_A_LOG = (
    "signatures",
    "checkpoints",
    "tiles",
    "tree_edges",
    "bodies",
    "entry_controls",
    "entry_labels",
    "event_ids",
    "entries",
    "keys_notes",
    "heads",
)
"""Everything a log has in the database, in an order in which it can be deleted."""


def relinked(entries: Iterable[Entry]) -> tuple[bytes, ...]:
    """Number and link entries anew, and the sources' own numbers with them."""
    texts: list[bytes] = []
    before = bytes(32)
    last: dict[tuple[str, bytes], tuple[int, bytes]] = {}
    for seq, entry in enumerate(entries):
        event = entry.event
        if event.source.epoch is not None:
            stream = (event.source.id, event.source.epoch)
            number, prev = last.get(stream, (-1, bytes(32)))
            event = replace(event, source=replace(event.source, seq=number + 1, prev=prev))
            last[stream] = (number + 1, event_hash(event.text()))
        texts.append(replace(entry, seq=seq, prev=before, event=event).text())
        before = entry_hash(texts[-1])
    return tuple(texts)


def changed(material: Material, seq: int, change: Callable[[Entry], Entry]) -> Material:
    """The log with one entry changed and everything after it linked anew; no checkpoint fits any more."""
    entries = [parse_entry(text) for text in material.texts]
    entries[seq] = change(entries[seq])
    return replace(material, texts=relinked(entries), notes={})


def failed_instead(entry: Entry) -> Entry:
    """Another outcome of the same event."""
    return replace(entry, event=replace(entry.event, outcome="failure"))


def resealed(material: Material, sizes: Iterable[int], key: Signer, region: Signer | None, at: int) -> Material:
    """Sign checkpoints of these sizes, in addition to those that are there."""
    notes = dict(material.notes)
    for size in sizes:
        checkpoint = Checkpoint(material.origin, size, root_of([entry_hash(text) for text in material.texts[:size]]))
        signatures = [sign_checkpoint(key, checkpoint)]
        if region is not None:
            signatures.append(cosign_checkpoint(region, checkpoint, at))
        notes[size] = Note(checkpoint.text(), tuple(signatures)).encoded()
    return replace(material, notes=notes)


def replace_log(conn: psycopg.Connection, log_id: int, material: Material, keys: Mapping[int, bytes] | None) -> None:
    """Put another history in place of a log, in every table, with triggers off.

    Args:
        conn: of a superuser.
        log_id: the log.
        material: the history.
        keys: keys notes by the seq of their entry; None to leave them as they are.
    """
    conn.execute("SET LOCAL session_replication_role = replica")
    conn.execute("SET LOCAL timezone = 'UTC'")
    [(tenant,)] = conn.execute("SELECT tenant_id FROM ledger.logs WHERE log_id = %s", [log_id]).fetchall()
    for table in OF_A_LOG:
        if table not in ("heads", "keys_notes") or (table == "keys_notes" and keys is not None):
            conn.execute(sql.SQL("DELETE FROM ledger.{} WHERE log_id = %s").format(sql.Identifier(table)), [log_id])
    for number, (seq, note) in enumerate(sorted((keys or {}).items()), 1):
        _insert(conn, "keys_notes", log_id, tenant, {"number": number, "note": note.decode(), "seq": seq})
    for seq, text in enumerate(material.texts):
        _put_entry(conn, log_id, tenant, seq, text, material.bodies.get(seq))
    last = said(material.texts[-1])
    assert last is not None
    conn.execute(
        "UPDATE ledger.heads SET size = %s, entry_hash = %s, last_at = %s WHERE log_id = %s",
        [len(material.texts), last.columns[1], last.columns[0], log_id],
    )
    _put_tree(conn, log_id, tenant, material)


def _put_entry(
    conn: psycopg.Connection, log_id: int, tenant: object, seq: int, text: bytes, body: tuple[bytes, bytes] | None
) -> None:
    told = said(text)
    assert told is not None
    columns = dict(zip(COLUMNS, told.columns, strict=True))
    at = {"recorded_at": columns["recorded_at"], "seq": seq}
    _insert(conn, "entries", log_id, tenant, {**columns, "seq": seq, "entry": text.decode()})
    ids = {"source_id": columns["source_id"], "event_id": columns["event_id"], "event_hash": told.event_hash}
    _insert(conn, "event_ids", log_id, tenant, {**at, **ids})
    taken = told.taken(seq)
    for control in taken.controls or ():
        _insert(conn, "entry_controls", log_id, tenant, {**at, "control": control})
    for label in taken.labels or ():
        _insert(conn, "entry_labels", log_id, tenant, {**at, "label": label})
    if body is not None:
        _insert(conn, "bodies", log_id, tenant, {**at, "salt": body[0], "body": body[1], "state": "stored"})


def _put_tree(conn: psycopg.Connection, log_id: int, tenant: object, material: Material) -> None:
    if not material.notes:
        return
    leaves = b"".join(entry_hash(text) for text in material.texts[: max(material.notes)])
    edge, tiles = EMPTY_EDGE.extend(leaves)
    _insert(conn, "tree_edges", log_id, tenant, {"size": edge.size, "edge": list(edge.tiles)})
    for tile in tiles:
        _insert(conn, "tiles", log_id, tenant, {"level": tile.level, "tile": tile.index, "hashes": tile.hashes})
    for size, data in material.notes.items():
        note, checkpoint = parse_signed_checkpoint(data)
        put_checkpoint(conn, log_id, tenant, checkpoint, note)
        assert size == checkpoint.size


def put_checkpoint(conn: psycopg.Connection, log_id: int, tenant: object, checkpoint: Checkpoint, note: Note) -> None:
    """Insert a checkpoint and its signatures as the sealer would have."""
    [(last_at,)] = conn.execute(
        "SELECT recorded_at FROM ledger.entries WHERE log_id = %s AND seq = %s", [log_id, checkpoint.size - 1]
    ).fetchall()
    row = {"size": checkpoint.size, "root": checkpoint.root, "sealed_at": last_at, "last_at": last_at}
    _insert(conn, "checkpoints", log_id, tenant, row)
    for position, line in enumerate(note.signatures):
        row = {"size": checkpoint.size, "position": position, "key_name": line.name}
        _insert(conn, "signatures", log_id, tenant, {**row, "key_id": line.key_id, "signature": line.signature})


def _insert(conn: psycopg.Connection, table: str, log_id: int, tenant: object, row: Mapping[str, object]) -> None:
    names: Sequence[str] = ("log_id", "tenant_id", *row)
    statement = sql.SQL("INSERT INTO ledger.{} ({}) VALUES ({})").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, names)),
        sql.SQL(", ").join(sql.Placeholder() * len(names)),
    )
    conn.execute(statement, [log_id, tenant, *row.values()])


class Backup:
    """Everything a log has in the database at some moment, to be put back later over whatever there is."""

    def __init__(self, conn: psycopg.Connection, log_id: int) -> None:
        self._log_id = log_id
        for table in OF_A_LOG:
            statement = sql.SQL("CREATE TABLE {} AS SELECT * FROM ledger.{} WHERE log_id = {}")
            conn.execute(statement.format(_kept(table), sql.Identifier(table), log_id))

    def restore(self, conn: psycopg.Connection) -> None:
        """Put it back, with triggers off."""
        conn.execute("SET LOCAL session_replication_role = replica")
        for table in OF_A_LOG:
            conn.execute(sql.SQL("DELETE FROM ledger.{} WHERE log_id = {}").format(sql.Identifier(table), self._log_id))
            conn.execute(sql.SQL("INSERT INTO ledger.{} SELECT * FROM {}").format(sql.Identifier(table), _kept(table)))


def _kept(table: str) -> sql.Identifier:
    return sql.Identifier("public", f"kept_{table}")
