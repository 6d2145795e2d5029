"""`muniment down`: stop what runs on this machine."""

import os
import signal
import time

import click

from muniment.core.errors import Refused
from muniment.server.installation import embedded_postgres
from muniment.server.runtime import Places, read_server, server_is_running

_PATIENCE = 60.0


@click.command("down")
def command() -> None:
    """Stop the server and the embedded database; requests under way are answered first."""
    places = Places.of()
    server = read_server(places)
    if server is None and server_is_running(places):
        raise Refused("the server is starting or stopping just now: try again in a moment", "down")
    if server is not None:
        try:
            os.kill(server.pid, signal.SIGTERM)
        except PermissionError as error:
            raise Refused(f"process {server.pid} belongs to another user: run this as its owner", "down") from error
        deadline = time.monotonic() + _PATIENCE
        while server_is_running(places):
            if time.monotonic() > deadline:
                raise Refused(f"process {server.pid} does not stop; see {places.log}", "down")
            time.sleep(0.05)
        click.echo(f"The server is stopped (it was {server.url}).")
    # The server stops its database itself; this is for one that was killed.
    stopped = embedded_postgres(places).stop()
    if stopped:
        click.echo("The embedded database, which an earlier server left running, is stopped.")
    if server is None and not stopped:
        click.echo(f"Nothing runs in {places.home}.")
