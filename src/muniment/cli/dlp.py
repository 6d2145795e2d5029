"""`muniment dlp`: search a file here, and see what a ledger's data protection found and holds back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from muniment.cli.population import asked, client_of, plain, with_ledger
from muniment.core.errors import VerificationFailed
from muniment.dlp.inspection import inspect
from muniment.dlp.judging import ALLOW, NOT_ASKED, Judgement, Policy, judge
from muniment.dlp.patterns import Pattern
from muniment.dlp.scanning import Scan

_STEP: Final = 1 << 20
_LARGEST: Final = 64 << 20


@click.group("dlp")
def command() -> None:
    """Data protection: card numbers, PESELs, IBANs and passport numbers in files."""


@command.command("scan")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--pattern", "patterns", multiple=True, metavar="NAME=EXPRESSION", help="to look for besides, in RE2")
@click.option("--json", "as_json", is_flag=True, help="print JSON")
def scan(file: Path, patterns: tuple[str, ...], as_json: bool) -> None:
    """Search FILE on this machine by the usual policy. Nothing is sent anywhere.

    It is read by a process of its own. Says kinds and counts, never what was found.
    Exit code 1 if the policy would block or quarantine the file.
    """
    wanted = tuple(sorted((_pattern(one) for one in patterns), key=lambda one: one.name))
    if file.stat().st_size > _LARGEST:
        raise click.UsageError(f"a file has at most {_LARGEST >> 20} MiB")
    with file.open("rb") as stream:
        found = inspect(iter(lambda: stream.read(_STEP), b""), wanted, today=datetime.now(UTC).date())
    usual = Policy()
    strict = {one.kind: usual.rules["pesel"] for one in wanted}
    judged = judge(Policy({**usual.rules, **strict}, wanted), found, NOT_ASKED)
    click.echo(json.dumps(_as_json(found, judged)) if as_json else "\n".join(_scanned(file, found, judged)))
    if judged.action != ALLOW:
        raise VerificationFailed(f"the usual policy says {judged.action}", str(file))


@command.command("policy")
@with_ledger
def policy(url: str | None, key: str | None, as_json: bool) -> None:
    """Show what a ledger's files are searched for. Says what is done where something is found, too."""
    with client_of(url, key) as client:
        found = asked(client, "GET", "/api/dlp/policy")
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    click.echo(f"version {found['number']}" if found["number"] else "the usual rules; none was written here")
    for name, rule in found["rules"].items():
        click.echo(f"  {plain(name):<24} {rule['action']:<10} {plain(rule['reason'])}".rstrip())
    for one in found["patterns"]:
        click.echo(f"  pattern {plain(one['name'])}: {plain(one['expression'])}")


@command.command("quarantine")
@with_ledger
def quarantine(url: str | None, key: str | None, as_json: bool) -> None:
    """List the attachments that are held back. Needs the capability dlp.manage."""
    with client_of(url, key) as client:
        found = asked(client, "GET", "/api/attachments/quarantine")
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    for one in found["verdicts"]:
        click.echo(f"{one['subject']}  {one['sha256'][:12]}  {plain('; '.join(one['reasons']))}")
    if not found["verdicts"]:
        click.echo("Nothing is in quarantine.")


@command.command("show")
@click.argument("attachment")
@with_ledger
def show(url: str | None, key: str | None, as_json: bool, attachment: str) -> None:
    """Show what an attachment's scan found. Kinds, counts and places; never the values."""
    with client_of(url, key) as client:
        found = asked(client, "GET", f"/api/attachments/{attachment}/verdict")
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else "\n".join(_verdict(found)))


@command.command("rescan")
@click.argument("attachment")
@with_ledger
def rescan(url: str | None, key: str | None, as_json: bool, attachment: str) -> None:
    """Have an attachment searched again, by the policy in force now."""
    with client_of(url, key) as client:
        found = asked(client, "POST", f"/api/attachments/{attachment}/scan", json={})
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else "\n".join(_verdict(found)))


@command.command("release")
@click.argument("attachment")
@click.option("--tenant", metavar="SLUG", help="the tenant, where the address does not say it")
@with_ledger
def release(url: str | None, key: str | None, as_json: bool, attachment: str, tenant: str | None) -> None:
    """Say where a person releases an attachment from quarantine. No key can.

    It takes a fresh second factor, a reason, and somebody else than who attached it.
    """
    with client_of(url, key) as client:
        found = asked(client, "GET", f"/api/attachments/{attachment}/verdict")
    address = f"{(url or '').rstrip('/')}{f'/t/{tenant}' if tenant else ''}/attachments/{attachment}#scan"
    held = found["action"] != ALLOW and found["release"] is None
    if as_json:
        click.echo(json.dumps({"attachment": attachment, "held": held, "address": address}))
    elif held:
        click.echo(
            f"Held back: {plain('; '.join(found['reasons']))}\nSomebody else than who attached it releases it at:"
        )
        click.echo(f"  {address}")
    else:
        click.echo("It is not in quarantine.")


def _pattern(given: str) -> Pattern:
    name, equals, expression = given.partition("=")
    if not equals:
        raise click.UsageError("--pattern takes NAME=EXPRESSION, such as employee-id=EMP-[0-9]{6}")
    return Pattern(name, expression)


def _as_json(found: Scan, judged: Judgement) -> dict[str, Any]:
    return {
        "action": judged.action,
        "reasons": judged.reasons,
        "coverage": found.coverage,
        "reason": found.reason,
        "counts": dict(found.counts),
        "places": [{"where": one.where, "kind": one.kind, "count": one.count} for one in found.places],
        "pictures": found.pictures,
    }


def _scanned(file: Path, found: Scan, judged: Judgement) -> Iterator[str]:
    yield f"{plain(file.name)}: {judged.action}"
    for reason in judged.reasons:
        yield f"  {plain(reason)}"
    yield from _places(_as_json(found, judged)["places"])
    yield f"  {NOT_ASKED}"


def _verdict(found: Mapping[str, Any]) -> Iterator[str]:
    released = found["release"]
    yield f"{found['subject']}  {found['action']}{', released' if released else ''}"
    for reason in found["reasons"]:
        yield f"  {plain(reason)}"
    yield from _places(found["places"])
    yield f"  antivirus    {plain(found['antivirus'])}"
    yield f"  policy       {found['policy'] or 'the usual rules'}"
    yield f"  sha256       {found['sha256']}"
    yield f"  recorded     entry {found['entry']:,}"
    if released:
        yield f"  released     {released['at'][:19]}Z by {released['by']}: {plain(released['reason'])}"


def _places(places: list[dict[str, Any]]) -> Iterator[str]:
    for one in places:
        yield f"  {one['kind']} × {one['count']:,}" + (f" in {plain(one['where'])}" if one["where"] else "")
