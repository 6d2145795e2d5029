"""`muniment trace`: what led to what across agents, and the timeline of an incident with its proof."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import click
import httpx

from muniment.cli.export import download, ledger_client, raise_for
from muniment.cli.tracestory import story, told
from muniment.cli.tracetree import wrapped
from muniment.cli.verify import READ_KEY, gather_pins, painted
from muniment.core.bundle import read_bundle
from muniment.core.bundleline import End, EntryLine, Header
from muniment.core.errors import Malformed, Refused
from muniment.server.causality.happening import Happening, read_happening
from muniment.server.causality.timeline import timeline_markdown, timeline_of
from muniment.verifier.knownlogs import KnownLogs
from muniment.verifier.options import Options, verify_file
from muniment.verifier.pins import MalformedPin

MAX_SHOWN: Final = 5_000
"""Entries of a trace that are fetched."""
MAX_BUNDLED: Final = 20_000
"""Entries of a bundle of which a timeline is made."""
_SPAN: Final = re.compile(r"([1-9][0-9]{0,5})(s|m|h)", re.ASCII)
_UNITS: Final = {"s": 1, "m": 60, "h": 3600}


class _Span(click.ParamType[int]):
    name = "span"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        found = _SPAN.fullmatch(str(value))
        if found is None:
            self.fail(f"{value!r} is no span: write 90s, 5m or 1h", param, ctx)
        return int(found[1]) * _UNITS[found[2]]


@click.command()
@click.argument("name", metavar="[TRACE|EVENT|SEQ]", required=False)
@click.option("--incident", "--around", "around", metavar="TIME|EVENT", help="the timeline around a moment instead")
@click.option("--within", type=_Span(), default="5m", show_default=True, help="so long before and after the moment")
@click.option("--late", type=_Span(), default="1h", show_default=True, help="how late entries may have come")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="incident: the bundle")
@click.option("--force", is_flag=True, help="incident: overwrite the files")
@click.option("--no-bodies", is_flag=True, help="incident: leave the bodies out; their commitments stay")
@click.option(
    "--bundle", type=click.Path(path_type=Path), metavar="FILE", help="make the timeline of a bundle, without a ledger"
)
@click.option("--url", envvar="MUNIMENT_URL", metavar="URL", help="the ledger (also MUNIMENT_URL)")
@click.option("--key", envvar=READ_KEY, metavar="API-KEY", help="a read key (also MUNIMENT_READ_KEY)")
@click.option("--full", is_flag=True, help="every entry on a line of its own, every note; nothing folded")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
@click.option("--pin", metavar="FILE", help="what you trust, as JSON (also MUNIMENT_PIN)")
@click.option("--root", metavar="VKEY", help="the installation's root key")
@click.option("--no-known-logs", is_flag=True, help="neither use nor update what this machine has proven before")
def command(
    name: str | None,
    around: str | None,
    within: int,
    late: int,
    output: Path | None,
    force: bool,
    no_bodies: bool,
    bundle: Path | None,
    url: str | None,
    key: str | None,
    full: bool,
    as_json: bool,
    pin: str | None,
    root: str | None,
    no_known_logs: bool,
) -> None:
    """Show what led to what across agents, or take the timeline of an incident away with its proof.

    TRACE is 32 hex digits; EVENT is <source>/<event> or an event's id; SEQ is an entry's place.

    Each line is a step: an entry, or an intent with the entry that ended it. It stands under the last of its causes;
    "← 24" names another one, "→ 35" the entry that tells of a failure or a refusal. An actor is named where it changes
    from the line above in the tree. What is folded is counted; nothing that failed or was refused is.

    \b
    muniment trace 4711
    muniment trace --incident 2026-11-21T10:00:00Z --within 5m --output incident.bundle
    muniment trace --bundle incident.bundle
    """
    if sum(one is not None for one in (name, around, bundle)) != 1:
        raise click.UsageError("say one of: a trace, event or place; --incident; --bundle")
    if around is None and output is not None:
        raise click.UsageError("--output goes with --incident")
    try:
        pins = gather_pins(pin, root, None, None)
    except MalformedPin as error:
        raise click.UsageError(str(error)) from error
    known = None if no_known_logs else KnownLogs.of(os.environ)
    options = Options(pins=pins, known=known, now=time.time_ns() // 1000, expected_live=around is not None)
    if bundle is not None:
        sys.exit(_from_bundle(bundle, options, full=full, as_json=as_json))
    if not url or not key:
        raise click.UsageError("say which ledger: --url and --key, or MUNIMENT_URL and MUNIMENT_READ_KEY")
    with ledger_client(url, key) as client:
        if around is None:
            found = _trace(client, name or "")
            click.echo(json.dumps(found, ensure_ascii=False) if as_json else "\n".join(told(found, full=full)))
            return
        path = output or Path("incident.bundle")
        for beside in (path.with_suffix(".json"), path.with_suffix(".md")):
            if beside == path or (beside.exists() and not force):
                raise Malformed("exists already; name another file, or overwrite it with --force", str(beside))
        order: dict[str, object] = {"around": around, "within": within, "late": late}
        order |= {"bodies": False} if no_bodies else {}
        headers = download(client, order, path, force=force, operation="/api/incident/bundle")
    sys.exit(_incident(path, options, headers, full=full, as_json=as_json))


def _trace(client: httpx.Client, name: str) -> dict[str, Any]:
    """All pages of a trace as one answer."""
    whole: dict[str, Any] = {}
    cursor: str | None = None
    while True:
        parameters = {} if cursor is None else {"cursor": cursor}
        answer = client.get(f"/api/trace/{quote(name, safe='/')}", params=parameters)
        if answer.status_code == 404:
            raise Refused("is not in this log, or not for this key", name)
        raise_for(answer)
        page = answer.json()
        whole = page if not whole else _joined(whole, page)
        cursor = page.get("cursor")
        if cursor is None or len(whole["nodes"]) >= MAX_SHOWN:
            if cursor is None and name == whole["trace"]:
                whole["cut"] = [reason for reason in whole["cut"] if reason != "trace"]
            return whole


def _joined(whole: dict[str, Any], page: dict[str, Any]) -> dict[str, Any]:
    """Two pages of a trace; an entry may stand on both, once as what another joins on to."""
    nodes = {node["seq"]: node for node in [*whole["nodes"], *page["nodes"]]}
    joined = {**page, "nodes": list(nodes.values())}
    for part in ("edges", "missing", "findings", "cut"):
        joined[part] = whole[part] + [one for one in page[part] if one not in whole[part]]
    joined["more_findings"] = whole["more_findings"] + page["more_findings"]
    return joined


def _from_bundle(path: Path, options: Options, *, full: bool, as_json: bool) -> int:
    report = verify_file(path, options)
    if report.exit_code:
        click.echo(painted(report), err=True)
        return report.exit_code
    timeline, _digest = _timeline(path)
    if as_json:
        click.echo(json.dumps(timeline, ensure_ascii=False))
    else:
        click.echo(painted(report))
        click.echo("\n".join(["", *story(timeline["entries"], timeline, full=full)]))
    return 0


def _incident(path: Path, options: Options, headers: Mapping[str, str], *, full: bool, as_json: bool) -> int:
    """Verify the bundle, and write the timeline that follows from it beside it."""
    report = verify_file(path, options)
    if report.exit_code:
        click.echo(painted(report), err=True)
        return report.exit_code
    timeline, digest = _timeline(path)
    proven = {"bundle": path.name, "bundle_digest": digest, **timeline}
    about = [
        f"Derived from the bundle {path.name}, whose last line names {digest}.",
        f"Verified: {report.trust or ''}.",
    ]
    path.with_suffix(".json").write_text(json.dumps(proven, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    path.with_suffix(".md").write_text(timeline_markdown(timeline, about=about), encoding="utf-8")
    if as_json:
        click.echo(json.dumps(proven, ensure_ascii=False))
        return 0
    click.echo(painted(report))
    lines = ["", *story(timeline["entries"], timeline, full=full), ""]
    written = ", ".join(path.with_suffix(suffix).name for suffix in (".json", ".md"))
    lines += wrapped([f"The timeline stands in {written}; it follows from {path.name} alone."])
    if headers.get("Muniment-Unsealed", "0") != "0":
        lines.append(
            f"{headers['Muniment-Unsealed']} more entries are recorded and not sealed yet; ask again for them."
        )
    click.echo("\n".join(lines))
    return 0


def _timeline(path: Path) -> tuple[dict[str, Any], str]:
    """The timeline of a bundle, and the digest in its last line."""
    origin, digest = "", ""
    happenings: list[Happening] = []
    with path.open("rb") as stream:
        for line in read_bundle(stream):
            match line:
                case Header():
                    origin = line.origin
                case EntryLine():
                    happenings.append(read_happening(line.text))
                case End():
                    digest = line.digest.hex()
            if len(happenings) > MAX_BUNDLED:
                raise Refused(f"a timeline has at most {MAX_BUNDLED:,} entries", str(path))
    return timeline_of(origin, happenings), digest
