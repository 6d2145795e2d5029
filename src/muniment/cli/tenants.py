"""`muniment tenants`: tenants."""

import click

from muniment.cli.keys import one_log
from muniment.ledger.connection import tenant_transaction
from muniment.ledger.registry import tenant_logs
from muniment.ledger.tenants import set_public_verify
from muniment.server.installation_tenants import OPERATOR, SEAL_WITHIN, create_tenant_with_log, open_connection
from muniment.server.runtime import Places


@click.group("tenants")
def command() -> None:
    """Tenants: each has a log of its own, and sees nothing of the others."""


@command.command("create")
@click.argument("slug")
@click.option("--name", default=None, help="For people; the slug if left out.")
@click.option("--public-verify", type=click.Choice(["on", "off"]), default="on", show_default=True)
@click.option(
    "--seal-within", type=click.IntRange(1, 86400), default=SEAL_WITHIN, show_default=True, help="Seconds promised."
)
def create(slug: str, name: str | None, public_verify: str, seal_within: int) -> None:
    """Make a tenant with its log and two API keys, which are printed this once. Needs the root key here."""
    places = Places.of()
    with open_connection(places) as connection:
        made = create_tenant_with_log(
            connection,
            places,
            slug=slug,
            name=name or slug,
            public_verify=public_verify == "on",
            seal_within=seal_within,
            scopes=("append", "read"),
        )
    click.echo(f"tenant   {made.slug}\nlog      {made.origin}\ngenesis  {made.genesis_hash.hex()}")
    click.echo(f"append   {made.tokens['append']}\nread     {made.tokens['read']}")
    click.echo("The two keys are shown this once and stored nowhere.", err=True)


@command.command("list")
def show() -> None:
    """List tenants and their logs."""
    with open_connection(Places.of()) as connection:
        logs = tenant_logs(connection)
    for log in logs:
        public = "on" if log.public_verify else "off"
        click.echo(f"{log.slug}  {log.log.origin}  {log.log.state}  {log.log.size} entries  public verify {public}")


@command.command("set")
@click.argument("slug")
@click.option("--public-verify", type=click.Choice(["on", "off"]), required=True)
def change(slug: str, public_verify: str) -> None:
    """Change what is public of a tenant; the change is recorded in its log."""
    with open_connection(Places.of()) as connection:
        log = one_log(connection, slug)
        with tenant_transaction(connection, log.log.tenant_id):
            seq = set_public_verify(connection, by=OPERATOR, log_id=log.log.log_id, public=public_verify == "on")
    click.echo(f"public verification of {slug} is {public_verify} (entry {seq})")
