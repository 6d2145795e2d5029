"""The pages that the benchmark of the explorer asks for, each kind with several values in turn."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import unescape

import httpx

from bench.happenings import RARE_ACTOR, RARE_LABEL, Company

SLUG = "bench"
_OLDER = re.compile(r'href="([^"]*[?&;]older=[^"]*)"')


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of page.

    Attributes:
        name: of its rows.
        paths: asked for in turn.
        shows: text that must stand in each answer.
        gate: whether its 95th percentile decides the exit code.
        lacks: text that must not stand in any answer.
        status: of the answers.
    """

    name: str
    paths: Sequence[str]
    shows: str
    gate: bool = False
    lacks: str = ""
    status: int = 200


def ledger(**asked: str) -> str:
    return f"/t/{SLUG}/ledger?{httpx.QueryParams(asked)}" if asked else f"/t/{SLUG}/ledger"


def first_pages(company: Company) -> Iterator[Case]:
    """First pages by each filter, with values that are common, rare, long gone and not there at all."""
    voices = company.voices

    def by(name: str, *asked: dict[str, str], gate: bool = True) -> Case:
        return Case(f"first page, {name}", [ledger(**one) for one in asked], 'data-seq="', gate=gate)

    yield by("unfiltered", {})
    yield by("by action", *({"action": one} for one in ("tool.call", "tool.refuse", "user.login", "config.change")))
    yield by("by a family of actions", *({"action": one} for one in ("tool.*", "agent.*", "user.*")))
    yield by("by actor", *({"actor": voice.actor} for voice in voices[::9]))
    yield by("by an actor of long ago", {"actor": RARE_ACTOR})
    yield by(
        "by control", *({"control": one} for one in ("soc2:CC7.2", "soc2:CC7.4", "soc2:CC8.1", "hipaa:164.312(b)"))
    )
    yield by("by outcome", *({"outcome": one} for one in ("success", "denied", "failure", "unknown")))
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    days = [midnight - timedelta(days=back) for back in (1, 17, 45, 80, 120, 160)]
    yield by("by day", *({"from": day.isoformat(), "to": (day + timedelta(days=1)).isoformat()} for day in days))
    yield by(
        "by a rare label", {"label": RARE_LABEL}, *({"label": f"ticket=TCK-{at:05d}"} for at in range(0, 30_000, 4_999))
    )
    yield by("by a common label", {"label": "env=prod"}, {"label": "team=t03"})
    yield by(
        "by tool, resource, workspace, source",
        {"tool": "tool_07"},
        {"resource": "doc-0815"},
        {"workspace": voices[0].workspace},
        {"source": voices[3].source},
    )
    yield by("oldest first", {"order": "oldest"}, {"order": "oldest", "outcome": "failure"})
    nothing = [
        ("actor", "agent:nobody"),
        ("action", "exception.approve"),
        ("control", "soc2:none"),
        ("label", "no=such"),
        ("tool", "none"),
        ("resource", "none"),
        ("workspace", "wks-none"),
        ("source", "src_00000000000000000000000000"),
        ("trace", "0" * 32),
    ]
    yield Case(
        "first page, by what nothing matches",
        [ledger(**{name: value}) for name, value in nothing],
        "<h1",
        gate=True,
        lacks='data-seq="',
    )
    person, refused = company.people[0], {"action": "tool.refuse"}
    yield by(
        "two filters that often meet",
        {"action": "tool.call", "workspace": voices[0].workspace},
        {"label": "env=prod", "outcome": "failure"},
        {"control": "soc2:CC7.2", "actor": voices[1].actor},
        refused | {"actor": voices[0].actor},
        gate=False,
    )
    never = [
        {"action": "tool.call", "outcome": "denied"},
        {"actor": voices[0].actor, "action": "user.login"},
        {"label": "env=prod", "actor": person.actor},
        {"control": "soc2:CC7.2", "tool": "none"},
        {"outcome": "success", "actor": "agent:nobody"},
        {"resource_type": "none"},
    ]
    for asked in never:
        yield Case(
            f"first page, two filters that never meet ({' and '.join(asked)})",
            [ledger(**asked)],
            "<h1",
            lacks='data-seq="',
        )


def other_pages(client: httpx.Client, size: int) -> Iterator[Case]:
    """Pages further on, single entries, their causes, the jump and the overview."""
    path = ledger()
    for _ in range(10):
        found = _OLDER.search(client.get(path).text)
        if found is None:
            raise RuntimeError(f"{path} leads to no older page")
        path = unescape(found[1])
    yield Case("page 10 cursors deep", [path], 'data-seq="')
    places = [*range(1_009, size, size // 23), size - 10]
    yield Case("page of an entry", [f"/t/{SLUG}/ledger/{at}" for at in places], "Causes")
    yield Case("panel of an entry", [f"/t/{SLUG}/ledger/{at}/panel" for at in places], "Entry")
    yield Case("causes and effects", [f"/t/{SLUG}/api/entries/{at}/graph" for at in places], '"nodes"')
    yield Case("jump by a hash that nothing has", [ledger(q="0" * 64)], "", status=404)
    yield Case("overview", [f"/t/{SLUG}/"], "<h1")
