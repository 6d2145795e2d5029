"""Every address that the server answers, read from the URL table and from the operations: nothing is named by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver
from ninja.constants import NOT_SET

from muniment.server.access.operations import AsyncNeeds, Needs
from muniment.server.access.pages import PageRule, rule_of
from muniment.server.application import api
from muniment.server.capabilities import Capability

_PARAMETER = re.compile(r"<(?:(?P<converter>\w+):)?(?P<name>\w+)>|\{(?:(?P<kind>\w+):)?(?P<key>\w+)\}")


@dataclass(frozen=True)
class Route:
    """One address and method.

    `path` holds its parameters as `{name}`; `needs` are capabilities of which one opens it; `access` is `tenant`,
    `account` or `public`.
    """

    method: str
    path: str
    name: str
    access: str
    needs: tuple[Capability, ...]
    step_up: bool
    parameters: tuple[tuple[str, str], ...]

    @property
    def is_operation(self) -> bool:
        return self.path.startswith(("/api/", "/logs/", "/healthz", "/readyz"))

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def url(self, values: dict[str, str] | None = None) -> str:
        """The address with values for its parameters: those given, else something that is well-formed and not there."""
        given = values or {}
        path = self.path
        for name, kind in self.parameters:
            path = path.replace("{" + name + "}", given.get(name, "999999999" if kind == "int" else f"no-such-{name}"))
        return path


class UnguardedPageError(AssertionError):
    """A page that says nothing about who may see it."""


def pages() -> list[Route]:
    """The routes of all pages, one for each method that they answer."""
    found = []
    for path, pattern, parameters in _patterns(get_resolver().url_patterns, "/", ()):
        rule = rule_of(pattern.callback)
        if rule is None:
            raise UnguardedPageError(
                f"{path} ({pattern.name}) has no rule: wrap its view in page(), account_page() or public_page()"
            )
        found += [_page(path, pattern.name or "", method, rule, parameters) for method in rule.methods]
    return found


def operations() -> list[Route]:
    """The routes of all operations of the API."""
    # The routers inside routers are joined when the URL table is.
    assert get_resolver().url_patterns
    found = []
    for prefix, router in api._routers:
        for path, view in router.path_operations.items():
            full, parameters = _braces("/" + "/".join(part.strip("/") for part in (prefix, path) if part.strip("/")))
            for operation in view.operations:
                asked = operation.auth_callbacks or ([router.auth] if operation.auth_param is NOT_SET else [])
                needs = next((one for one in asked if isinstance(one, Needs | AsyncNeeds)), None)
                found += [
                    Route(
                        method,
                        full,
                        operation.operation_id or operation.view_func.__name__,
                        "public" if needs is None else "tenant" if needs.capabilities else "account",
                        () if needs is None else tuple(needs.capabilities),
                        step_up=False,
                        parameters=parameters,
                    )
                    for method in operation.methods
                ]
    return sorted(found, key=str)


def _page(path: str, name: str, method: str, rule: PageRule, parameters: tuple[tuple[str, str], ...]) -> Route:
    asks = rule.step_up == "always" or (rule.step_up == "writes" and method not in ("GET", "HEAD"))
    return Route(method, path, name, rule.kind, () if rule.needs is None else (rule.needs,), asks, parameters)


def _patterns(
    patterns: list[URLPattern | URLResolver], prefix: str, before: tuple[tuple[str, str], ...]
) -> Iterator[tuple[str, URLPattern, tuple[tuple[str, str], ...]]]:
    for pattern in patterns:
        own, parameters = _braces(_plain(str(pattern.pattern)))
        path = prefix + own
        if isinstance(pattern, URLResolver):
            if pattern.namespace != api.urls_namespace:
                yield from _patterns(pattern.url_patterns, path, (*before, *parameters))
        else:
            yield path, pattern, (*before, *parameters)


def _plain(pattern: str) -> str:
    """A regular expression's address with its groups as parameters; a path's as it is."""
    named = re.sub(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)", r"<str:\1>", pattern)
    return named.removeprefix("^").removesuffix("$").removesuffix(r"\Z").replace("\\", "")


def _braces(path: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    parameters = tuple(
        (match["name"] or match["key"], match["converter"] or match["kind"] or "str")
        for match in _PARAMETER.finditer(path)
    )
    return _PARAMETER.sub(lambda match: "{" + (match["name"] or match["key"]) + "}", path), parameters
