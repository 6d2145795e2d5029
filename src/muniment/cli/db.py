"""`muniment db`: the database under the ledger."""

import os

import click

from muniment.server.installation import embedded_postgres, open_database
from muniment.server.runtime import Places


@click.group("db")
def command() -> None:
    """The database: migrate it, give its roles new passwords, show a role's URL."""


@command.command("migrate")
def bring_up() -> None:
    """Make what is missing: the embedded database, roles, schema. `muniment up` does it too."""
    places = Places.of()
    places.make()
    database = open_database(places, os.environ.get("DATABASE_URL"))
    for name in database.migrated:
        click.echo(f"ran {name}")
    click.echo("The schema is up to date.")


@command.command("reset-passwords")
def reset() -> None:
    """Give every role a new password; a server that runs must be started again."""
    places = Places.of()
    places.make()
    open_database(places, os.environ.get("DATABASE_URL"), reset_passwords=True)
    click.echo(f"New passwords stand in {places.urls}. Start the server again: muniment down; muniment up")


@command.command("url")
@click.argument("role", type=click.Choice(["app", "ingest", "auditor", "migrator", "superuser"]))
def url(role: str) -> None:
    """Print the URL of a role, password included; the superuser's only for the embedded database."""
    places = Places.of()
    if role == "superuser":
        click.echo(embedded_postgres(places).url(database="muniment"))
    elif role in ("app", "ingest", "auditor", "migrator"):
        click.echo(places.database_url(role))  # type: ignore[arg-type]
