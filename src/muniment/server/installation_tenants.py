"""Tenants of an installation: each begins with a log, a key of its own for that log, and keys note 1."""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import Connection, errors

from muniment.core.errors import Refused
from muniment.core.identifiers import new_ulid
from muniment.core.keysnote import Cosigner
from muniment.keys import KeyRing, verifier_of
from muniment.ledger.apikeys import Scope, create_api_key
from muniment.ledger.keysnotes import issue_first
from muniment.ledger.tenants import all_logs, create_log, create_tenant, tenant_by_slug
from muniment.server.members.provisioning import provision
from muniment.server.runtime import Places
from muniment.server.tenants.identifiers import INSTALLATION_SLUG

REGION: Final = "local"
SEAL_WITHIN: Final = 60
OPERATOR: Final = "system:muniment"


@dataclass(frozen=True, slots=True)
class NewTenant:
    """A tenant that was just made.

    Attributes:
        tenant_id: in the database.
        slug: its short name.
        log_id: its log, in the database.
        origin: its log's name outside.
        genesis_hash: of entry 0, 32 bytes.
        tokens: the API keys by scope; to be shown once, stored nowhere.
    """

    tenant_id: UUID
    slug: str
    log_id: int
    origin: str
    genesis_hash: bytes
    tokens: dict[Scope, str]


@contextmanager
def open_connection(places: Places) -> Iterator[Connection[Any]]:
    """A connection as muniment_app to the installation's database, in autocommit.

    Raises:
        Refused: if there is no installation, or its database does not answer.
    """
    url = places.database_url("app")
    try:
        connection = psycopg.connect(url, autocommit=True, connect_timeout=10)
    except psycopg.OperationalError as error:
        raise Refused(f"the database does not answer; is the ledger up (muniment up)? {error}", "database") from error
    with connection:
        yield connection


def key_ring(places: Places) -> KeyRing:
    """The installation's keys.

    Raises:
        Refused: if they were never made, or are gone.
    """
    ring = KeyRing(places.keys)
    ring.root_verifier()
    return ring


def open_installation(connection: Connection[Any], places: Places) -> NewTenant | None:
    """Make keys and the first tenant at the first start; afterwards, check that keys and database belong together.

    Args:
        connection: as muniment_app, in autocommit.
        places: of the installation; made.

    Returns:
        The first tenant when it was made now, else None.

    Raises:
        Refused: if keys or heads are here whose logs are not in the database, or the other way round.
    """
    logs = all_logs(connection)
    if logs:
        key_ring(places)
        if tenant_by_slug(connection, INSTALLATION_SLUG) is None:
            create_tenant_with_log(
                connection, places, slug=INSTALLATION_SLUG, name="This installation", public_verify=False
            )
        return None
    heads = sorted(path.stem for path in places.heads.glob("*.head"))
    if heads:
        raise Refused(
            f"the database holds no log, and {places.heads} knows the heads of {len(heads)}, such as {heads[0]}: "
            "the database is lost, or another one. Restore it; to begin anew, move the heads and keys directories "
            "away first",
            "database",
        )
    mark = secrets.token_hex(4)
    KeyRing.create(places.keys, root_name=f"muniment-root-{mark}", region_name=f"muniment-region-{mark}")
    create_tenant_with_log(connection, places, slug=INSTALLATION_SLUG, name="This installation", public_verify=False)
    return create_tenant_with_log(connection, places, slug="default", name="Default", scopes=("append", "read"))


def create_tenant_with_log(
    connection: Connection[Any],
    places: Places,
    *,
    slug: str,
    name: str,
    public_verify: bool = True,
    region: str = REGION,
    seal_within: int = SEAL_WITHIN,
    scopes: tuple[Scope, ...] = (),
    sample: bool = False,
) -> NewTenant:
    """Make a tenant with its log, the log's key, keys note 1 and API keys, all or nothing.

    Args:
        connection: as muniment_app, in autocommit.
        places: of the installation.
        slug: lower-case letters, digits and hyphens, at most 63.
        name: for people.
        public_verify: whether anyone may ask for the result of the audit walk.
        region: where the log is kept.
        seal_within: seconds from recording to sealing that are promised.
        scopes: API keys to make.
        sample: its data are made up, and every page says so.

    Raises:
        Refused: if the slug is taken or not allowed, or the root key is not here to sign the keys note.
    """
    ring = key_ring(places)
    root = ring.root()
    now = time.time_ns()
    # Opaque: says nothing about tenant, region or host. Random, so that two installations never meet in one name.
    origin = f"muniment.log/{new_ulid(now // 1_000_000, secrets.token_bytes(10)).lower()}"
    # On disk before anything names it: a key that nothing uses is harmless, a log without its key is not.
    log_key = ring.create_log_key(origin)
    try:
        with connection.transaction():
            tenant_id = create_tenant(connection, slug=slug, name=name, public_verify=public_verify)
            log = create_log(
                connection,
                origin=origin,
                region=region,
                seal_within=seal_within,
                root_key=f"{root.name}+{root.verifier.key_id.hex()}",
            )
            issue_first(
                connection,
                log_id=log.log_id,
                root=root,
                log_key=log_key.verifier,
                cosigners=[Cosigner(verifier_of(ring.region()), now // 1_000_000_000)],
            )
            tokens = {
                scope: create_api_key(
                    connection, by=OPERATOR, log_id=log.log_id, scope=scope, label=f"first {scope} key"
                ).token
                for scope in scopes
            }
            provision(connection, tenant_id, region=region, sample=sample)
    except errors.UniqueViolation as error:
        raise Refused(f"there is a tenant {slug} already", "slug") from error
    except errors.CheckViolation as error:
        raise Refused(
            "a slug has lower-case letters, digits and inner hyphens, at most 63; a name at most 256 bytes; "
            f"a seal-within 1 to 86400 seconds ({error.diag.constraint_name})",
            "slug",
        ) from error
    return NewTenant(tenant_id, slug, log.log_id, origin, log.genesis_hash, tokens)
