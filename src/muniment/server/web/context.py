"""What every page template is given beside its own values."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from muniment.server.web import navigation
from muniment.server.web.bell import bell_of
from muniment.version import __version__

THEMES = ("light", "dark")


def page(request: HttpRequest) -> dict[str, Any]:
    """The context processor of the page shells; asks nothing of a request that has no user, tenant or standing.

    Gives `nav`, `nav_bar`, `nav_account`, `nav_state` ("open" or "closed"), `choose_url`, `logout_url`, `bell`,
    `tenant`, `standing`, `theme` ("auto", "light" or "dark"), `evaluation`, `version` and `palette` (what Ctrl-K
    offers).
    What needs the signed-in user is worked out when a template asks for it, so that a page about a database that
    does not answer can still be drawn.
    """
    standing = getattr(request, "standing", None)

    @cache
    def shown() -> tuple[navigation.Section, ...]:
        capabilities: Collection[str] = getattr(standing, "capabilities", frozenset())
        return navigation.sections(capabilities, request.path) if standing is not None else ()

    @cache
    def account() -> tuple[navigation.Link, ...]:
        return navigation.links(navigation.ACCOUNT, request.path) if _is_signed_in(request) else ()

    def for_people(route: str) -> str | None:
        return navigation.address(route) if _is_signed_in(request) else None

    theme = request.COOKIES.get("theme", "auto")
    return {
        "nav": shown,
        "nav_bar": lambda: navigation.bar(shown()),
        "nav_account": account,
        "nav_state": "closed" if request.COOKIES.get("nav") == "closed" else "open",
        "choose_url": lambda: for_people(navigation.CHOOSE_TENANT.route),
        "logout_url": lambda: for_people("account_logout"),
        "bell": cache(lambda: bell_of(standing)),
        "tenant": getattr(request, "tenant", None),
        "standing": standing,
        "theme": theme if theme in THEMES else "auto",
        "evaluation": bool(getattr(settings, "EVALUATION", False)),
        "version": __version__,
        "palette": cache(lambda: _palette(shown(), account())),
    }


def _is_signed_in(request: HttpRequest) -> bool:
    return bool(getattr(getattr(request, "user", None), "is_authenticated", False))


def _palette(shown: tuple[navigation.Section, ...], account: tuple[navigation.Link, ...]) -> dict[str, Any]:
    places = [
        {"label": link.label, "group": section.title, "icon": link.icon, "url": link.url}
        for section in (*shown, navigation.Section("Account", account))
        for link in section.links
    ]
    ledger = navigation.address("explorer:ledger")
    readable = any(place["url"] == ledger for place in places)
    return {"places": places, "find": ledger if readable else None}
