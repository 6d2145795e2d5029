"""`muniment catalog … --server`: the same of a tenant's catalogs, asked of its ledger."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from muniment.core.errors import Malformed

MAX_SENT = 1_000_000
"""Bytes of a request to the ledger: 1 MiB, less what stands around the file."""


def on_server(command: Callable[..., None]) -> Callable[..., None]:
    """The options that turn a command of this machine into one of a tenant's ledger."""
    for option in (
        click.option("--key", envvar="MUNIMENT_READ_KEY", metavar="API-KEY", help="its key (also MUNIMENT_READ_KEY)"),
        click.option("--url", envvar="MUNIMENT_URL", metavar="URL", help="the ledger (also MUNIMENT_URL)"),
        click.option("--server", "on_ledger", is_flag=True, help="Of the tenant of a ledger, not of this machine."),
    ):
        command = option(command)
    return command


def listed(url: str | None, key: str | None) -> list[dict[str, Any]]:
    """Every catalog of the tenant's."""
    found: list[dict[str, Any]] = _asked(url, key, "GET", "/api/catalogs")["catalogs"]
    return found


def brought_in(
    url: str | None, key: str | None, file: Path, order: Mapping[str, str], *, dry_run: bool
) -> dict[str, Any]:
    """Send a file to be brought in, packed.

    Raises:
        Malformed: if it does not fit into a request.
        Refused: with what the ledger says.
    """
    packed = base64.b64encode(gzip.compress(file.read_bytes(), mtime=0)).decode("ascii")
    if len(packed) > MAX_SENT:
        raise Malformed(
            f"has {len(packed):,} characters, packed and in base64; the ledger takes {MAX_SENT:,}", file.name
        )
    given = {name: value for name, value in order.items() if value}
    body = {"name": file.name, "file": packed, "gzip": True, "dry_run": dry_run, **given}
    return _asked(url, key, "POST", "/api/catalogs", json=body)


def import_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """What was brought in, or would be."""
    if "kept" in found:
        counted = f"{found['count']:,} {found['counts']}, {found['texts']:,} with text"
        yield f"{found['catalog']}: {counted}. {found['title']}, {found['version']}"
        yield f"Class {found['licence_class']}. {found['new_controls']:,} new control ids."
        yield "Nothing was kept (--dry-run)."
        return
    made = found["imported"]
    yield f"{found['id']}: {found['count']:,} {found['counts']}, {made['texts']:,} with text. {found['title']}"
    yield f"Class {found['licence_class']}. File {made['imported']} (SHA-256)."
    yield f"Recorded as entry {made['entry']:,}, import {made['number']} of this catalog."


def coverage_of(url: str | None, key: str | None, name: str, asked: Mapping[str, str]) -> dict[str, Any]:
    """The coverage of a framework, counted over the ledger."""
    return _asked(url, key, "GET", f"/api/catalogs/{name}/coverage", params=dict(asked))


def coverage_table(url: str | None, key: str | None, name: str, asked: Mapping[str, str]) -> str:
    """The same as CSV.

    Raises:
        Refused: with what the ledger says.
    """
    from muniment.cli.export import raise_for
    from muniment.cli.population import client_of

    with client_of(url, key) as client:
        answer = client.get(f"/api/catalogs/{name}/coverage", params={**asked, "format": "csv"})
        raise_for(answer)
        return str(answer.text)


def coverage_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """A coverage, a requirement a line."""
    for row in found["rows"]:
        by = ", ".join(row["baked"]) or (
            f"annotation of {', '.join(row['annotated'])}" if row["annotated"] else "nothing"
        )
        attached = f", {row['attachments']:,} attached" if row["attachments"] else ""
        name = f"{row['control']}  {row['label']}".rstrip()
        yield f"{name}: {row['entries']:,} entries{attached}; {by}"
    since, until = found["since"] or "the beginning", found["until"] or "now"
    yield f"\n{found['statement']}"
    yield f"Mapping {found['mapping']}; {found['entries']:,} entries of the log from {since} to {until}."


def _asked(url: str | None, key: str | None, method: str, path: str, **how: Any) -> dict[str, Any]:
    # Here, so that the commands of this machine need no HTTP client.
    from muniment.cli.population import asked, client_of

    with client_of(url, key) as client:
        return asked(client, method, path, **how)


def dump(value: object) -> str:
    """JSON for people and programs."""
    return json.dumps(value, indent=2, ensure_ascii=False)
