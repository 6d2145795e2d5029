"""`muniment report poam` and `register`: exceptions and risks as files of other formats."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import click
import httpx

from muniment.cli.population import client_of, with_ledger
from muniment.core.errors import Malformed, Refused


@click.command("poam")
@click.argument("controls", nargs=-1, metavar="[CONTROL]...")
@click.option("--framework", "frameworks", multiple=True, metavar="ID", help="of a framework, such as soc2; repeatable")
@click.option("--size", type=click.IntRange(1), help="of the checkpoint; the newest by default")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="written here",
)
@click.option("--force", is_flag=True, help="overwrite FILE")
@with_ledger
def poam(
    controls: tuple[str, ...],
    frameworks: tuple[str, ...],
    size: int | None,
    output: Path,
    force: bool,
    url: str | None,
    key: str | None,
    as_json: bool,
) -> None:
    """Write exceptions as an OSCAL plan of action (POA&M). All, or those of CONTROLs; recorded."""
    order = {"controls": list(controls), "frameworks": list(frameworks), **({"size": size} if size else {})}
    data = _fetched("/api/poam", order, output, force=force, url=url, key=key)
    items = len(json.loads(data)["plan-of-action-and-milestones"]["poam-items"])
    told = {"file": str(output), "items": items, "sha256": sha256(data).hexdigest()}
    click.echo(json.dumps(told) if as_json else f"{output}: {items:,} items, sha256 {told['sha256']}")


@click.command("register")
@click.argument("register", type=click.Choice(["exceptions", "risks"]))
@click.argument("controls", nargs=-1, metavar="[CONTROL]...")
@click.option("--framework", "frameworks", multiple=True, metavar="ID", help="of a framework, such as soc2; repeatable")
@click.option(
    "--format", "form", type=click.Choice(["csv", "md"]), default="csv", help="md shows steps and decisions as well"
)
@click.option("--size", type=click.IntRange(1), help="of the checkpoint; the newest by default")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="written here",
)
@click.option("--force", is_flag=True, help="overwrite FILE")
@with_ledger
def register(
    register: str,
    controls: tuple[str, ...],
    frameworks: tuple[str, ...],
    form: str,
    size: int | None,
    output: Path,
    force: bool,
    url: str | None,
    key: str | None,
    as_json: bool,
) -> None:
    """Write exceptions or risks as CSV or Markdown. All, or those of CONTROLs; recorded."""
    order: dict[str, Any] = {
        "register": register,
        "format": form,
        "controls": list(controls),
        "frameworks": list(frameworks),
    }
    order |= {"size": size} if size else {}
    data = _fetched("/api/register-extracts", order, output, force=force, url=url, key=key)
    told = {"file": str(output), "bytes": len(data), "sha256": sha256(data).hexdigest()}
    click.echo(json.dumps(told) if as_json else f"{output}: {len(data):,} bytes, sha256 {told['sha256']}")


def _fetched(
    path: str, order: Mapping[str, Any], output: Path, *, force: bool, url: str | None, key: str | None
) -> bytes:
    """The bytes that an operation answers with, as they were recorded; also written into a file."""
    if output.exists() and not force:
        raise Malformed("exists already; name another file, or overwrite it with --force", str(output))
    with client_of(url, key) as client:
        answer: httpx.Response = client.post(path, json=dict(order), timeout=300.0)
    if answer.status_code != 200:
        try:
            said = str(answer.json().get("detail") or "")
        except ValueError:
            said = ""
        raise Refused(said or f"the ledger answers {answer.status_code}", path)
    write_file(output, answer.content, force=force)
    return answer.content


def write_file(path: Path, data: bytes, *, force: bool) -> None:
    """Write a file that is not there yet, or overwrite it.

    Raises:
        Malformed: if it is there, or cannot be written.
    """
    try:
        with path.open("wb" if force else "xb") as file:
            file.write(data)
    except FileExistsError as error:
        raise Malformed("exists already; name another file, or overwrite it with --force", str(path)) from error
    except OSError as error:
        raise Malformed(f"cannot be written: {error.strerror}", str(path)) from error
