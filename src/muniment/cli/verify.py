"""`muniment verify`: check a bundle, a folder, a live log or a database, and say what holds."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from muniment.cli.exportfile import ExportVerdict, is_export, painted_export, verify_export
from muniment.cli.reportfile import is_report, painted_report, verify_report
from muniment.core.errors import Malformed
from muniment.packet.checking import verify_packet
from muniment.packet.opened import is_packet
from muniment.packet.rendering import render_packet
from muniment.packet.report import PacketReport
from muniment.reports.checking import ReportVerdict
from muniment.verifier.anchors import load_trust
from muniment.verifier.browser.page import verifier_page
from muniment.verifier.bundle import Progress
from muniment.verifier.knownlogs import KnownLogs
from muniment.verifier.options import MalformedTarget, Options
from muniment.verifier.pins import Pins, load_checkpoint, load_pin, parse_hash, parse_origin, parse_root
from muniment.verifier.rendering import Tone, render
from muniment.verifier.report import Report
from muniment.verifier.target import LIVE, verify_target

READ_KEY: Final = ("MUNIMENT_READ_KEY", "MUNIMENT_KEY")
"""Where a read key stands, if it is not given."""

DATABASE: Final = ("postgresql://", "postgres://")

_COLOURS: dict[Tone, dict[str, object]] = {
    "good": {"fg": "green"},
    "bad": {"fg": "red", "bold": True},
    "quiet": {"dim": True},
    "strong": {"bold": True},
    "plain": {},
}


def write_page(context: click.Context, _: click.Parameter, path: Path | None) -> None:
    """Write the verifier for browsers to a file that is not there yet, and end the command."""
    if path is None or context.resilient_parsing:
        return
    try:
        with path.open("xb") as file:
            file.write(verifier_page())
    except OSError as error:
        raise click.UsageError(f"{path} cannot be written: {error.strerror}") from error
    click.echo(f"{path} verifies bundles in any browser, without a network.")
    context.exit()


@click.command()
@click.argument("targets", nargs=-1, required=True, metavar="TARGET...")
@click.option("--pin", "pin", metavar="FILE", help="what you trust, as JSON (also MUNIMENT_PIN)")
@click.option("--root", "root", metavar="VKEY", help="the installation's root key")
@click.option("--genesis", "genesis", metavar="HASH", help="the hash of the log's entry 0")
@click.option(
    "--checkpoint",
    "checkpoint",
    metavar="NOTE-FILE",
    type=click.Path(path_type=Path),
    help="a checkpoint that you kept",
)
@click.option("--origin", "origin", metavar="ORIGIN", help="the log's name")
@click.option(
    "--timestamp-root",
    "timestamp_roots",
    metavar="PEM-FILE",
    multiple=True,
    type=click.Path(path_type=Path),
    help="certificates of timestamp authorities that you trust: then their tokens are checked too (repeatable)",
)
@click.option("--require-pin", is_flag=True, help="exit with 1 also when what is verified is self-attested only")
@click.option("--no-known-logs", is_flag=True, help="neither use nor update what this machine has proven before")
@click.option("--since-pin", is_flag=True, help="live log: fetch only what came after the pinned or known checkpoint")
@click.option(
    "--patience",
    type=click.FloatRange(min=0),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="live log: how long to wait for one that is behind what this machine has proven",
)
@click.option("--key", "key", metavar="API-KEY", envvar=READ_KEY, help="live log: a read key (also MUNIMENT_READ_KEY)")
@click.option("--url", "url", metavar="URL", envvar="MUNIMENT_URL", help="report: the ledger (also MUNIMENT_URL)")
@click.option(
    "--proof",
    "proof",
    metavar="BUNDLE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="report: a bundle with the entry that recorded it, checked without asking a ledger; export: with its entries",
)
@click.option("--jobs", type=click.IntRange(1, 256), metavar="N", help="processes to use (default: one for each core)")
@click.option("--json", "as_json", is_flag=True, help="print the report as JSON")
@click.option("--quiet", is_flag=True, help="print only the verdict")
@click.option(
    "--page",
    type=click.Path(path_type=Path),
    metavar="FILE",
    is_eager=True,
    expose_value=False,
    callback=write_page,
    help="write the verifier for browsers (one HTML file, works offline) to FILE, and end",
)
def command(
    targets: tuple[str, ...],
    pin: str | None,
    root: str | None,
    genesis: str | None,
    checkpoint: Path | None,
    origin: str | None,
    timestamp_roots: tuple[Path, ...],
    require_pin: bool,
    no_known_logs: bool,
    since_pin: bool,
    patience: float,
    key: str | None,
    url: str | None,
    proof: Path | None,
    jobs: int | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Check evidence, and say what holds.

    TARGET is a bundle file, an evidence packet (the archive, or the folder into which it was unpacked), a report's PDF,
    an export (JSON, NDJSON, CSV, OCSF, OSCAL), a folder of bundles and proofs, the address of a live log
    (http://host/logs/<origin>), or the address of a database (postgresql://...).

    Of a report, the hash of its file is looked for in the ledger, its pages are drawn again from the document inside,
    and every number is asked for again: name the ledger with --url and --key.

    Of an export, its end, its hashes and links are checked; it has no proofs: a bundle with --proof brings them.

    Exit code 0: verified. 1: failed, and the first broken place is named; with --require-pin also when it is
    self-attested only. 2: malformed, or wrong usage.
    """
    try:
        now = time.time_ns() // 1000
        pins = gather_pins(pin, root, genesis, checkpoint, origin)
        pins = replace(pins, timestamps=load_trust(timestamp_roots, now))
        options = Options(
            pins=pins,
            known=None if no_known_logs else KnownLogs.of(os.environ),
            api_key=key,
            since_pin=since_pin,
            patience=patience,
            workers=jobs,
            now=now,
        )
        reports: list[Report | PacketReport | ReportVerdict | ExportVerdict] = []
        for target in targets:
            with progress_bar(target, shown=not as_json) as progress:
                found: Sequence[Report | PacketReport | ReportVerdict | ExportVerdict] = (
                    [verify_report(target, options, url=url, proof=proof)]
                    if is_report(target)
                    else [verify_export(target, options, proof=proof)]
                    if is_export(target)
                    else verify_one(target, options, progress)
                )
            reports += found
            for report in found if not as_json else []:
                click.echo(painted(report, quiet=quiet))
    except Malformed as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        values = [report.as_json() for report in reports]
        click.echo(json.dumps(values[0] if len(values) == 1 else values, indent=2))
    codes = {report.exit_code for report in reports}
    if require_pin and any(report.trust == "self-attested" for report in reports):
        click.echo(
            "Nothing that you or this machine hold speaks for all of it, and --require-pin asks for that.", err=True
        )
        codes.add(1)
    sys.exit(1 if 1 in codes else max(codes))


def verify_one(target: str, options: Options, progress: Progress | None = None) -> Sequence[Report | PacketReport]:
    """Verify what a target names; a database has a report for each of its logs."""
    if target.startswith(DATABASE):
        return verify_database(target, options)
    if not target.startswith(LIVE) and is_packet(Path(target)):
        return [verify_packet(Path(target), options)]
    return [verify_target(target, options, progress)]


def verify_database(address: str, options: Options) -> list[Report]:
    """Verify every log in a database, one report each.

    Raises:
        MalformedTarget: if the database cannot be reached, or holds no log.
    """
    try:
        import psycopg

        from muniment.ledger.audit import check_log
        from muniment.ledger.tenants import all_logs
    except ModuleNotFoundError as missing:
        raise MalformedTarget(
            "a database can only be verified with the server parts: pip install 'muniment[server]'", "postgresql"
        ) from missing
    reports = []
    try:
        with psycopg.connect(address, autocommit=True) as connection:
            for log in all_logs(connection):
                pins = options.pins_for(live=True)(log.origin)
                _, report = check_log(connection, log.tenant_id, log.log_id, pins=pins)
                reports.append(report)
    except psycopg.errors.InsufficientPrivilege as error:
        reason = "this role may not read the logs; take another one's address, as `muniment db url app` prints it"
        raise MalformedTarget(reason, "postgresql") from error
    except psycopg.OperationalError as error:
        # The address is not repeated: it may hold a password.
        raise MalformedTarget(f"the database cannot be reached: {str(error).strip()}", "postgresql") from error
    if not reports:
        raise MalformedTarget("the database holds no log that this role can see", "postgresql")
    return reports


def gather_pins(
    pin: str | None, root: str | None, genesis: str | None, checkpoint: Path | None, origin: str | None = None
) -> Pins:
    """Everything the caller pins: options first, then `--pin`, or without it `MUNIMENT_PIN`.

    Raises:
        MalformedPin: if one of them cannot be read, or two disagree.
    """
    pins = Pins(
        origin=None if origin is None else parse_origin(origin),
        root=None if root is None else parse_root(root),
        genesis=None if genesis is None else parse_hash(genesis, "genesis"),
    )
    if checkpoint is not None:
        pins = pins.merged(load_checkpoint(checkpoint))
    source = pin or os.environ.get("MUNIMENT_PIN")
    return pins.merged(load_pin(source)) if source else pins


def painted(report: Report | PacketReport | ReportVerdict | ExportVerdict, *, quiet: bool = False) -> str:
    """The report as the terminal shows it."""
    if isinstance(report, ReportVerdict):
        return painted_report(report, quiet=quiet)
    if isinstance(report, ExportVerdict):
        return painted_export(report, quiet=quiet)
    if isinstance(report, PacketReport):
        return render_packet(report, _paint, quiet=quiet)
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    try:
        "✓✗·".encode(encoding)
        plain = False
    except (UnicodeEncodeError, LookupError):
        plain = True
    return render(report, _paint, plain=plain, quiet=quiet)


@contextmanager
def progress_bar(target: str, *, shown: bool) -> Iterator[Progress | None]:
    """A bar for a large file, on a terminal only."""
    path = Path(target)
    if not shown or not sys.stderr.isatty() or not path.is_file():
        yield None
        return
    with click.progressbar(
        length=path.stat().st_size, label="  verifying", file=sys.stderr, show_pos=False, update_min_steps=1 << 22
    ) as bar:
        yield bar.update


def _paint(text: str, tone: Tone) -> str:
    return click.style(text, **_COLOURS[tone])  # type: ignore[arg-type]
