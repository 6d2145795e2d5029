"""`muniment logs`: what is done to a log's keys and heads."""

import click

from muniment.cli.keys import one_log
from muniment.ledger.heads import HeadDirectory
from muniment.ledger.seal_adopt import adopt_head
from muniment.server.installation_logs import rotate_key
from muniment.server.installation_tenants import key_ring, open_connection
from muniment.server.runtime import Places

_TENANT = click.option(
    "--tenant", default=None, metavar="SLUG", help="Whose; not needed where there is only one tenant."
)


@click.group("logs")
def command() -> None:
    """Logs: rotate a key, adopt a head after its file was lost."""


@command.command("rotate-key")
@_TENANT
@click.option("--revoke", is_flag=True, help="Also declare the key in force so far revoked from now on.")
def rotate(tenant: str | None, revoke: bool) -> None:
    """Make a new key for a log and have the root key say so in the next keys note. Needs the root key here."""
    places = Places.of()
    with open_connection(places) as connection:
        log = one_log(connection, tenant)
        note = rotate_key(connection, places, log, revoke=revoke)
    click.echo(
        f"{log.log.origin}: keys note {note.number}; checkpoints from size {note.logs[-1].size} on are signed by"
    )
    click.echo(note.logs[-1].key.vkey)


@command.command("adopt-head")
@_TENANT
@click.option("--yes", is_flag=True, help="Do not ask.")
def adopt(tenant: str | None, yes: bool) -> None:
    """Take the database's newest checkpoint as the last signed head, after the head's file was lost.

    The file exists so that a database restored from an older copy is noticed. Do this only if you know that the
    database was not restored: otherwise clients that hold a later checkpoint will see two histories under one key. The
    step is recorded in the log.
    """
    places = Places.of()
    with open_connection(places) as connection:
        log = one_log(connection, tenant)
        if not yes:
            click.confirm(
                f"{log.log.origin}: {log.log.size} entries, {log.log.sealed} sealed. "
                "Is it certain that this database was not restored from an older copy?",
                abort=True,
            )
        head = adopt_head(connection, key_ring(places), HeadDirectory(places.heads), log.log.tenant_id, log.log.log_id)
    click.echo(f"{log.log.origin}: the last signed head is now that of size {head.size}, root {head.root.hex()}")
