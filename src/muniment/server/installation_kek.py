"""The installation's key encryption key: where it may stand, and that it is the one the database's data keys need."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection

from muniment.core.errors import Refused
from muniment.keys import FileKek, same_volume
from muniment.ledger.connection import tenant_transaction
from muniment.ledger.tenants import all_logs
from muniment.server.installation import Database
from muniment.server.runtime import Places


class SharedVolume(Refused):
    """The key encryption key stands on the database's volume, and nobody said that this is an evaluation."""


@dataclass(frozen=True, slots=True)
class Mode:
    """How an installation runs.

    Attributes:
        evaluation: the key encryption key need not stand apart from the database, and every page says so.
        said: why, or what could not be found out; one sentence, or nothing.
    """

    evaluation: bool
    said: str


def choose_mode(
    places: Places, database: Database, environment: Mapping[str, str], *, asked: bool, admin_url: str | None = None
) -> Mode:
    """Evaluation or production.

    Args:
        places: of the installation.
        database: that is up.
        environment: of the command. Where it sets neither `MUNIMENT_KEYS` nor `DATABASE_URL`, and the database is the
            embedded one, nothing was configured: keys on the database's volume then mean an evaluation.
        asked: evaluation was asked for.
        admin_url: an administrator's URL of one's own database, who may be told where it keeps its files.

    Raises:
        SharedVolume: in production, if the key encryption key stands on the database's volume.
    """
    if asked:
        return Mode(True, "it was asked for")
    where, unknown = _data_directory(places, database, admin_url)
    if where is None:
        return Mode(False, unknown)
    if not same_volume(places.keys, where):
        return Mode(False, "")
    configured = database.embedded is None or bool(environment.get("MUNIMENT_KEYS") or environment.get("DATABASE_URL"))
    if not configured:
        return Mode(True, "nothing was configured, and the keys stand on the database's volume")
    raise SharedVolume(
        f"the key encryption key in {places.keys} would stand on the volume of the database in {where}: one snapshot, "
        "backup or stolen disk would give out the secrets and what opens them. Set MUNIMENT_KEYS to a directory on "
        f"another volume (and move what {places.keys} holds there), or start with --evaluation, which every page shows",
        "MUNIMENT_KEYS",
    )


def open_kek(connection: Connection[Any], places: Places) -> FileKek:
    """The installation's key encryption key, made now if nothing was ever wrapped with one.

    Args:
        connection: as muniment_app, in autocommit.
        places: of the installation; made.

    Raises:
        Refused: if it is missing, or is another one, and data keys in the database need it; or if the file is not safe.
        Malformed: if the file holds no key.
    """
    needed = _wrapped_by(connection)
    if not places.kek.exists() and not places.kek.is_symlink():
        if needed:
            raise Refused(
                f"the key encryption key {', '.join(sorted(needed))} is gone, and the secrets in the database need it: "
                "put the file back",
                str(places.kek),
            )
        return FileKek.create(places.kek)
    kek = FileKek.load(places.kek)
    if others := needed - {kek.key_id}:
        raise Refused(
            f"this is the key encryption key {kek.key_id}, and the secrets in the database need "
            f"{', '.join(sorted(others))}: put that one back",
            str(places.kek),
        )
    return kek


def _wrapped_by(connection: Connection[Any]) -> set[str]:
    found: set[str] = set()
    for tenant_id in {log.tenant_id for log in all_logs(connection)}:
        with tenant_transaction(connection, tenant_id):
            rows = connection.execute("SELECT DISTINCT kek_id FROM django.tenants_datakey").fetchall()
        found |= {row[0] for row in rows}
    return found


def _data_directory(places: Places, database: Database, admin_url: str | None) -> tuple[Path | None, str]:
    """Where the database keeps its files, or None and why that is not known."""
    if database.embedded is not None:
        return places.postgres, ""
    elsewhere = "whether the keys stand on its volume cannot be seen from here; keep them apart"
    with psycopg.connect(admin_url or database.urls["app"], autocommit=True) as connection:
        if not _is_here(connection.info):
            return None, f"the database is on another host: {elsewhere}"
        try:
            row = connection.execute("SHOW data_directory").fetchone()
        except psycopg.errors.InsufficientPrivilege:
            return None, f"the database does not say where its files are: {elsewhere}"
    directory = Path(row[0]) if row else Path()
    try:
        seen = directory.is_dir()
    except PermissionError:
        seen = False
    # A database in a container answers on loopback too, and names a directory of its own world.
    return (directory, "") if seen else (None, f"the database's directory {directory} is not to be seen: {elsewhere}")


def _is_here(info: psycopg.ConnectionInfo) -> bool:
    if info.host.startswith(("/", "@")):
        return True
    try:
        return ipaddress.ip_address(info.hostaddr or info.host).is_loopback
    except ValueError:
        return False
