"""`muniment sign`: the signatures on an entry, checked here. Signing itself takes a person, in a browser."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any

import click
import httpx

from muniment.cli.population import asked, client_of, plain, with_ledger
from muniment.core.body import check_body
from muniment.core.entry import entry_hash, parse_entry
from muniment.core.errors import MunimentError


@click.group("sign")
def command() -> None:
    """Electronic signatures on entries.

    A person signs in a browser, with a second factor and a password or a passkey. An API key signs nothing.
    """


@command.command("show")
@click.argument("seq", type=click.IntRange(0))
@with_ledger
def show(seq: int, url: str | None, key: str | None, as_json: bool) -> None:
    """Show the signatures on the entry at place SEQ, each checked on this machine.

    Exit status 1 if one of them does not hold.
    """
    with client_of(url, key) as client:
        signed = asked(client, "GET", f"/api/entries/{seq}")
        found = asked(client, "GET", "/api/signatures", params={"seq": seq})["signatures"]
        for one in found:
            body = client.get(f"/api/entries/{one['entry']}/body")
            fault = _fault(one, signed, asked(client, "GET", f"/api/entries/{one['entry']}"), body)
            one["checked_here"] = fault is None
            one["fault"] = fault or one["fault"]
            one["holds"] = one["holds"] and fault is None
    click.echo(json.dumps({"signatures": found}, ensure_ascii=False) if as_json else "\n".join(_lines(seq, found)))
    raise SystemExit(0 if all(one["holds"] for one in found) else 1)


@command.command("open")
@click.argument("seq", type=click.IntRange(0))
@click.option("--url", envvar="MUNIMENT_URL", metavar="URL", help="the ledger (also MUNIMENT_URL)")
@click.option("--tenant", metavar="SLUG", help="the tenant, where the address does not say it")
def open_(seq: int, url: str | None, tenant: str | None) -> None:
    """Print the address of the page on which the entry at place SEQ is signed."""
    if not url:
        raise click.UsageError("say which ledger: --url, or MUNIMENT_URL")
    click.echo(f"{url.rstrip('/')}{f'/t/{tenant}' if tenant else ''}/signatures/{seq}")


def _fault(
    one: Mapping[str, Any], signed: Mapping[str, Any], signature: Mapping[str, Any], answer: httpx.Response
) -> str | None:
    """What does not hold, by what the ledger gave; None if all of it does."""
    try:
        text = json.dumps(signature["entry"], ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
        of = json.dumps(signed["entry"], ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
        entry = parse_entry(text)
        if entry_hash(text).hex() != signature["entry_hash"] or entry_hash(of).hex() != signed["entry_hash"]:
            return "a hash is not that of its text"
        if f"signed.hash={signed['entry_hash']}" not in entry.event.labels:
            return "it signs another entry than this one"
        if entry.event.body is None or answer.status_code != 200:
            return "its body was not given, so that the printed name was not checked"
        salt, payload = base64.b64decode(answer.headers.get("Muniment-Salt", "")), answer.content
        check_body(entry.event.body.commit, entry.event.body.len, salt, payload)
        said = json.loads(payload)
        if (said["name"], said["meaning"], said["person"]) != (one["name"], one["meaning"], one["person"]):
            return "its body says something else than the ledger does"
        if (said["entry"]["seq"], said["entry"]["hash"]) != (signed["entry"]["seq"], signed["entry_hash"]):
            return "its body names another entry"
    except (MunimentError, KeyError, TypeError, ValueError) as error:
        return f"it cannot be read: {error}"
    return None


def _lines(seq: int, found: list[dict[str, Any]]) -> Iterator[str]:
    for one in found:
        if one["holds"]:
            yield f"{plain(one['name'])}  {one['signed_at']}  {one['meaning']}: {plain(one['words'])}"
            if one["comment"]:
                yield f"  {plain(one['comment'])}"
            yield f"  entry {one['entry']:,}, for {one['hash']}"
        else:
            yield f"DOES NOT HOLD: entry {one['entry']:,}: {one['fault']}"
    if not found:
        yield f"Nobody signed entry {seq:,}."
    else:
        yield "Hashes, names and payloads were checked here; that nobody changed both is what a verified bundle shows."
