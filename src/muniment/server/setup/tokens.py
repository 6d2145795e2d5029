"""The one-time link of the first start: whoever can read the installation's home, or saw what `muniment up` printed.

No Django is needed here: the command line makes the token, the server compares it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from muniment.core.errors import Refused
from muniment.ledger.connection import tenant_transaction
from muniment.ledger.tenants import tenant_by_slug
from muniment.server.runtime import Places, write_private
from muniment.server.tenants.identifiers import INSTALLATION_SLUG

if TYPE_CHECKING:
    from psycopg import Connection

_NAME: Final = "setup-token"
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


def setup_token(places: Places) -> str:
    """The token in `<home>/run/setup-token`, made now if there is none; 32 random bytes in base64url.

    Raises:
        Refused: if others may read the file, or it holds something else.
    """
    path = _path(places)
    if not path.exists():
        write_private(path, secrets.token_urlsafe(32) + "\n")
    return _read(path)


def setup_address(places: Places, connection: Connection[Any], base: str) -> str | None:
    """The link that sets up the first administrator; None, and no token left, once there is one.

    Args:
        places: of the installation; made.
        connection: as muniment_app.
        base: address of the server, such as `http://localhost:8717`.

    Raises:
        Refused: as `setup_token`.
    """
    if is_set_up(connection):
        forget_token(places)
        return None
    return f"{base.rstrip('/')}/setup?token={setup_token(places)}"


def is_set_up(connection: Connection[Any]) -> bool:
    """Whether the installation has an administrator.

    Args:
        connection: as muniment_app, outside every other tenant's transaction.
    """
    tenant = tenant_by_slug(connection, INSTALLATION_SLUG)
    if tenant is None:
        return False
    with tenant_transaction(connection, tenant.tenant_id):
        row = connection.execute("SELECT EXISTS (SELECT 1 FROM django.members_membership)").fetchone()
    return row is not None and bool(row[0])


def token_matches(places: Places, offered: str) -> bool:
    """Whether this is the token; compared by digest, so that the time it takes says nothing."""
    try:
        known = _read(_path(places))
    except FileNotFoundError:
        return False
    return hmac.compare_digest(hashlib.sha256(known.encode()).digest(), hashlib.sha256(offered.encode()).digest())


def forget_token(places: Places) -> None:
    """Remove the token: it has been used."""
    _path(places).unlink(missing_ok=True)


def _path(places: Places) -> Path:
    return places.run / _NAME


def _read(path: Path) -> str:
    if path.stat().st_mode & 0o077:
        raise Refused(f"{path} can be read by others: remove it, and start again for a new one", "setup-token")
    text = path.read_text(encoding="utf-8").strip()
    if not _TOKEN.fullmatch(text):
        raise Refused(f"{path} is damaged: remove it, and start again for a new one", "setup-token")
    return text
