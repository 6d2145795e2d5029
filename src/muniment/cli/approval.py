"""`muniment approval`: how exceptions are approved, as a file; who is away, and who decides meanwhile."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from muniment.cli.control import write
from muniment.cli.population import asked, client_of, plain, with_ledger

_MOST: Final = 1 << 20
_RULES: Final = "/api/approval-rules"
_RISKS: Final = ("low", "medium", "high", "critical")
_SIGNS: Final = {"same": " ", "added": "+", "removed": "-"}


@click.group("approval")
def command() -> None:
    """Rules of approval and delegations. Changing the rules needs a key with the capability workflow.manage."""


@command.command("show")
@click.argument("version", required=False)
@click.option("--toml", is_flag=True, help="as a file for `put`")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="where to")
@with_ledger
def show(version: str | None, toml: bool, output: Path | None, url: str | None, key: str | None, as_json: bool) -> None:
    """Show the rules in force, or those of VERSION. A version is wfv_…, or wfv_default."""
    with client_of(url, key) as client:
        found = asked(client, "GET", f"{_RULES}/versions/{version}" if version else _RULES)
    if as_json:
        text = json.dumps(found, ensure_ascii=False) + "\n"
    elif toml:
        text = _toml(found["rules"])
    else:
        text = "\n".join(_shown(found)) + "\n"
    write(text, output)


@command.command("versions")
@with_ledger
def versions(url: str | None, key: str | None, as_json: bool) -> None:
    """List the versions that were written, newest first."""
    with client_of(url, key) as client:
        found = asked(client, "GET", f"{_RULES}/versions")
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    for one in found["versions"]:
        comment = plain(one["comment"].replace("\n", " "))[:60]
        click.echo(
            f"{one['id']}  version {one['version']:<4} {one['created_at'][:19]}Z  entry {one['entry']:<8,} {comment}"
        )
    if not found["versions"]:
        click.echo("None was written; the default is in force: muniment approval show --toml")


@command.command("check")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--risk", type=click.Choice(_RISKS), help="of a made-up case: who could decide on it")
@click.option("--framework", "frameworks", multiple=True, metavar="ID", help="of a control of the case")
@click.option("--asset", "assets", multiple=True, metavar="CODE", help="of the case")
@click.option("--requester", default="", metavar="WHO", help="of the case: address or usr_…")
@with_ledger
def check(
    file: str,
    risk: str | None,
    frameworks: tuple[str, ...],
    assets: tuple[str, ...],
    requester: str,
    url: str | None,
    key: str | None,
    as_json: bool,
) -> None:
    """Say what is wrong with the rules in FILE. It is TOML or JSON.

    Says how they differ from those in force too, and saves nothing. Exit code 1 if they could not be saved.
    """
    order: dict[str, Any] = {"rules": _read(file)}
    if risk is not None:
        order["case"] = {
            "risk_level": risk,
            "frameworks": list(frameworks),
            "assets": list(assets),
            "requester": requester,
        }
    elif frameworks or assets or requester:
        raise click.UsageError("a made-up case needs its --risk")
    with client_of(url, key) as client:
        found = asked(client, "POST", f"{_RULES}/check", json=order)
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else "\n".join(_checked(found)))
    if any(one["blocks"] for one in found["faults"]):
        raise SystemExit(1)


@command.command("put")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--comment", required=True, help="why; recorded with the version")
@click.option("--number", type=click.IntRange(0), help="refuse if another version stands by now; 0: none")
@with_ledger
def put(file: str, comment: str, number: int | None, url: str | None, key: str | None, as_json: bool) -> None:
    """Put the rules in FILE in force. It is TOML or JSON; what was submitted before keeps its rules."""
    order: dict[str, Any] = {"rules": _read(file), "comment": comment}
    if number is not None:
        order["number"] = number
    with client_of(url, key) as client:
        found = asked(client, "PUT", _RULES, json=order)
    click.echo(
        json.dumps(found, ensure_ascii=False)
        if as_json
        else f"{found['id']}, version {found['version']}, in force: entry {found['entry']:,}"
    )


@command.command("delegate")
@click.argument("person")
@click.option("--to", default="", metavar="WHO", help="who decides meanwhile: address or usr_…; left out: nobody")
@click.option("--from", "since", required=True, metavar="DAY", help="first whole day, such as 2026-03-01")
@click.option("--until", required=True, metavar="DAY", help="last whole day")
@click.option("--zone", default="UTC", show_default=True, help="in which these days are counted")
@click.option("--comment", default="", help="recorded for good: name no illness")
@with_ledger
def delegate(
    person: str,
    to: str,
    since: str,
    until: str,
    zone: str,
    comment: str,
    url: str | None,
    key: str | None,
    as_json: bool,
) -> None:
    """Say that PERSON (address or usr_…) is away. Needs a key with workflow.manage; people do it on their own page."""
    order = {"person": person, "to": to, "from": since, "until": until, "zone": zone, "comment": comment}
    with client_of(url, key) as client:
        found = asked(client, "POST", "/api/delegations", json=order)
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else _away(found))


@command.command("away")
@click.option("--over", is_flag=True, help="also what has ended or was revoked")
@with_ledger
def away(over: bool, url: str | None, key: str | None, as_json: bool) -> None:
    """List who is away, and who decides for them."""
    with client_of(url, key) as client:
        found = asked(client, "GET", "/api/delegations", params={"over": "true"} if over else {})
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    click.echo("\n".join(map(_away, found["delegations"])) or "Nobody is away.")


@command.command("revoke")
@click.argument("delegation")
@click.option("--comment", default="", help="recorded for good: name no illness")
@with_ledger
def revoke(delegation: str, comment: str, url: str | None, key: str | None, as_json: bool) -> None:
    """End a DELEGATION (dlg_…) from now on."""
    with client_of(url, key) as client:
        found = asked(client, "POST", f"/api/delegations/{delegation}/revoke", json={"comment": comment})
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else _away(found))


def _read(file: str) -> Any:
    with click.open_file(file, "rb") as stream:
        content: bytes = stream.read(_MOST + 1)
    if len(content) > _MOST:
        raise click.UsageError(f"{file} is larger than 1 MiB")
    try:
        text = content.decode("utf-8-sig")
        return json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{file} is not UTF-8 at byte {error.start}") from None
    except (json.JSONDecodeError, tomllib.TOMLDecodeError) as error:
        raise click.UsageError(f"{file} is neither TOML nor JSON: {error}") from None


def _shown(found: Mapping[str, Any]) -> Iterator[str]:
    state = "in force" if found["in_force"] else "replaced"
    if found["entry"] is None:
        yield f"{found['id']}, which nobody wrote, {state}"
    else:
        yield f"{found['id']}, version {found['version']}, {state}: entry {found['entry']:,}"
        yield f"  saved {found['created_at'][:19]}Z by {found['created_by']}: {plain(found['comment'])}"
    yield f"  SHA-256 {found['digest']}"
    yield from (f"  {plain(line)}" for line in found["text"])
    yield from _faults(found.get("faults", ()))


def _checked(found: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{_SIGNS[line['sign']]} {plain(line['text'])}" for line in found["difference"])
    yield from _faults(found["faults"])
    if preview := found["preview"]:
        yield "row " + ("otherwise" if preview["clause"] is None else str(preview["clause"] + 1)) + " takes the case"
        for level in preview["levels"]:
            said = [
                one["subject"]
                + (f" for {one['on_behalf_of']}" if one["on_behalf_of"] else "")
                + (" (away)" if one["away"] else "")
                for one in level["deciders"]
            ]
            yield f"approval {level['number']}: {', '.join(said) or 'NOBODY'}"
    if not any(one["blocks"] for one in found["faults"]):
        yield "They can be saved: muniment approval put FILE --comment …"


def _faults(faults: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for one in faults:
        yield f"{'FAULT' if one['blocks'] else 'note '} {one['where']} ({one['kind']}): {plain(one['reason'])}"


def _away(one: Mapping[str, Any]) -> str:
    until = f"revoked {one['revoked_at'][:19]}Z" if one["revoked_at"] else one["state"]
    return (
        f"{one['id']}  {one['person']}  {one['from']} to {one['until']} ({one['zone']})  "
        f"{one['to'] or 'nobody'} decides  {until}, entry {one['entry']:,}"
    )


def _toml(rules: Mapping[str, Any]) -> str:
    """Rules as a file that `put` takes. JSON's texts and lists are TOML's too, for ids."""
    lines = [
        "# The first row that holds for a case gives its approvals; a condition that is left out holds for every case.",
        "# A level without roles, people and groups: anybody who may approve exceptions.",
        *(f"{field} = {json.dumps(rules[field])}" for field in rules if field not in ("clauses", "otherwise")),
    ]
    for clause in rules["clauses"]:
        lines += ["", "[[clauses]]"]
        lines += [f"{field} = {json.dumps(given)}" for field, given in clause.items() if field != "levels"]
        lines += [f"levels = {_levels(clause['levels'])}"]
    lines += ["", "[otherwise]", f"levels = {_levels(rules['otherwise']['levels'])}", ""]
    return "\n".join(lines)


def _levels(levels: Sequence[Mapping[str, Any]]) -> str:
    said = [", ".join(f"{field} = {json.dumps(given)}" for field, given in level.items()) for level in levels]
    return "[" + ", ".join(f"{{ {one} }}" if one else "{}" for one in said) + "]"
