"""Search over everything in the registers: the tenant's words, as they stand in the database."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from django.contrib.postgres.search import SearchQuery, SearchRank
from django.db.models import F

from muniment.core.errors import Malformed
from muniment.server.access.standing import Standing
from muniment.server.tables.question import read_words
from muniment.server.tables.registry import address, table_of_kind, tables
from muniment.server.work.models import Words

MOST: Final = 100
_WORD: Final = re.compile(r"[\w.@-]+")
_BARE: Final = re.compile(r"[^\w]+")


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that was found: what it is, its id, title, state, and the address of its page ("" without one)."""

    kind: str
    id: str
    title: str
    state: str
    url: str


@dataclass(frozen=True, slots=True)
class Found:
    """What was found, the best first; `more` if there is more than that, `counts` by kind among these."""

    hits: tuple[Hit, ...]
    more: bool
    counts: dict[str, int]


def search(standing: Standing, text: str, *, kind: str = "", limit: int = MOST) -> Found:
    """Find things that hold every word, or words that begin with it.

    Args:
        standing: of the reader, whose `tenant_scope` is open.
        text: at most 8 words and 200 characters.
        kind: only things of this sort; "" for all that the reader may see.
        limit: things at most, 1 to 100.

    Raises:
        Malformed: `q` without a word, `kind` for a sort that there is not.
    """
    allowed = [one.kind for one in tables() if standing.may(one.reads)]
    if kind and kind not in allowed:
        raise Malformed(f"is one of {', '.join(allowed)}", "kind")
    query = _query(read_words(text))
    rows = Words.objects.filter(kind__in=[kind] if kind else allowed, vector=query)
    ranked = rows.annotate(rank=SearchRank(F("vector"), query)).order_by("-rank", "-id")
    found = list(ranked.values_list("kind", "subject", "title", "state")[: limit + 1])
    hits = tuple(Hit(sort, wanted, title, state, _url(sort, wanted)) for sort, wanted, title, state in found[:limit])
    counts: dict[str, int] = {}
    for hit in hits:
        counts[hit.kind] = counts.get(hit.kind, 0) + 1
    return Found(hits, len(found) > limit, counts)


def _query(text: str) -> SearchQuery:
    """Every word, each as the beginning of one. What PostgreSQL would read as an operator never reaches it."""
    words = [bare for word in _WORD.findall(text) for bare in _BARE.split(word) if bare.strip("_")]
    if not words:
        raise Malformed("holds no word", "q")
    return SearchQuery(" & ".join(f"'{word}':*" for word in words), config="simple", search_type="raw")


def _url(kind: str, wanted: str) -> str:
    table = table_of_kind(kind)
    return address(table.page, wanted) if table is not None else ""
