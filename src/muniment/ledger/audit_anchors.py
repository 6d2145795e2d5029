"""Whether the stored timestamp tokens are those that the log's entries record, and hold."""

import hashlib
from typing import Any, Final

from psycopg import Connection

from muniment.core.errors import MunimentError
from muniment.ledger.checkpoints import read_checkpoint
from muniment.ledger.queries import query
from muniment.verifier.checker import LogChecker

_PAGE: Final = 256


def check_anchors(connection: Connection[Any], log_id: int, checker: LogChecker, *, up_to: int) -> None:
    """Hand every stored token to the checker, and hold it against the entry that records it.

    Args:
        connection: in a transaction of the log's tenant.
        log_id: the log.
        checker: has been told of every entry, and is told of what is wrong.
        up_to: entries that were walked; tokens that were recorded since are left to the next walk.
    """
    missing = checker.anchors.named()
    size, authority = -1, ""
    while True:
        parameters = {"log": log_id, "size": size, "authority": authority, "limit": _PAGE}
        rows = connection.execute(query("walk_anchors"), parameters).fetchall()
        for row in rows:
            if row[3] < up_to:
                _check(connection, log_id, checker, row[0], bytes(row[2]), row[3], row[4])
            missing.pop(hashlib.sha256(row[2]).hexdigest(), None)
        if len(rows) < _PAGE:
            break
        size, authority = rows[-1][:2]
    for position in sorted(missing.values()):
        checker.fail("anchors", "the token that it records is not stored any more", f"entry {position}", position)


def _check(
    connection: Connection[Any],
    log_id: int,
    checker: LogChecker,
    size: int,
    token: bytes,
    seq: int,
    labels: list[str] | None,
) -> None:
    if f"anchor.token={hashlib.sha256(token).hexdigest()}" not in (labels or ()):
        checker.fail("anchors", "the token stored for it is not the one that it records", f"entry {seq}", seq)
    try:
        stored = read_checkpoint(connection, log_id, checker.origin, size)
    except MunimentError as error:
        checker.fail("anchors", f"the checkpoint of a token cannot be read: {error}", f"checkpoint {size}", size)
        return
    if stored is None:
        checker.fail("anchors", "the checkpoint of a token is gone", f"checkpoint {size}", size)
        return
    checker.anchors.token(token, stored.note.encoded(), size)
