"""`muniment packet …`: the desk over which packets go out. The commands of the archive itself stand in `packet.py`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import click

from muniment.cli.attachment import fetch
from muniment.cli.population import asked, client_of, plain, with_ledger

_CLOCK: Final = {
    "running": "{} left",
    "overdue": "OVERDUE by {}",
    "met": "handed over {} before it was due",
    "late": "handed over {} LATE",
    "stopped": "stopped",
}


@click.command("scope")
@click.argument("name", required=False)
@click.option("--control", "controls", multiple=True, metavar="ID", help="may be given again, as all of these")
@click.option("--framework", "frameworks", multiple=True, metavar="ID", help="a whole catalog")
@click.option("--from", "since", metavar="DAY", help="first day of the period, such as 2026-01-01")
@click.option("--to", "until", metavar="DAY", help="last day of the period")
@click.option("--workspace", default="", help="where it happened")
@click.option("--population", "populations", multiple=True, metavar="ID")
@click.option("--sample", "samples", multiple=True, metavar="ID")
@click.option("--attachment", "attachments", multiple=True, metavar="SLOT=ID", help="such as penetration-test=att_…")
@click.option("--statement", "statements", multiple=True, metavar="ID")
@click.option("--report", "reports", multiple=True, metavar="ID")
@click.option("--replaces", metavar="ID", help="the scope whose next version it is")
@with_ledger
def scope(
    url: str | None,
    key: str | None,
    as_json: bool,
    name: str | None,
    since: str | None,
    until: str | None,
    workspace: str,
    attachments: tuple[str, ...],
    replaces: str | None,
    **lists: tuple[str, ...],
) -> None:
    """Write down under NAME what a packet shall hold; without NAME, list the scopes there are."""
    with client_of(url, key) as client:
        if name is None:
            listed = asked(client, "GET", "/api/packet-scopes")
            lines = [_scope_line(one) for one in listed["scopes"]] or ["No scope yet: muniment packet scope NAME …"]
            click.echo(json.dumps(listed, ensure_ascii=False) if as_json else "\n".join(lines))
            return
        order: dict[str, Any] = {"name": name, "workspace": workspace, "slots": _slots(attachments)}
        order |= {field: list(values) for field, values in lists.items()}
        order |= {"from": since} if since else {}
        order |= {"to": until} if until else {}
        path = f"/api/packet-scopes/{replaces}/versions" if replaces else "/api/packet-scopes"
        found = asked(client, "POST", path, json=order)
    lines = [_scope_line(found), f"  not supplied {', '.join(found['not_supplied']) or 'nothing is missing'}"]
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else "\n".join(lines))


@click.command("request")
@click.argument("scope")
@click.option("--purpose", required=True, help="kept for good; name no persons")
@click.option("--name", help="of somebody outside who shall have it; the ledger holds a random id")
@click.option("--company", help="of somebody outside")
@click.option("--email", default="", help="of somebody outside")
@with_ledger
def request(
    url: str | None,
    key: str | None,
    as_json: bool,
    scope: str,
    purpose: str,
    name: str | None,
    company: str | None,
    email: str,
) -> None:
    """Ask for a packet of SCOPE; the due time begins to run."""
    order: dict[str, Any] = {"scope": scope, "purpose": purpose}
    if name or company or email:
        order["recipient"] = {"name": name or "", "company": company or "", "email": email}
    with client_of(url, key) as client:
        _say(asked(client, "POST", "/api/packet-requests", json=order), as_json)


@click.command("list")
@click.option("--state", help="requested, approved, refused, built, delivered or withdrawn")
@with_ledger
def list_(url: str | None, key: str | None, as_json: bool, state: str | None) -> None:
    """List requests with their due clocks, the most urgent first."""
    with client_of(url, key) as client:
        found = asked(client, "GET", "/api/packet-requests", params={"state": state or ""})
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    for one in found["requests"]:
        who = one["recipient"]["company"] if one["recipient"] else one["party"]
        click.echo(f"{one['id']}  {one['state']:<10} {_clock(one):<28} {plain(who)}")
    if not found["requests"]:
        click.echo("Nobody asked for a packet: muniment packet request SCOPE --purpose …")


@click.command("status")
@click.argument("request")
@with_ledger
def status(url: str | None, key: str | None, as_json: bool, request: str) -> None:
    """Show a request, and its history as the log has it."""
    with client_of(url, key) as client:
        found = asked(client, "GET", f"/api/packet-requests/{request}")
        history = asked(client, "GET", f"/api/packet-requests/{request}/history")["history"]
    if as_json:
        click.echo(json.dumps({**found, "history": history}, ensure_ascii=False))
        return
    lines = list(_facts(found))
    lines += [
        f"  entry {one['entry']:<8,}{one['at'][:19]}Z  {one['action']:<18} {one['outcome']:<8} {plain(one['actor'])}"
        for one in history
    ]
    click.echo("\n".join(lines))


@click.command("approve")
@click.argument("request")
@with_ledger
def approve(url: str | None, key: str | None, as_json: bool, request: str) -> None:
    """Approve a request that somebody else made."""
    _step(url, key, as_json, request, "approve", {})


@click.command("refuse")
@click.argument("request")
@click.option("--reason", required=True, help="kept for good; name no persons")
@with_ledger
def refuse(url: str | None, key: str | None, as_json: bool, request: str, reason: str) -> None:
    """Refuse a request that somebody else made."""
    _step(url, key, as_json, request, "refuse", {"reason": reason})


@click.command("withdraw")
@click.argument("request")
@click.option("--reason", required=True, help="kept for good; name no persons")
@with_ledger
def withdraw(url: str | None, key: str | None, as_json: bool, request: str, reason: str) -> None:
    """Withdraw a request: nothing of it is handed over from now on."""
    _step(url, key, as_json, request, "withdraw", {"reason": reason})


@click.command("link")
@click.argument("request")
@with_ledger
def link(url: str | None, key: str | None, as_json: bool, request: str) -> None:
    """Make the link under which somebody outside signs and takes the packet. It is shown this once."""
    with client_of(url, key) as client:
        found = asked(client, "POST", f"/api/packet-requests/{request}/link", json={})
        address = f"{str(client.base_url).rstrip('/')}{found['path']}"
    if as_json:
        click.echo(json.dumps({**found, "url": address}))
        return
    click.echo(f"{address}\nWhoever holds it is taken for the recipient, until {found['until'][:19]}Z.")


@click.command("deliver")
@click.argument("request")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help="where to")
@with_ledger
def deliver(url: str | None, key: str | None, as_json: bool, request: str, output: Path) -> None:
    """Take the packet of an approved request out, built first if it is not; recorded each time."""
    path = f"/api/packet-requests/{request}"
    with client_of(url, key) as client:
        found = asked(client, "GET", path)
        if found["state"] == "approved":
            found = asked(client, "POST", f"{path}/build", json={}, timeout=300)
        sha256 = (found["packet"] or {}).get("sha256", "")
        size = fetch(client, "POST", f"{path}/deliver", output, sha256=sha256, json={})
    said = {"request": request, "file": str(output), "sha256": sha256, "size": size}
    click.echo(
        json.dumps(said)
        if as_json
        else f"{output}: {size:,} bytes, SHA-256 {sha256}\nCheck it with `muniment packet verify {output}`."
    )


COMMANDS: Final[tuple[click.Command, ...]] = (
    scope,
    request,
    list_,
    status,
    approve,
    refuse,
    withdraw,
    link,
    deliver,
)
"""What `muniment packet` takes from here."""


def _step(url: str | None, key: str | None, as_json: bool, request: str, step: str, order: Mapping[str, str]) -> None:
    with client_of(url, key) as client:
        _say(asked(client, "POST", f"/api/packet-requests/{request}/{step}", json=dict(order)), as_json)


def _say(found: Mapping[str, Any], as_json: bool) -> None:
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else "\n".join(_facts(found)))


def _facts(found: Mapping[str, Any]) -> Iterator[str]:
    yield f"{found['id']}  {found['state']}"
    yield f"  scope        {found['scope']}"
    yield f"  purpose      {plain(found['purpose'])}"
    who = found["recipient"]
    yield f"  for          {plain(', '.join(filter(None, who.values()))) if who else found['party']}"
    yield f"  asked        {found['requested_at'][:19]}Z by {found['requested_by']}, entry {found['entry']:,}"
    yield f"  due          {found['due_at'][:19]}Z ({found['zone']}): {_clock(found)}"
    if found["decided_by"]:
        yield f"  decided      {found['decided_at'][:19]}Z by {found['decided_by']}"
    if found["reason"]:
        yield f"  reason       {plain(found['reason'])}"
    if found["nda"]:
        signed = found["signed"]
        yield f"  to sign      {found['nda']}: " + (
            f"signed, entry {signed['entry']:,}" if signed else "not signed yet"
        )
    if packet := found["packet"]:
        yield f"  packet       {packet['size']:,} bytes, SHA-256 {packet['sha256']}"
    for one in found["deliveries"]:
        yield f"  taken        {one['at'][:19]}Z by {one['by']} ({one['way']}), entry {one['entry']:,}"


def _clock(found: Mapping[str, Any]) -> str:
    minutes = found["clock_seconds"] // 60
    return _CLOCK[found["clock"]].format(f"{minutes // 60} h {minutes % 60:02} min")


def _scope_line(one: Mapping[str, Any]) -> str:
    return f"{one['id']}  version {one['version']}  {one['created_at'][:19]}Z  {plain(one['name'])}"


def _slots(given: tuple[str, ...]) -> dict[str, list[str]]:
    slots: dict[str, list[str]] = {}
    for one in given:
        slot, equals, attachment = one.partition("=")
        if not equals:
            raise click.UsageError(f"--attachment {one}: write SLOT=ID, such as penetration-test=att_…")
        slots.setdefault(slot, []).append(attachment)
    return slots
