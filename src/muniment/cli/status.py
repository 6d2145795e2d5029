"""`muniment status`: what runs, how large the logs are, how they do."""

import json
import sys
import time
from datetime import UTC, datetime

import click
import psycopg

from muniment.keys import KeyRing
from muniment.ledger.registry import TenantLog, tenant_logs
from muniment.server.installation import embedded_postgres
from muniment.server.runtime import JobState, Places, read_jobs, read_server

_STALE = 30.0


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def command(as_json: bool) -> None:
    """Say what runs and how it does; exit 1 if anything needs attention."""
    places = Places.of()
    server = read_server(places)
    logs, trouble = _read_logs(places)
    problems = [] if server is not None else [f"no server runs in {places.home}: muniment up"]
    problems += trouble
    jobs = read_jobs(places) if server is not None else []
    problems += [f"{job.name} fails ({job.failures} in a row): {job.error}" for job in jobs if job.failures]
    problems += [
        f"{job.name} has stood still for {_ago(time.time() - job.beat_at)}" for job in jobs if _stands_still(job)
    ]
    problems += [f"the audit walk of {log.log.origin} failed: muniment verify" for log in logs if log.walk_ok is False]
    root = KeyRing(places.keys).root_path
    warnings = [f"the root key is still in {root}: move it to a safe place off this machine"] if root.exists() else []
    if as_json:
        found = {
            "home": str(places.home),
            "server": None
            if server is None
            else {"url": server.url, "pid": server.pid, "started_at": server.started_at},
            "database": _database(places),
            "jobs": [
                {"name": job.name, "failures": job.failures, "error": job.error, "note": job.note} for job in jobs
            ],
            "logs": [_log_json(log) for log in logs],
            "problems": problems,
            "warnings": warnings,
        }
        click.echo(json.dumps(found, indent=2))
    else:
        click.echo(f"Muniment in {places.home}")
        running = (
            "not running" if server is None else f"{server.url} (process {server.pid}, up {_since(server.started_at)})"
        )
        click.echo(f"  server      {running}")
        click.echo(f"  database    {_database(places)}")
        for job in jobs:
            click.echo(f"  {job.name:<11} {job.note or 'nothing to do yet'}")
        for log in logs:
            _say_log(log)
        for problem in problems:
            click.secho(f"  PROBLEM     {problem}", fg="red")
        for warning in warnings:
            click.secho(f"  WARNING     {warning}", fg="yellow")
    sys.exit(1 if problems else 0)


def _read_logs(places: Places) -> tuple[list[TenantLog], list[str]]:
    if not (places.urls / "app.url").exists():
        return [], []
    try:
        with psycopg.connect(places.database_url("app"), autocommit=True, connect_timeout=5) as connection:
            return tenant_logs(connection), []
    except psycopg.OperationalError as error:
        return [], [f"the database does not answer: {str(error).strip().splitlines()[0]}"]


def _database(places: Places) -> str:
    status = embedded_postgres(places).status()
    if status.state == "absent":
        return "your own PostgreSQL" if (places.urls / "app.url").exists() else "none yet"
    return f"embedded PostgreSQL, {status.state}" + (f" (process {status.pid})" if status.pid else "")


def _say_log(log: TenantLog) -> None:
    sealed = "never" if log.sealed_at is None else f"{_since(log.sealed_at.timestamp())} ago"
    walked = "never" if log.walked_at is None else f"{_since(log.walked_at.timestamp())} ago"
    found = {None: "", True: ", all held", False: ", BROKEN"}[log.walk_ok]
    click.echo(f"  log         {log.log.origin} of tenant {log.slug} ({log.log.state})")
    click.echo(f"              {log.log.size} entries, {log.log.sealed} of them sealed; last checkpoint {sealed}")
    click.echo(f"              last audit walk {walked}{found}")
    if log.anchored_at is not None:
        ago = _since(log.anchored_at.timestamp())
        click.echo(f"              last timestamp from outside {ago} ago, over {log.anchored_size} entries")


def _log_json(log: TenantLog) -> dict[str, object]:
    return {
        "tenant": log.slug,
        "origin": log.log.origin,
        "state": log.log.state,
        "entries": log.log.size,
        "sealed": log.log.sealed,
        "checkpoint_at": _iso(log.sealed_at),
        "walked_at": _iso(log.walked_at),
        "walk_ok": log.walk_ok,
        "anchored_at": _iso(log.anchored_at),
        "anchored_size": log.anchored_size,
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _stands_still(job: JobState) -> bool:
    """Short rounds only: a walk may take as long as its log."""
    return job.name == "sealing" and time.time() - job.beat_at > _STALE


def _since(moment: float) -> str:
    return _ago(max(0.0, time.time() - moment))


def _ago(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 172800 else f"{seconds / 86400:.0f} days"
