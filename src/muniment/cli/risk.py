"""`muniment risk`: the risk register: list, show, open, change, close, propose, heatmap, matrix, snapshot, export."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import click

from muniment.cli.control import table_of, write
from muniment.cli.population import asked, client_of, plain, with_ledger

_TREATMENTS: Final = ("accept", "mitigate", "transfer", "avoid")
_BANDS: Final = ("low", "medium", "high", "critical", "none")
_SCORES: Final = ("inherent", "current", "residual")
_FILTERS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("--state", {"type": click.Choice(("live", "any", "open", "residual", "closed")), "help": "live: not closed"}),
    ("--level", {"type": click.Choice(_BANDS), "help": "on the matrix in force; none: not placed"}),
    ("--treatment", {"type": click.Choice(_TREATMENTS)}),
    ("--owner", {"metavar": "ID", "help": "user:usr_…"}),
    ("--accepted", {"type": click.Choice(("yes", "no", "waiting")), "help": "waiting: for a decision"}),
    ("--review", {"type": click.Choice(("overdue",))}),
    ("--exception", {"metavar": "ID", "help": "that the risk links"}),
    ("--control", {"metavar": "ID", "help": "that the risk links"}),
    ("--asset", {"metavar": "ID", "help": "that the risk links"}),
    ("--finding", {"metavar": "ID", "help": "that the risk links"}),
    ("--q", {"metavar": "WORDS", "help": "in title, description or plan"}),
)


def _cell(text: str) -> dict[str, int]:
    """`3x5` as the API has it: likelihood, then impact."""
    found = re.fullmatch(r"([1-5])[x×]([1-5])", text)
    if found is None:
        raise click.BadParameter("give a likelihood and an impact, such as 3x5")
    return {"likelihood": int(found[1]), "impact": int(found[2])}


def _with_filters(command: Callable[..., None]) -> Callable[..., None]:
    for name, how in reversed(_FILTERS):
        command = click.option(name, **how)(command)
    return command


def _with_content(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say what a risk says; what is not given is left out."""
    options = (
        click.option("--description"),
        click.option("--treatment", type=click.Choice(_TREATMENTS)),
        click.option("--plan", help="what is done"),
        *(
            click.option(f"--{one}", type=_cell, metavar="LxI", help=f"{one} risk: likelihood x impact")
            for one in _SCORES
        ),
        *(
            click.option(
                f"--{one}", f"{one}s", multiple=True, metavar="ID", help="repeatable; instead of all that it links"
            )
            for one in ("exception", "control", "asset", "finding")
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.group("risk")
def command() -> None:
    """The risk register. Changing it needs a key with the capability risk.manage; risks are accepted in the browser."""


@command.command("list")
@_with_filters
@click.option("--sort", metavar="NAME", help="score, title, review or changed; with - before it downwards")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True)
@with_ledger
def listed(url: str | None, key: str | None, as_json: bool, limit: int, **filters: str | None) -> None:
    """List risks, the highest first."""
    given = {name: value for name, value in filters.items() if value}
    with client_of(url, key) as client:
        found = asked(client, "GET", "/api/risks", params={**given, "limit": limit})
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    for one in found["risks"]:
        accepted = f" accepted until {one['accepted_until']}" if one["accepted_until"] else ""
        level, state = one["level"] or "-", one["state"]
        click.echo(
            f"{one['id']}  {level:<8} {state:<8} review {one['review_on']}  {plain(one['title'])[:70]}{accepted}"
        )
    if not found["risks"]:
        click.echo("No risk is like that.")
    elif found["next"]:
        click.echo(f"{len(found['risks'])} of {found['total']}; more with --limit, or all with muniment risk export")


@command.command("show")
@click.argument("risk")
@with_ledger
def show(risk: str, url: str | None, key: str | None, as_json: bool) -> None:
    """Show a risk with its versions and acceptances."""
    with client_of(url, key) as client:
        found = asked(client, "GET", f"/api/risks/{risk}")
        found["versions"] = asked(client, "GET", f"/api/risks/{risk}/versions")["versions"]
        found["acceptances"] = asked(client, "GET", f"/api/risks/{risk}/acceptances")["acceptances"]
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else "\n".join(_shown(found)))


@command.command("open")
@click.argument("title")
@click.option("--owner", required=True, help="a member: address or usr_…")
@click.option("--review-on", required=True, metavar="DAY", help="the day by which it is looked at again")
@_with_content
@with_ledger
def opened(title: str, url: str | None, key: str | None, as_json: bool, **said: Any) -> None:
    """Open a risk. --current says how high it stands today, such as 3x5."""
    with client_of(url, key) as client:
        found = asked(client, "POST", "/api/risks", json={"title": title, **_given(said)})
    _say(found, as_json)


@command.command("change")
@click.argument("risk")
@click.option("--reason", required=True, help="why")
@click.option("--title")
@click.option("--owner", help="a member: address or usr_…")
@click.option("--review-on", metavar="DAY", help="the day by which it is looked at again")
@click.option("--number", type=click.IntRange(1), help="refuse if another version stands by now")
@_with_content
@with_ledger
def changed(risk: str, url: str | None, key: str | None, as_json: bool, **said: Any) -> None:
    """Make another version of a risk; what is not said stays. What was accepted of the one before is stale."""
    with client_of(url, key) as client:
        found = asked(client, "PATCH", f"/api/risks/{risk}", json=_given(said))
    _say(found, as_json)


@command.command("close")
@click.argument("risk")
@click.option("--reason", required=True, help="why")
@with_ledger
def closed(risk: str, reason: str, url: str | None, key: str | None, as_json: bool) -> None:
    """Close a risk; not as long as an exception that it mirrors holds."""
    with client_of(url, key) as client:
        _say(asked(client, "POST", f"/api/risks/{risk}/close", json={"reason": reason}), as_json)


@command.command("reopen")
@click.argument("risk")
@click.option("--reason", required=True, help="why")
@with_ledger
def reopened(risk: str, reason: str, url: str | None, key: str | None, as_json: bool) -> None:
    """Open a closed risk again."""
    with client_of(url, key) as client:
        _say(asked(client, "POST", f"/api/risks/{risk}/reopen", json={"reason": reason}), as_json)


@command.command("propose")
@click.argument("risk")
@click.option("--reason", required=True, help="why it is to be accepted")
@click.option("--until", required=True, metavar="DAY", help="the last day on which that holds")
@click.option("--zone", default="UTC", show_default=True, help="whose days count")
@with_ledger
def proposed(risk: str, url: str | None, key: str | None, as_json: bool, **said: str) -> None:
    """Propose that a risk be accepted as it stands. A person decides, in the browser."""
    with client_of(url, key) as client:
        found = asked(client, "POST", f"/api/risks/{risk}/acceptances", json=said)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    click.echo(f"{found['id']}: proposed until {found['until']}, entry {found['entry']}")
    click.echo(f"Somebody who neither owns nor proposed it decides on its page: /risks/{risk}#acceptance")


@command.command("heatmap")
@click.option("--score", type=click.Choice(_SCORES), default="current", show_default=True)
@with_ledger
def heatmap(score: str, url: str | None, key: str | None, as_json: bool) -> None:
    """Count the risks in each cell of the matrix. The likeliest stand at the top."""
    with client_of(url, key) as client:
        found = asked(client, "GET", "/api/risk-heatmap", params={"score": score})
        matrix = asked(client, "GET", "/api/risk-matrix")
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else "\n".join(_heat(found, matrix)))


@command.command("matrix")
@with_ledger
def matrix_shown(url: str | None, key: str | None, as_json: bool) -> None:
    """Show the matrix in force: the level of each cell."""
    with client_of(url, key) as client:
        found = asked(client, "GET", "/api/risk-matrix")
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    click.echo(f"version {found['number']}, SHA-256 {found['digest']}")
    for label, bands in reversed(list(zip(found["likelihood"], found["bands"], strict=True))):
        click.echo(_line(label, bands))
    click.echo(_line("", found["impact"]))


@command.command("snapshot")
@with_ledger
def snapshot(url: str | None, key: str | None, as_json: bool) -> None:
    """Keep how the register stands now. Recorded with a digest over every risk."""
    with client_of(url, key) as client:
        found = asked(client, "POST", "/api/risk-snapshots")
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    click.echo(f"{found['content']['risks']} risks, register {found['register_digest']}, entry {found['entry']}")


@command.command("export")
@_with_filters
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="a file; otherwise standard output"
)
@with_ledger
def export(output: Path | None, url: str | None, key: str | None, as_json: bool, **filters: str | None) -> None:
    """Write risks as CSV. All that the filters leave; with --json page by page."""
    given = {name: value for name, value in filters.items() if value}
    with client_of(url, key) as client:
        if as_json:
            text = json.dumps({"risks": list(_pages(client, given))}, ensure_ascii=False) + "\n"
        else:
            text = table_of(client, "/api/risks.csv", given)
    write(text, output)


def _pages(client: Any, given: dict[str, str]) -> Iterator[Any]:
    following: str | None = ""
    while following is not None:
        cursor = {"cursor": following} if following else {}
        found = asked(client, "GET", "/api/risks", params={**given, **cursor, "limit": 500})
        yield from found["risks"]
        following = found["next"]


def _given(said: dict[str, Any]) -> dict[str, Any]:
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in said.items()
        if value not in (None, ())
    }


def _say(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    click.echo(
        f"{found['id']}, version {found['version']}, {found['state']}, {found['level'] or 'not placed'}: "
        f"entry {found['entry']}"
    )


def _shown(found: dict[str, Any]) -> Iterator[str]:
    yield f"{found['id']}  {plain(found['title'])}"
    yield f"state       {found['state']}" + (", mirrors exceptions" if found["origin"] == "exception" else "")
    yield f"level       {found['level'] or 'not placed'}" + (
        "" if found["on_matrix"] else ", on a matrix of another size"
    )
    for score in _SCORES:
        cell = found[score]
        yield f"{score:<11} " + ("not assessed" if cell is None else f"{cell['likelihood']} x {cell['impact']}")
    yield f"owner       {found['owner'] or 'nobody'}"
    yield f"treatment   {found['treatment']}" + (f": {plain(found['plan'])}" if found["plan"] else "")
    yield f"review by   {found['review_on']}"
    yield f"accepted    {'until ' + found['accepted_until'] if found['accepted_until'] else 'no'}"
    for name in ("exceptions", "controls", "assets", "findings"):
        if found[name]:
            yield f"{name:<11} {' '.join(found[name])}"
    for one in found["acceptances"]:
        why = plain(one["reason"])
        yield f"acceptance  {one['id']} {one['state']} until {one['until']}, entry {one['entry']}: {why}"
    for one in found["versions"]:
        reason = one["content"]["reason"]
        said = f": {plain(reason)}" if reason else ""
        yield f"version     {one['version']} {one['at']} by {one['by']}, entry {one['entry']}{said}"


def _heat(found: dict[str, Any], matrix: dict[str, Any]) -> Iterator[str]:
    counts = {(one["likelihood"], one["impact"]): one["risks"] for one in found["cells"]}
    columns = range(1, len(matrix["impact"]) + 1)
    for row in range(len(matrix["likelihood"]), 0, -1):
        yield _line(matrix["likelihood"][row - 1], [counts[row, two] for two in columns])
    yield _line("", matrix["impact"])
    yield ", ".join(f"{number} {band}" for band, number in found["levels"].items())
    if found["nowhere"] or found["other"]:
        yield f"not shown: {found['nowhere']} without this score, {found['other']} on a matrix of another size"


def _line(label: str, cells: Iterable[object]) -> str:
    shown = " ".join(f"{_cut(plain(str(cell)), 12):<12}" for cell in cells)
    return f"{_cut(plain(label), 20):<20} {shown}".rstrip()


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
