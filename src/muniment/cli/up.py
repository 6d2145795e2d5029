"""`muniment up`: start the ledger on this machine."""

import json
import logging
import os
import shlex
import socket
import subprocess
import sys
import threading
import time

import click
import psycopg

from muniment.core.errors import Refused
from muniment.keys import KeyRing
from muniment.server.installation import Database, embedded_postgres, open_database
from muniment.server.installation_kek import Mode, SharedVolume, choose_mode, open_kek
from muniment.server.installation_tenants import NewTenant, open_installation
from muniment.server.runtime import Places, Server, ServerLock, read_server, server_is_running
from muniment.server.runtime_http import DEFAULT_PORT, HOST, listening_socket
from muniment.server.runtime_service import Service, detached_service
from muniment.server.setup.tokens import setup_address

_READY_WITHIN = 60.0
_LOG_LIMIT = 16 << 20


@click.command("up")
@click.option("--detach", is_flag=True, help="Return once it is ready, and leave it running.")
@click.option(
    "--port", type=click.IntRange(1, 65535), help=f"Port on {HOST}; without it, the first free one from {DEFAULT_PORT}."
)
@click.option(
    "--evaluation",
    is_flag=True,
    envvar="MUNIMENT_EVALUATION",
    help="Keys may stand on the database's volume; every page says so. Not for real secrets.",
)
@click.option("--sample", is_flag=True, help="Make a tenant of made-up data, marked on every page, to look around in.")
def command(detach: bool, port: int | None, evaluation: bool, sample: bool) -> None:
    """Start database, server and sealing here; the first start makes a tenant and prints its keys, once.

    Data stand in MUNIMENT_HOME. DATABASE_URL, an administrator's URL of a PostgreSQL 15 or later, replaces the embedded
    database; once roles and schema are there, later starts do without it. MUNIMENT_KEYS holds the keys, on another
    volume than the database; where neither is set, this is an evaluation.
    """
    places = Places.of()
    places.make()
    lock = ServerLock.take(places)
    if lock is None:
        _say_running(places)
        if sample:
            _make_sample(places)
        return
    listening = listening_socket(port)
    url = f"http://{HOST}:{listening.getsockname()[1]}"
    click.echo(f"Muniment in {places.home}")
    try:
        database, mode, tenant = _open(places, evaluation)
    except SharedVolume as error:
        click.echo(f"muniment: {error}", err=True)
        sys.exit(2)
    _say_database(database)
    _say_mode(mode, places)
    if tenant is not None:
        _say_first(tenant, places, url)
    if port is None and listening.getsockname()[1] != DEFAULT_PORT:
        click.echo(f"  port      {DEFAULT_PORT} is taken, so this is {listening.getsockname()[1]} (choose with --port)")
    _warn_about_root(places)
    _say_setup(places, url)
    if detach:
        server = _leave_running(places, lock, listening)
        click.echo(f"  server    {server.url} (process {server.pid}); its log is {places.log}")
        if sample:
            _make_sample(places)
        click.echo("\nStop: muniment down")
    else:
        click.echo(f"  server    {url}\n\nStop: Ctrl-C")
        if sample:
            threading.Thread(target=_make_sample_when_ready, args=(places,), daemon=True).start()
        logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s", stream=sys.stderr)
        Service(places, database, lock, listening).run()
        click.echo("Stopped.")


def _open(places: Places, evaluation: bool) -> tuple[Database, Mode, NewTenant | None]:
    try:
        admin_url = os.environ.get("DATABASE_URL")
        database = open_database(places, admin_url)
        mode = choose_mode(places, database, os.environ, asked=evaluation, admin_url=admin_url)
        # The server's process, and the one that takes its place when it starts again, are told and do not ask anew.
        os.environ["MUNIMENT_EVALUATION"] = "1" if mode.evaluation else "0"
        with psycopg.connect(database.urls["app"], autocommit=True) as connection:
            tenant = open_installation(connection, places)
            open_kek(connection, places)
            return database, mode, tenant
    except BaseException:
        # Whoever cannot start leaves nothing running either.
        embedded_postgres(places).stop()
        raise


def _say_setup(places: Places, url: str) -> None:
    # By name: passkeys belong to a host's name, and an address has none.
    base = os.environ.get("MUNIMENT_PUBLIC_URL") or url.replace(HOST, "localhost")
    with psycopg.connect(places.database_url("app"), autocommit=True) as connection:
        address = setup_address(places, connection, base)
    if address is not None:
        click.secho(f"  set up    open this once, to make the first administrator:\n            {address}", bold=True)


def _say_running(places: Places) -> None:
    deadline = time.monotonic() + _READY_WITHIN
    while (server := read_server(places)) is None:
        if not server_is_running(places) or time.monotonic() > deadline:
            raise Refused(
                f"another process was starting the ledger in {places.home} and did not succeed: try again", "up"
            )
        time.sleep(0.1)
    click.echo(f"Muniment runs already in {places.home}: {server.url} (process {server.pid})")
    _say_setup(places, server.url)


def _say_database(database: Database) -> None:
    if database.embedded is not None:
        status = database.embedded.status()
        where = f"embedded PostgreSQL, {HOST}:{status.port} (process {status.pid})"
    else:
        where = "your own PostgreSQL"
    click.echo(f"  database  {where}" + (", schema brought up to date" if database.migrated else ""))


def _say_mode(mode: Mode, places: Places) -> None:
    if mode.evaluation:
        click.secho(
            f"  mode      EVALUATION, because {mode.said}. Every page says so. For real secrets set MUNIMENT_KEYS\n"
            f"            to a directory on another volume than the database (now {places.keys}).",
            fg="yellow",
        )
    elif mode.said:
        click.secho(f"  mode      {mode.said}", fg="yellow")


def _say_first(tenant: NewTenant, places: Places, url: str) -> None:
    pin = json.dumps(
        {
            "origin": tenant.origin,
            "genesis": tenant.genesis_hash.hex(),
            "root": KeyRing(places.keys).root_verifier().vkey,
        }
    )
    append, read = tenant.tokens["append"], tenant.tokens["read"]
    event = '{"action":"tool.call","actor":{"type":"agent","id":"agent:first"},"outcome":"success"}'
    body = f'{{"event":{event},"payload":{{"note":"hello"}}}}'
    click.echo(
        f"""
First start: tenant "{tenant.slug}" was made, with the log {tenant.origin}.
Its API keys are shown now and never again (more: muniment keys create):

  export MUNIMENT_URL={url}
  export MUNIMENT_KEY={append}    # append
  export MUNIMENT_READ_KEY={read}    # read

Record something:

  curl -sS -H "Authorization: Bearer $MUNIMENT_KEY" -H "Content-Type: application/json" \\
       -d {shlex.quote(body)} $MUNIMENT_URL/api/events

What a verifier pins; keep it outside this machine:

  export MUNIMENT_PIN={shlex.quote(pin)}
"""
    )


def _warn_about_root(places: Places) -> None:
    root = KeyRing(places.keys).root_path
    if root.exists():
        click.secho(
            f"  WARNING   the root key is still here: move {root} to a safe place off this machine.\n"
            "            It is needed again only to make a tenant or change a log's keys.",
            fg="yellow",
        )


def _make_sample(places: Places) -> None:
    """Tell the sample's day to the running server, from a process of its own, as clients are."""
    done = subprocess.run(
        [sys.executable, "-m", "muniment.server.sample"],
        env={**_without_administrator(), **places.environment()},
        stdin=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode != 0:
        raise Refused("the server runs, without the sample: see above", "sample")


def _make_sample_when_ready(places: Places) -> None:
    while read_server(places) is None:
        time.sleep(0.05)
    try:
        _make_sample(places)
    except Refused as error:
        click.echo(f"muniment: {error}", err=True)


def _without_administrator() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}


def _leave_running(places: Places, lock: ServerLock, listening: socket.socket) -> Server:
    arguments, environment, keep = detached_service(lock, listening)
    if places.log.exists() and places.log.stat().st_size > _LOG_LIMIT:
        places.log.replace(places.log.with_suffix(".log.1"))
    with places.log.open("a") as log:
        child = subprocess.Popen(
            arguments,
            # The administrator's password stays behind: the roles' own URLs are known by now.
            env={**_without_administrator(), **places.environment(), **environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=keep,
            start_new_session=True,
            cwd="/",
        )
    lock.release()
    listening.close()
    deadline = time.monotonic() + _READY_WITHIN
    while time.monotonic() < deadline:
        server = read_server(places)
        if server is not None and server.pid == child.pid:
            return server
        if child.poll() is not None:
            break
        time.sleep(0.05)
    child.kill()
    child.wait()
    embedded_postgres(places).stop()
    end = "\n".join(places.log.read_text(errors="replace").splitlines()[-10:])
    raise Refused(f"the server did not start; {places.log} ends with:\n{end}", "up")
