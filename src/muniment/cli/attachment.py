"""`muniment attachment`: files that evidence controls beside the log, each with its hash in an entry."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import click
import httpx

from muniment.cli.population import asked, client_of, plain, with_ledger
from muniment.core.errors import Refused, VerificationFailed

_PART: Final = 1 << 20
_TRIES: Final = 5
_KINDS: Final = ("penetration-test", "management-response", "policy", "certificate", "screenshot", "other")


@click.group("attachment")
def command() -> None:
    """Files that evidence controls: attach, list, fetch and withdraw them."""


@command.command("add")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--kind", type=click.Choice(_KINDS), required=True, help="what it is")
@click.option("--control", "controls", multiple=True, metavar="ID", help="that it evidences; may be given again")
@click.option("--from", "since", metavar="DAY", help="first day that it covers, such as 2026-01-01")
@click.option("--to", "until", metavar="DAY", help="last day that it covers")
@click.option("--note", default="", help="kept for good; name no persons")
@click.option("--replaces", default="", metavar="ID", help="the attachment whose next version it is")
@click.option("--name", help="under which it is kept; the file's own by default")
@with_ledger
def add(
    url: str | None,
    key: str | None,
    as_json: bool,
    file: Path,
    kind: str,
    controls: tuple[str, ...],
    since: str | None,
    until: str | None,
    note: str,
    replaces: str,
    name: str | None,
) -> None:
    """Attach FILE. It is sent in parts; an interrupted one is taken up again, and a half one is never attached.

    Needs a key of a service account with the capability attachment.manage.
    """
    order: dict[str, Any] = {
        "name": name or file.name,
        "kind": kind,
        "size": file.stat().st_size,
        "sha256": _sha256(file),
        "controls": sorted(set(controls)),
        "note": note,
        "replaces": replaces,
    }
    order |= {"from": since} if since else {}
    order |= {"to": until} if until else {}
    with client_of(url, key) as client:
        upload = asked(client, "POST", "/api/attachments/uploads", json=order)["id"]
        try:
            _send(client, upload, file)
            found = asked(client, "POST", f"/api/attachments/uploads/{upload}/finish", json={})
        except (Refused, KeyboardInterrupt):
            client.delete(f"/api/attachments/uploads/{upload}")
            raise
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else "\n".join(_facts(found)))


@command.command("list")
@click.option("--control", metavar="ID", help="only what evidences it")
@click.option("--kind", type=click.Choice(_KINDS), help="only of this kind")
@click.option("--withdrawn", is_flag=True, help="those that were withdrawn too")
@with_ledger
def list_(
    url: str | None, key: str | None, as_json: bool, control: str | None, kind: str | None, withdrawn: bool
) -> None:
    """List the newest version of each attachment."""
    asked_for = {"control": control or "", "kind": kind or "", "withdrawn": str(withdrawn).lower()}
    with client_of(url, key) as client:
        found = asked(client, "GET", "/api/attachments", params=asked_for)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    for one in found["attachments"]:
        gone = "  withdrawn" if one["withdrawn"] else ""
        click.echo(
            f"{one['id']}  {one['sha256'][:12]}  {one['size']:>12,}  {one['kind']:<20} {plain(one['name'])}{gone}"
        )
    if not found["attachments"]:
        click.echo("Nothing is attached: muniment attachment add FILE --kind …")


@command.command("show")
@click.argument("attachment")
@with_ledger
def show(url: str | None, key: str | None, as_json: bool, attachment: str) -> None:
    """Show an attachment with its versions, and read it again: exit code 1 if it is not what was recorded."""
    with client_of(url, key) as client:
        found = asked(client, "GET", f"/api/attachments/{attachment}")
        versions = asked(client, "GET", f"/api/attachments/{attachment}/versions")["attachments"]
        checked = asked(client, "POST", f"/api/attachments/{attachment}/check", json={})
    if as_json:
        click.echo(json.dumps({**found, "versions": versions, "check": checked}, ensure_ascii=False))
    else:
        lines = list(_facts(found))
        lines += [f"  version {one['version']:<4} {one['id']}  {one['sha256']}" for one in versions]
        lines.append(
            "  read again   the bytes and the row agree with the entry, says the server"
            if checked["holds"]
            else f"  read again   FAILS: {plain(checked['fault'])}"
        )
        click.echo("\n".join(lines))
    if not checked["holds"]:
        raise VerificationFailed(plain(checked["fault"]), attachment)


@command.command("get")
@click.argument("attachment")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help="where to")
@with_ledger
def get(url: str | None, key: str | None, as_json: bool, attachment: str, output: Path) -> None:
    """Fetch an attachment's bytes; the file appears once their hash is that of the entry."""
    with client_of(url, key) as client:
        found = asked(client, "GET", f"/api/attachments/{attachment}")
        fetch(client, "GET", f"/api/attachments/{attachment}/content", output, sha256=found["sha256"])
    said = {"id": found["id"], "file": str(output), "sha256": found["sha256"], "size": found["size"]}
    click.echo(json.dumps(said) if as_json else f"{output}: {found['size']:,} bytes, SHA-256 {found['sha256']}")


@command.command("withdraw")
@click.argument("attachment")
@click.option("--reason", required=True, help="kept for good; name no persons")
@with_ledger
def withdraw(url: str | None, key: str | None, as_json: bool, attachment: str, reason: str) -> None:
    """Say that an attachment is not relied upon any more. Its bytes stay."""
    with client_of(url, key) as client:
        found = asked(client, "POST", f"/api/attachments/{attachment}/withdraw", json={"reason": reason})
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else "\n".join(_facts(found)))


def fetch(client: httpx.Client, method: str, path: str, output: Path, *, sha256: str, **how: Any) -> int:
    """Stream an answer into a file that appears only if its bytes have this SHA-256; how many there were.

    Raises:
        Refused: with what the ledger says, if it does not give it, or gives less than it announced.
        VerificationFailed: for other bytes.
    """
    hashed, size = hashlib.sha256(), 0
    with tempfile.NamedTemporaryFile(dir=output.parent, prefix=f".{output.name}.", delete=False) as part:
        kept = Path(part.name)
        try:
            with client.stream(method, path, **how) as answer:
                if answer.status_code != 200:
                    answer.read()
                    raise Refused(_detail(answer), path)
                for piece in answer.iter_bytes():
                    part.write(piece)
                    hashed.update(piece)
                    size += len(piece)
        except httpx.HTTPError as error:
            kept.unlink()
            raise Refused(f"the download was interrupted after {size:,} bytes: {error}", path) from error
        except BaseException:
            kept.unlink()
            raise
    if hashed.hexdigest() != sha256:
        kept.unlink()
        raise VerificationFailed(
            f"what arrived has the SHA-256 {hashed.hexdigest()}, not {sha256}; nothing is kept", path
        )
    kept.replace(output)
    return size


def _send(client: httpx.Client, upload: str, file: Path) -> None:
    path, failed = f"/api/attachments/uploads/{upload}", 0
    offset = 0
    with file.open("rb") as stream:
        while True:
            stream.seek(offset)
            if not (part := stream.read(_PART)):
                return
            try:
                offset = asked(client, "PUT", path, params={"offset": offset}, content=part)["received"]
                failed = 0
            except httpx.TransportError as error:
                failed += 1
                if failed > _TRIES:
                    raise Refused(f"the upload was interrupted after {offset:,} bytes: {error}", str(file)) from error
                offset = asked(client, "GET", path)["received"]


def _facts(found: Mapping[str, Any]) -> Iterator[str]:
    yield f"{found['id']}  {plain(found['name'])}"
    yield f"  kind         {found['kind']}"
    yield f"  controls     {', '.join(found['controls']) or 'none'}"
    if found["from"] or found["to"]:
        yield f"  covers       {found['from'] or 'the beginning'} to {found['to'] or 'now'}"
    yield f"  type         {found['media_type']}, {found['size']:,} bytes"
    yield f"  sha256       {found['sha256']}"
    yield f"  recorded     entry {found['entry']:,}, version {found['version']}"
    if found["withdrawn"]:
        yield f"  withdrawn    {found['withdrawn']['at'][:19]}Z: {plain(found['withdrawn']['reason'])}"


def _detail(answer: httpx.Response) -> str:
    try:
        return str(answer.json().get("detail") or f"the ledger answers {answer.status_code}")
    except ValueError:
        return f"the ledger answers {answer.status_code}"


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
