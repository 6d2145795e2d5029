"""People named in a text: `@usr_…`, `@ada@example.test`, or `@ada` where that is one member alone."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from muniment.core.errors import Malformed

MOST: Final = 20
_NAMED: Final = re.compile(r"(?<![\w@.+-])@([\w][\w.+-]*(?:@[\w-]+(?:\.[\w-]+)+)?)")
_KEPT: Final = re.compile(r"@(usr_[0-9A-Z]{26})")


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who can be named: id `usr_…`, address, and name (or "")."""

    id: str
    email: str
    name: str


@dataclass(frozen=True, slots=True)
class Named:
    """A text in which people stand by their ids, and those ids in order."""

    text: str
    people: tuple[str, ...]


def read_mentions(text: str, members: Collection[Member]) -> Named:
    """Find who is named. A word that nobody goes by stays a word.

    Args:
        text: as it was typed.
        members: who can be named.

    Raises:
        Malformed: `text`, for an address or id of nobody here, for a word that several go by, or too many people.

    >>> read_mentions("ask @ada.", [Member("usr_1", "ada@example.test", "")]).people
    ('usr_1',)
    """
    found: dict[str, None] = {}

    def put(match: re.Match[str]) -> str:
        typed = match[1].rstrip(".-+")
        rest = match[1][len(typed) :]
        known = [one for one in members if typed.casefold() in _goes_by(one)]
        if len(known) > 1:
            raise Malformed(f"@{typed[:60]} can be {len(known)} people: write the whole address", "text")
        if not known:
            if "@" in typed or typed.startswith("usr_"):
                raise Malformed(f"@{typed[:60]} is no member who may see this", "text")
            return match[0]
        found[known[0].id] = None
        return f"@{known[0].id}{rest}"

    written = _NAMED.sub(put, text)
    if len(found) > MOST:
        raise Malformed(f"names {len(found)} people; at most {MOST}", "text")
    return Named(written, tuple(found))


def pieces(text: str, names: Mapping[str, str]) -> list[tuple[str, str]]:
    """A kept text in pieces: (text, "") as it is, and (name, id) for somebody who is named.

    Args:
        text: as it is kept.
        names: by id; who is not here is shown by their id.
    """
    shown: list[tuple[str, str]] = []
    at = 0
    for match in _KEPT.finditer(text):
        if match.start() > at:
            shown.append((text[at : match.start()], ""))
        shown.append((names.get(match[1]) or match[1], match[1]))
        at = match.end()
    return [*shown, (text[at:], "")] if at < len(text) else shown


def _goes_by(member: Member) -> set[str]:
    local = member.email.partition("@")[0]
    first = member.name.split(" ")[0] if member.name else ""
    return {one.casefold() for one in (member.id, member.email, local, member.name.replace(" ", "."), first) if one}
