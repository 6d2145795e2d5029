"""Issuing keys notes: the root key signs, the log records.

Source: docs/format.md section 5.
"""

import secrets
from collections.abc import Sequence

from psycopg import Connection

from muniment.catalogs.mapping import MAPPING_VERSION
from muniment.core.errors import Refused
from muniment.core.keysnote import Cosigner, KeysNote, LogKey, Revocation, verify_keysnote
from muniment.core.note import VerifierKey
from muniment.keys import Signer, sign_keysnote, verifier_of
from muniment.ledger.functions import controls_column
from muniment.ledger.queries import query

SYSTEM = "system:muniment"


def issue_first(
    connection: Connection,
    *,
    log_id: int,
    root: Signer,
    log_key: VerifierKey,
    cosigners: Sequence[Cosigner],
    by: str = SYSTEM,
) -> KeysNote:
    """Issue keys note 1 of a new log, best in the transaction that creates it.

    Args:
        connection: as muniment_app, in a transaction of the log's tenant.
        log_id: the log.
        root: the installation's root key.
        log_key: the log's key, named like the log.
        cosigners: keys that cosign, each from a POSIX second on.
        by: who issues it.

    Raises:
        Refused: if the log has a keys note already.
    """
    number, _, origin, genesis = _next(connection, log_id)
    if number != 1:
        raise Refused("the log has a keys note already: issue the next one", origin)
    keys = KeysNote(origin, 1, genesis, (LogKey(log_key, 0),), _sorted(cosigners))
    _publish(connection, log_id, root, keys, by)
    return keys


def issue_next(
    connection: Connection,
    *,
    log_id: int,
    root: Signer,
    log_key: VerifierKey | None = None,
    cosigners: Sequence[Cosigner] = (),
    revoked: Sequence[Revocation] = (),
    by: str = SYSTEM,
) -> KeysNote:
    """Issue the next keys note: what the last one says, and what is added here.

    Args:
        connection: as muniment_app, in a transaction of the log's tenant.
        log_id: the log.
        root: the installation's root key, the same as before.
        log_key: a new key of the log; it signs every checkpoint that contains this note's own entry.
        cosigners: further cosigners.
        revoked: keys that no longer count from a POSIX second on.
        by: who issues it.

    Raises:
        Refused: if the log has no keys note yet.
        VerificationFailed: if the last note is not signed by `root`.
        Malformed: if a key stands twice in one kind, or is of the wrong type.
    """
    number, next_size, origin, _ = _next(connection, log_id)
    last = read_keysnotes(connection, log_id)[-1:]
    if not last:
        raise Refused("the log has no keys note yet: issue the first one", origin)
    before = verify_keysnote(last[0], verifier_of(root))
    keys = KeysNote(
        origin,
        number,
        before.genesis,
        before.logs if log_key is None else (*before.logs, LogKey(log_key, next_size)),
        _sorted((*before.cosigners, *cosigners)),
        tuple(sorted((*before.revocations, *revoked), key=lambda line: f"{line.key.vkey} since {line.time}".encode())),
    )
    _publish(connection, log_id, root, keys, by)
    return keys


def read_keysnotes(connection: Connection, log_id: int) -> list[bytes]:
    """All signed keys notes of a log, in the order of their numbers, as they were issued."""
    return [row[0].encode() for row in connection.execute(query("keys_notes"), {"log": log_id})]


def _next(connection: Connection, log_id: int) -> tuple[int, int, str, bytes]:
    row = connection.execute(query("next_keys_note"), {"log": log_id}).fetchone()
    if row is None:
        raise Refused("there is no such log in this tenant", f"log {log_id}")
    number, next_size, origin, genesis = row
    return number, next_size, origin, genesis


def _publish(connection: Connection, log_id: int, root: Signer, keys: KeysNote, by: str) -> None:
    parameters = {
        "by": by,
        "log": log_id,
        "number": keys.number,
        "note": sign_keysnote(root, keys).encoded().decode(),
        "salt": secrets.token_bytes(32),
        "mapping": MAPPING_VERSION,
        "controls": controls_column("keys.publish"),
    }
    connection.execute(query("publish_keys_note"), parameters)


def _sorted(cosigners: Sequence[Cosigner]) -> tuple[Cosigner, ...]:
    return tuple(sorted(cosigners, key=lambda line: f"{line.key.vkey} from {line.time}".encode()))
