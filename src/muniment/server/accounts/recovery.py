"""Recovery by the operator, at the machine: a one-time link for somebody who lost every second factor.

No Django is needed here: the command line makes the link, the server takes it (`recovering`). Making one ends every
session of the person and changes nothing else; a lost second factor goes when the link is used, together with the
password, so that a password alone opens nothing meanwhile.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from muniment.core.errors import Refused
from muniment.core.event import Actor, Resource
from muniment.ledger.connection import tenant_transaction
from muniment.ledger.system import active_log, record_system
from muniment.ledger.tenants import tenant_by_slug
from muniment.server.tenants.identifiers import INSTALLATION_SLUG

if TYPE_CHECKING:
    from psycopg import Connection

MINUTES: Final = 60
_OPERATOR: Final = "system:muniment"


@dataclass(frozen=True, slots=True)
class MadeLink:
    """A recovery link that was just made.

    Attributes:
        user_id: whose it is, `usr_…`.
        path: of the link, below the server's address; to be shown once.
        expires_at: when it stops working.
        sessions: how many sessions of the person were ended.
        seq: the place of its entry in the installation's log.
    """

    user_id: str
    path: str
    expires_at: datetime
    sessions: int
    seq: int


def make_link(connection: Connection[Any], email: str) -> MadeLink:
    """Make a recovery link, end the person's sessions, and record both, in one transaction.

    Links that were made for the person before stop working.

    Args:
        connection: as muniment_app, in autocommit.
        email: the person's address; case does not matter.

    Raises:
        Refused: if nobody has the address, the account is closed, or the installation was never set up.
    """
    tenant = tenant_by_slug(connection, INSTALLATION_SLUG)
    if tenant is None:
        raise Refused("the installation's own log is missing: start it with `muniment up`", INSTALLATION_SLUG)
    token = secrets.token_urlsafe(32)
    with tenant_transaction(connection, tenant.tenant_id):
        person = connection.execute(
            "SELECT id, is_active FROM django.accounts_user WHERE lower(email) = %s FOR UPDATE", [email.strip().lower()]
        ).fetchone()
        if person is None:
            raise Refused("nobody here has this address", "email")
        user_id, active = person
        if not active:
            raise Refused("the account is closed", "email")
        sessions = _end_sessions(connection, user_id)
        connection.execute("DELETE FROM django.accounts_recovery WHERE user_id = %s", [user_id])
        made = connection.execute(
            "INSERT INTO django.accounts_recovery (token_hash, user_id, expires_at) "
            "VALUES (%s, %s, now() + make_interval(mins => %s)) RETURNING expires_at",
            [token_hash(token), user_id, MINUTES],
        ).fetchone()
        log, operator, about = active_log(connection), Actor(_OPERATOR, "system"), Resource(user_id, "user")
        record_system(
            connection,
            by=_OPERATOR,
            log=log,
            action="session.revoke",
            actor=operator,
            resource=about,
            labels=["whose=another", f"sessions={sessions}"],
        )
        receipt = record_system(
            connection,
            by=_OPERATOR,
            log=log,
            action="mfa.change",
            actor=operator,
            resource=about,
            labels=["change=recovery-link-made", f"minutes={MINUTES}"],
        )
    if made is None:
        raise Refused("the database did not keep the link", "database")
    return MadeLink(user_id, f"/account/recover/{token}", made[0], sessions, receipt.seq)


def token_hash(token: str) -> str:
    """Under which a link is kept: whoever reads the table cannot use it."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _end_sessions(connection: Connection[Any], user_id: str) -> int:
    keys = [
        row[0]
        for row in connection.execute(
            "DELETE FROM django.usersessions_usersession WHERE user_id = %s RETURNING session_key", [user_id]
        ).fetchall()
    ]
    connection.execute("DELETE FROM django.django_session WHERE session_key = ANY(%s)", [keys])
    return len(keys)
