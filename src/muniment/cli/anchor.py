"""`muniment anchor`: timestamps of outside authorities over a log's checkpoints."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import click
from psycopg import Connection

from muniment.anchors.authorities import Authorities, load_authorities, parse_every, shown_address
from muniment.cli.keys import one_log
from muniment.core.timestamp_chain import name_of
from muniment.ledger.anchor_record import set_cadence
from muniment.ledger.anchors import (
    Anchor,
    Attempt,
    Outlook,
    attempts,
    cadence,
    newest_anchors,
    outlooks,
)
from muniment.ledger.connection import tenant_transaction
from muniment.ledger.registry import TenantLog
from muniment.server.anchoring import Outcome, anchor, authorities_file, check_authorities, overdue
from muniment.server.installation_tenants import OPERATOR, open_connection
from muniment.server.runtime import Places

_TENANT = click.option(
    "--tenant", default=None, metavar="SLUG", help="Whose; not needed where there is only one tenant."
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")


@click.group("anchor")
def command() -> None:
    """Timestamps from outside: "this log existed no later than T, says authority X".

    Authorities (RFC 3161) stand in `anchors.toml` in the installation's home, each with the certificates that are
    trusted. The background process asks them as often as `every` says, and again with growing pauses where one fails.
    Each token is an entry of the log, and goes into bundles, which `muniment verify --timestamp-root` checks offline.
    """


@command.command("now")
@_TENANT
@click.option("--authority", "only", default=None, metavar="NAME", help="Only this one; otherwise all of them.")
@_JSON
def now(tenant: str | None, only: str | None, as_json: bool) -> None:
    """Have the newest checkpoint stamped now, whether or not it is time. Exit 1 if any authority gave no token."""
    places = Places.of()
    authorities = check_authorities(places)
    asked = authorities.all if only is None else (authorities.named(only),)
    with open_connection(places) as connection:
        log = one_log(connection, tenant)
        outcomes = [anchor(connection, log.log, authority) for authority in asked]
    if as_json:
        click.echo(json.dumps([_outcome_json(one) for one in outcomes], indent=2))
    else:
        for outcome in outcomes:
            click.secho(_outcome_said(outcome), fg="red" if outcome.failure else None)
    sys.exit(1 if any(outcome.failure for outcome in outcomes) else 0)


@command.command("list")
@_TENANT
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many at most.")
@_JSON
def show(tenant: str | None, limit: int, as_json: bool) -> None:
    """List the tokens of a log, newest first. What they prove, a bundle shows: muniment verify --timestamp-root."""
    with open_connection(Places.of()) as connection:
        log = one_log(connection, tenant)
        with tenant_transaction(connection, log.log.tenant_id):
            found = newest_anchors(connection, log.log.log_id, limit=limit)
    if as_json:
        click.echo(json.dumps([_anchor_json(one) for one in found], indent=2))
        return
    if not found:
        click.echo(f"{log.log.origin}: no timestamp yet")
    for one in found:
        click.echo(
            f"{_time(one.stamped_at)}  {one.size:>10} entries  {one.authority}  entry {one.seq}  "
            f"verifies without renewal until {_time(one.valid_until)}"
        )


@command.command("status")
@_TENANT
@_JSON
def status(tenant: str | None, as_json: bool) -> None:
    """Say which authorities there are and how each does. Exit 1 if one fails, is overdue, or none is configured."""
    places = Places.of()
    authorities = load_authorities(authorities_file(places))
    with open_connection(places) as connection:
        log = one_log(connection, tenant)
        found = _Found.read(connection, log, authorities)
    problems = found.problems(authorities)
    if as_json:
        click.echo(json.dumps(found.as_json(authorities, authorities_file(places), problems), indent=2))
    else:
        found.say(authorities, authorities_file(places))
        for problem in problems:
            click.secho(f"  PROBLEM     {problem}", fg="red")
    sys.exit(1 if problems else 0)


@command.command("every")
@click.argument("every", metavar="TIME")
@_TENANT
def every_(every: str, tenant: str | None) -> None:
    """Set how often a tenant's log is anchored: a number and s, m, h or d, from 1m to 365d. Recorded in the log."""
    seconds = parse_every(every, "TIME")
    with open_connection(Places.of()) as connection:
        log = one_log(connection, tenant)
        with tenant_transaction(connection, log.log.tenant_id):
            seq = set_cadence(connection, by=OPERATOR, log_id=log.log.log_id, every=seconds)
    recorded = "as it was" if seq is None else f"entry {seq}"
    click.echo(f"{log.log.origin} is anchored every {every} ({recorded}), when something new is sealed.")


class _Found:
    """What the database says of a log's anchors."""

    def __init__(self, log: TenantLog, every: int, seen: list[Outlook], tried: list[Attempt], newest: list[Anchor]):
        self.log, self.every, self.seen, self.tried, self.newest = log, every, seen, tried, newest

    @classmethod
    def read(cls, connection: Connection, log: TenantLog, authorities: Authorities) -> "_Found":
        """Read it."""
        with tenant_transaction(connection, log.log.tenant_id):
            own = cadence(connection, log.log.log_id)
            seen = outlooks(connection, log.log.log_id, [one.name for one in authorities.all])
            tried = attempts(connection, log.log.log_id)
            newest = newest_anchors(connection, log.log.log_id, limit=1)
        return cls(log, own or authorities.every, seen, tried, newest)

    def problems(self, authorities: Authorities) -> list[str]:
        """What needs attention."""
        if not authorities.all:
            return ["no timestamp authority is configured: nothing outside says when this log existed"]
        names = {one.name for one in authorities.all}
        failing = [one for one in self.tried if one.failures and one.authority in names]
        found = [
            f"{one.authority} has given no timestamp since {_time(one.failing_since)} ({one.failures} attempts, "
            f"{one.word}): {one.reason}; next attempt {_time(one.retry_at)}"
            for one in failing
        ]
        late = set(overdue(self.seen, self.every)) - {one.authority for one in failing}
        found += [f"{name} is overdue: does the background process run? (muniment status)" for name in sorted(late)]
        return found

    def say(self, authorities: Authorities, file: Path) -> None:
        """Print it."""
        click.echo(f"{self.log.log.origin}: anchored every {_span(self.every)}, when something new is sealed")
        for one in self.newest:
            click.echo(f"  newest      {_time(one.stamped_at)} by {one.authority}, over {one.size} entries")
            click.echo(f"              verifies without renewal until {_time(one.valid_until)}")
        if not self.newest:
            click.echo("  newest      none yet")
        click.echo(f"  authorities {file}")
        for authority in authorities.all:
            click.echo(f"              {authority.name}: {shown_address(authority.url)}")
            click.echo(f"              pinned: {', '.join(name_of(one) for one in authority.pinned)}")

    def as_json(self, authorities: Authorities, file: Path, problems: list[str]) -> dict[str, object]:
        """The same as a JSON object."""
        return {
            "log": self.log.log.origin,
            "every_seconds": self.every,
            "file": str(file),
            "authorities": [
                {"name": one.name, "url": shown_address(one.url), "pinned": [name_of(pinned) for pinned in one.pinned]}
                for one in authorities.all
            ],
            "newest": _anchor_json(self.newest[0]) if self.newest else None,
            "attempts": [
                {
                    "authority": one.authority,
                    "failures": one.failures,
                    "word": one.word,
                    "reason": one.reason,
                    "since": _iso(one.failing_since),
                    "retry_at": _iso(one.retry_at),
                }
                for one in self.tried
            ],
            "problems": problems,
        }


def _outcome_said(outcome: Outcome) -> str:
    if outcome.failure is not None:
        return f"{outcome.failure} ({outcome.failure.word}); the next attempt comes {_time(outcome.retry_at)}"
    if outcome.obtained is None or outcome.seq is None:
        return f"{outcome.authority} has stamped the checkpoint of {outcome.size} entries before: nothing is newer."
    stamped = outcome.obtained.stamped
    at, until = (datetime.fromtimestamp(one, UTC) for one in (stamped.time / 1_000_000, stamped.until))
    return (
        f"{outcome.origin}: {outcome.size} entries existed no later than {_time(at)}, says {stamped.authority} "
        f"({outcome.authority}; entry {outcome.seq}). Verifies without renewal until {_time(until)}."
    )


def _outcome_json(outcome: Outcome) -> dict[str, object]:
    stamped = outcome.obtained.stamped if outcome.obtained else None
    return {
        "authority": outcome.authority,
        "size": outcome.size,
        "entry": outcome.seq,
        "at": stamped and _iso(datetime.fromtimestamp(stamped.time / 1_000_000, UTC)),
        "until": stamped and _iso(datetime.fromtimestamp(stamped.until, UTC)),
        "word": outcome.failure.word if outcome.failure else None,
        "reason": outcome.failure.reason if outcome.failure else None,
        "retry_at": _iso(outcome.retry_at),
    }


def _anchor_json(one: Anchor) -> dict[str, object]:
    return {
        "at": _iso(one.stamped_at),
        "size": one.size,
        "authority": one.authority,
        "until": _iso(one.valid_until),
        "entry": one.seq,
    }


def _time(moment: datetime | None) -> str:
    return "never" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _span(seconds: int) -> str:
    for unit, name in ((86_400, "d"), (3600, "h"), (60, "m")):
        if seconds % unit == 0:
            return f"{seconds // unit}{name}"
    return f"{seconds}s"
