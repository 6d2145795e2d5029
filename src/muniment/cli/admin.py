"""`muniment admin`: what only the operator at the machine does for people."""

import os
from datetime import UTC

import click

from muniment.core.errors import Refused
from muniment.server.accounts.recovery import MINUTES, make_link
from muniment.server.installation_tenants import open_connection
from muniment.server.runtime import Places, read_server
from muniment.server.runtime_http import DEFAULT_PORT, HOST


@click.group("admin")
def command() -> None:
    """Help people in, from the machine itself. What is done here is recorded in the installation's log."""


@command.command("recover", short_help="Make a one-time link for somebody who cannot sign in any more.")
@click.argument("email")
def recover(email: str) -> None:
    """Make a one-time link for somebody who lost their password and every second factor, and print it.

    EMAIL is the address with which they sign in. All their sessions end at once, and links made for them before stop
    working. The password and the second factors stay as they are until the link is used; whoever opens it chooses a
    new password, loses the second factors and recovery codes, and adds a new one when signing in.

    The link is an account: hand it over in a way you trust, after making sure who asks. Making it and using it are
    entries of the installation's log.
    """
    if "@" not in email or "\0" in email:
        raise Refused("name the person by the address with which they sign in, such as ada@company.example", "email")
    places = Places.of()
    with open_connection(places) as connection:
        made = make_link(connection, email)
    server = read_server(places)
    # By name: passkeys belong to a host's name, and an address has none.
    base = os.environ.get("MUNIMENT_PUBLIC_URL") or (server.url if server else f"http://{HOST}:{DEFAULT_PORT}")
    click.echo(base.rstrip("/").replace(f"//{HOST}", "//localhost") + made.path)
    click.echo(
        f"For user:{made.user_id}; works once, until {made.expires_at.astimezone(UTC):%H:%M} UTC ({MINUTES} minutes). "
        f"{made.sessions} of their sessions ended.\n"
        f"Recorded in the installation's log (entry {made.seq}). The link is shown this once and stored nowhere.",
        err=True,
    )
    if server is None and not os.environ.get("MUNIMENT_PUBLIC_URL"):
        click.echo("No server answers here now; where it answers at another address, put that in front.", err=True)
