"""`muniment keys`: API keys."""

import click
import psycopg

from muniment.core.errors import Refused
from muniment.ledger.apikeys import Scope, create_api_key, revoke_api_key
from muniment.ledger.connection import tenant_transaction
from muniment.ledger.registry import TenantLog, api_keys, tenant_logs
from muniment.ledger.system import active_log
from muniment.server.installation_tenants import OPERATOR, open_connection
from muniment.server.members.operator_keys import create_key_with_role
from muniment.server.runtime import Places
from muniment.server.tenants.identifiers import INSTALLATION_SLUG

_TENANT = click.option(
    "--tenant", default=None, metavar="SLUG", help="Whose; not needed where there is only one tenant."
)


@click.group("keys")
def command() -> None:
    """API keys: append-only or read, for one tenant's log. Making and revoking one is recorded in the log."""


@command.command("create")
@click.argument("scope", type=click.Choice(["append", "read"]))
@_TENANT
@click.option("--label", default="", help="For people: who uses it, where.")
@click.option(
    "--role",
    metavar="CODE",
    help="A read key that may do what this role allows, such as analyst: of a new service account named LABEL.",
)
def create(scope: Scope, tenant: str | None, label: str, role: str | None) -> None:
    """Make a key and print it, this once."""
    if role is not None and scope != "read":
        raise Refused("an append key appends and has no role; `muniment keys create read --role …`", "role")
    with open_connection(Places.of()) as connection:
        log = one_log(connection, tenant)
        with tenant_transaction(connection, log.log.tenant_id):
            if role is None:
                made = create_api_key(
                    connection, by=OPERATOR, log_id=log.log.log_id, scope=scope, label=label or f"{scope} key"
                )
            else:
                made = create_key_with_role(
                    connection,
                    log.log.tenant_id,
                    active_log(connection),
                    by=OPERATOR,
                    role=role,
                    label=label or f"{role} key",
                )
    click.echo(made.token)
    may = scope if role is None else f"do what {role} allows"
    click.echo(f"{made.key_id}: may {may} in {log.log.origin}. It is shown this once and stored nowhere.", err=True)


@command.command("list")
@_TENANT
def show(tenant: str | None) -> None:
    """List the keys; secrets are not known here."""
    with open_connection(Places.of()) as connection:
        log = one_log(connection, tenant)
        keys = api_keys(connection, log.log.tenant_id, log.log.log_id)
    for key in keys:
        state = "active" if key.revoked_at is None else f"revoked {key.revoked_at:%Y-%m-%d %H:%M}Z"
        click.echo(f"{key.key_id}  {key.scope:<6}  made {key.created_at:%Y-%m-%d %H:%M}Z  {state}  {key.label}")


@command.command("revoke")
@click.argument("key_id")
@_TENANT
def revoke(key_id: str, tenant: str | None) -> None:
    """Revoke a key for good."""
    if key_id.startswith("mk_"):
        raise Refused("this is a whole key, which does not belong in a shell's history; name it by its id, ak_…", "key")
    with open_connection(Places.of()) as connection:
        log = one_log(connection, tenant)
        with tenant_transaction(connection, log.log.tenant_id):
            seq = revoke_api_key(connection, by=OPERATOR, log_id=log.log.log_id, key_id=key_id)
    click.echo(f"{key_id} was revoked before." if seq is None else f"{key_id} is revoked (entry {seq}).")


def one_log(connection: psycopg.Connection, slug: str | None) -> TenantLog:
    """The active log of a tenant, or of the only tenant; the installation's own log has to be named.

    Raises:
        Refused: if there is no such tenant, or several and none was named.
    """
    active = [log for log in tenant_logs(connection) if log.log.state == "active"]
    logs = [log for log in active if (log.slug != INSTALLATION_SLUG if slug is None else log.slug == slug)]
    if not logs:
        raise Refused("there is no tenant yet" if slug is None else f"there is no tenant {slug}", "tenant")
    if len(logs) > 1:
        raise Refused(f"which one? name it with --tenant: {', '.join(sorted({log.slug for log in logs}))}", "tenant")
    return logs[0]
