"""The entries of the ledger about one thing, each checked against its hash."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from muniment.core.body import check_body
from muniment.core.entry import entry_hash
from muniment.core.errors import MunimentError
from muniment.ledger.disclosed import Disclosed, at_places
from muniment.ledger.query import EntryFilter, find_entries
from muniment.ledger.surroundings import Frontier, frontier
from muniment.server.access.standing import Standing
from muniment.server.explorer.rows import SealState, parsed, seal_state
from muniment.server.members.names import names_of

SHOWN: Final = 50
"""Entries of one page of a history."""
# What of an entry's text says why something was done.
_WORDS: Final = ("comment", "reason", "said", "text")


@dataclass(frozen=True, slots=True)
class Past:
    """One entry about a thing.

    Attributes:
        seq: its place in the log; the page of the entry holds its proof.
        recorded_at: by the ledger's clock.
        action: what was done, `outcome` how it ended.
        outcome: success, failure, denied or unknown.
        actor: who did it, and `name` their name where it is known.
        name: see `actor`.
        labels: short facts by name.
        words: the comment or reason in its body; "" where there is none, or the reader may not see bodies.
        body: of the body, what the reader may see: "shown", "withheld", "erased", "none", or "broken" where what is
            stored is not what the entry commits to.
        seal: of the entry; "broken" where its text does not give its hash.
        reference: `<source>/<event id>`.
    """

    seq: int
    recorded_at: datetime
    action: str
    outcome: str
    actor: str
    name: str
    labels: Mapping[str, str]
    words: str
    body: str
    seal: SealState
    reference: str


@dataclass(frozen=True, slots=True)
class History:
    """A page of a history, newest first, and the cursor of the one after it (None at the end)."""

    rows: tuple[Past, ...]
    cursor: str | None


def history(
    standing: Standing, kind: str, id: str, *, limit: int = SHOWN, cursor: str | None = None, oldest_first: bool = False
) -> History:
    """What the ledger holds of one thing. The log is asked by the index over resources, however long it is.

    Args:
        standing: of the reader, whose `tenant_scope` is open.
        kind: the resource's type, such as `exception`.
        id: of the resource, such as `exc_…`.
        limit: entries on the page, 1 to 1,000.
        cursor: of the page before.
        oldest_first: the order of the answer.

    Raises:
        Malformed: for a cursor that this question did not give.
    """
    asked = EntryFilter(resource=id, resource_type=kind, newest_first=not oldest_first)
    with standing.transaction() as reading:
        here = frontier(reading, standing.log_id)
        page = find_entries(reading, standing.log_id, asked, limit=limit, cursor=cursor)
        places = [entry.seq for entry in page.entries]
        bodies = {one.entry.seq: one for one in at_places(reading, standing.log_id, places)}
    actors = {str(parsed(entry)["event"]["actor"]["id"]) for entry in page.entries}
    names = names_of(standing.tenant_id, {actor for actor in actors if actor.startswith("user:")})
    rows = tuple(_past(standing, bodies[seq], here, names) for seq in places if seq in bodies)
    return History(rows, page.cursor)


def _past(standing: Standing, there: Disclosed, here: Frontier | None, names: Mapping[str, str]) -> Past:
    entry = there.entry
    document = parsed(entry)
    event: dict[str, Any] = document["event"]
    actor = str(event["actor"]["id"])
    state, words = _words(standing, there, event)
    sound = here is not None and entry_hash(entry.text) == entry.entry_hash
    return Past(
        seq=entry.seq,
        recorded_at=entry.recorded_at,
        action=event["action"],
        outcome=event["outcome"],
        actor=actor,
        name=names.get(actor, ""),
        labels=dict(label.partition("=")[::2] for label in event.get("labels", ())),
        words=words,
        body=state,
        seal=seal_state(entry.seq, here) if sound and here is not None else "broken",
        reference=f"{event['source']['id']}/{event['id']}",
    )


def _words(standing: Standing, there: Disclosed, event: Mapping[str, Any]) -> tuple[str, str]:
    if "body" not in event:
        return "none", ""
    if not standing.sees_bodies:
        return "withheld", ""
    stored = there.body
    if stored is None or stored.body is None or stored.salt is None:
        return "erased" if stored is not None and stored.state == "erased" else "withheld", ""
    try:
        check_body(bytes.fromhex(event["body"]["commit"]), event["body"]["len"], stored.salt, stored.body)
    except MunimentError:
        return "broken", ""
    try:
        said = orjson.loads(stored.body)
    except orjson.JSONDecodeError:
        # What somebody reported need not be JSON; it is what the entry commits to all the same.
        return "shown", ""
    found = next((said[name] for name in _WORDS if said.get(name)), "") if isinstance(said, dict) else ""
    return "shown", found if isinstance(found, str) else ""
