"""The pages that there are, from the URL table, and real addresses for them, from the links that lead there."""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from muniment.server.runtime import Places

_OTHERS = 6


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the URL table that answers GET.

    Attributes:
        name: with its namespace; the path where it has none.
        path: as the table writes it, such as `/ledger/<int:seq>`.
        kind: of its rule: tenant, account or public.
    """

    name: str
    path: str
    kind: str

    @property
    def is_plain(self) -> bool:
        """It has no parameters."""
        return "<" not in self.path

    @property
    def slug(self) -> str:
        """For file names."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")


def routes(places: Places) -> list[Route]:
    """Every page that has a rule and answers GET, in the order of the table."""
    os.environ.update(places.environment(), DJANGO_SETTINGS_MODULE="muniment.server.settings")
    import django

    django.setup()
    from django.urls import URLPattern, URLResolver, get_resolver

    from muniment.server.access.pages import rule_of

    def walk(patterns: Iterable[URLPattern | URLResolver], path: str, spaces: tuple[str, ...]) -> Iterator[Route]:
        for pattern in patterns:
            here = path + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                yield from walk(
                    pattern.url_patterns, here, (*spaces, pattern.namespace) if pattern.namespace else spaces
                )
            elif (rule := rule_of(pattern.callback)) is not None and "GET" in rule.methods:
                yield Route(":".join((*spaces, pattern.name or here)), "/" + here.lstrip("^/"), rule.kind)

    found: dict[str, Route] = {}
    for route in walk(get_resolver().url_patterns, "", ()):
        found.setdefault(route.name, route)
    return list(found.values())


@dataclass
class Addresses:
    """Which address stands for which route; routes with parameters get theirs when some page links to it.

    Attributes:
        origin: `http://localhost:<port>`.
        prefix: of the tenant's pages, such as `/t/sample`.
        known: by the route's name, where its picture is taken.
        others: by the route's name, further addresses; one of them may lead where the first did not.
    """

    origin: str
    prefix: str
    known: dict[str, str] = field(default_factory=dict)
    others: dict[str, list[str]] = field(default_factory=dict)

    def start(self, table: Iterable[Route]) -> None:
        """Give the routes without parameters their addresses."""
        for route in table:
            if route.is_plain:
                self.known[route.name] = self.origin + (self.prefix if route.kind == "tenant" else "") + route.path

    def learn(self, links: Iterable[str], table: Iterable[Route]) -> list[Route]:
        """Take links from a page; returns the routes that have an address from now on."""
        from django.urls import Resolver404, resolve

        waiting = {route.name: route for route in table if route.name not in self.known}
        learnt = []
        for link in links:
            parts = urlsplit(link)
            if f"{parts.scheme}://{parts.netloc}" != self.origin:
                continue
            inside = parts.path.startswith(self.prefix + "/")
            path = parts.path.removeprefix(self.prefix) if inside else parts.path
            try:
                match = resolve(path)
            except Resolver404:
                continue
            address = link.partition("#")[0]
            route = waiting.get(match.view_name)
            if route is not None and inside == (route.kind == "tenant"):
                del waiting[route.name]
                self.known[route.name] = address
                learnt.append(route)
            elif len(more := self.others.setdefault(match.view_name, [])) < _OTHERS and address not in more:
                more.append(address)
        return learnt
