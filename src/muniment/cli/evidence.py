"""`muniment evidence`: the evidence record of an entry, with every address in it followed and every hash made again."""

from __future__ import annotations

import base64
import binascii
import json
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final

import click
import httpx

from muniment.cli.export import ledger_client
from muniment.cli.population import plain, with_ledger
from muniment.cli.refusals import raise_for
from muniment.core.body import commit
from muniment.core.entry import entry_hash
from muniment.core.errors import MunimentError
from muniment.core.merkle import verify_inclusion
from muniment.core.tlogproof import parse_tlogproof

_PLACE: Final = re.compile(r"[0-9]{1,16}|src_[0-9A-Z]{26}/evt_[0-9A-Z]{26}|[\w.:-]{1,256}/[\w.:-]{1,256}")
_HOLDS: Final = {True: ("holds", "green"), False: ("DOES NOT HOLD", "red"), None: ("not checked", None)}


@click.command()
@click.argument("entry", metavar="ENTRY")
@with_ledger
def command(entry: str, url: str | None, key: str | None, as_json: bool) -> None:
    """Show the evidence record of ENTRY (its place, or <source>/<event>), follow its addresses, check what they give.

    The text gives the entry's hash, the proof leads from it to the checkpoint's root, the body gives its commitment.
    The signature is the operator's until you verify it under a key that you keep: take a bundle.

    Exit code 0: all that could be checked holds. 1: something does not, or there is no such entry.
    """
    if not url or not key:
        raise click.UsageError("say which ledger: --url and --key, or MUNIMENT_URL and MUNIMENT_READ_KEY")
    if _PLACE.fullmatch(entry) is None:
        raise click.UsageError("ENTRY is a place, such as 4711, or <source>/<event>")
    with ledger_client(url, key) as client:
        answer = client.get(f"/api/entries/{entry}/record")
        raise_for(answer)
        record: dict[str, Any] = answer.json()
        checks = dict(_checked(client, record))
    if as_json:
        click.echo(json.dumps({**record, "checks": checks}, ensure_ascii=False))
    else:
        click.echo("\n".join(_told(record, checks)))
    sys.exit(0 if False not in checks.values() else 1)


def _checked(client: httpx.Client, record: Mapping[str, Any]) -> Iterator[tuple[str, bool | None]]:
    text = _got(client, record["evidence"]["uri"]).content
    hashed = entry_hash(text)
    yield "text", hashed.hex() == record["chain"]["entry_hash"]
    proof = record["proof"]
    if proof["uri"] is None:
        yield "proof", None
    else:
        yield "proof", _proven(_got(client, proof["uri"]).content, hashed, record)
    body = record["evidence"]["body"]
    if body is not None:
        yield "body", _committed(_got(client, body["uri"]), body) if body["uri"] else None


def _proven(data: bytes, hashed: bytes, record: Mapping[str, Any]) -> bool:
    try:
        made = parse_tlogproof(data)
        verify_inclusion(made.index, made.checkpoint.size, hashed, made.hashes, made.checkpoint.root)
    except MunimentError:
        return False
    said = record["proof"]["checkpoint"]
    return (made.checkpoint.size, made.checkpoint.root.hex()) == (said["size"], said["root"])


def _committed(answer: httpx.Response, body: Mapping[str, Any]) -> bool:
    try:
        salt = base64.b64decode(answer.headers.get("Muniment-Salt", ""), validate=True)
        return (commit(salt, answer.content).hex(), len(answer.content)) == (body["commit"], body["len"])
    except (binascii.Error, MunimentError):
        return False


def _got(client: httpx.Client, address: str) -> httpx.Response:
    """What an address of the record gives. It is asked of the ledger that was named, whatever host the record says."""
    answer = client.get(str(httpx.URL(address).raw_path, "ascii"))
    raise_for(answer)
    return answer


def _told(record: Mapping[str, Any], checks: Mapping[str, bool | None]) -> Iterator[str]:
    chain, actor, resource = record["chain"], record["actor"], record["resource"]
    yield f"entry {chain['seq']:,} of {plain(chain['log'])}"
    yield f"  event        {record['event']}"
    yield f"  action       {record['action']}, {record['outcome']}"
    yield f"  actor        {plain(actor['id'])} ({actor['type']}), submitted by {plain(record['submitted_by'])}"
    yield f"  resource     {plain(resource['id'])} ({plain(resource['type'])})" if resource else "  resource     none"
    yield f"  occurred     {record['occurred_at']}, as the source says"
    yield f"  recorded     {record['recorded_at']}, by the ledger's clock"
    yield f"  hash         {chain['entry_hash']}"
    yield f"  prev         {chain['prev']}"
    for control in record["controls"]:
        where = "in the entry" if control["recorded"] else "laid over it"
        why = " ".join(one for one in (control["mark"], control["by"]) if one)
        yield f"  control      {control['id']}  {why}, {where}"
    yield f"  proof        {record['proof']['state']}"
    for one in record["proof"]["signatures"]:
        yield f"  signature    {plain(one['key'])} {one['key_id']}, {one['of']}"
    yield f"  delivery     {record['delivery']['state']}"
    yield f"  schema       {record['schema']}, entry version {record['entry_version']}"
    for name, holds in checks.items():
        word, colour = _HOLDS[holds]
        about = {"text": "gives the hash", "proof": "leads to the checkpoint's root", "body": "gives its commitment"}
        yield f"  {name + ' ' + about[name]:<37}{click.style(word, fg=colour)}"
