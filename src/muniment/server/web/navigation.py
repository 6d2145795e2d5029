"""The navigation as data: which pages there are, what each needs, and what of it a person is shown."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from django.urls import NoReverseMatch, reverse

from muniment.server.capabilities import Capability


@dataclass(frozen=True, slots=True)
class Place:
    """A page that the navigation names.

    `route` is a URL name; `capability` the code that its page asks for, or None when membership is enough.
    """

    label: str
    icon: str
    route: str
    capability: Capability | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Places under one heading; the first group has none."""

    title: str
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """A place as one person sees it on one page."""

    label: str
    icon: str
    url: str
    current: bool


@dataclass(frozen=True, slots=True)
class Section:
    """The links of one group that are shown."""

    title: str
    links: tuple[Link, ...]


NAVIGATION: Final = (
    Group("", (Place("Overview", "overview", "overview:home"),)),
    Group(
        "Ledger",
        (
            Place("Explorer", "ledger", "explorer:ledger", Capability.LEDGER_READ),
            Place("Verify", "verify", "verify:home", Capability.LEDGER_READ),
            Place("Anchors", "anchor", "anchors:home", Capability.LEDGER_READ),
            Place("Sources", "sources", "sources:list", Capability.SOURCE_READ),
        ),
    ),
    Group(
        "Controls",
        (
            Place("Controls matrix", "matrix", "matrix:home", Capability.LEDGER_READ),
            Place("Controls", "controls", "controls:list", Capability.LEDGER_READ),
            Place("Frameworks", "frameworks", "frameworks:list", Capability.LEDGER_READ),
            Place("Statements", "statement", "statements:list", Capability.LEDGER_READ),
        ),
    ),
    Group(
        "Decisions",
        (
            Place("My work", "user", "work:approvals", Capability.EXCEPTION_READ),
            Place("Exceptions", "exception", "exceptions:list", Capability.EXCEPTION_READ),
            Place("Risks", "risk", "risks:list", Capability.EXCEPTION_READ),
            Place("Tasks", "check", "remediation:tasks", Capability.EXCEPTION_READ),
            Place("Findings", "warn", "remediation:findings", Capability.EXCEPTION_READ),
            Place("Incidents", "info", "remediation:incidents", Capability.EXCEPTION_READ),
            Place("Alerts", "bell", "anomalies:list", Capability.EXCEPTION_READ),
        ),
    ),
    Group(
        "Registers",
        (
            Place("Policies", "statement", "policies:list", Capability.EXCEPTION_READ),
            Place("Assets", "columns", "assets:list", Capability.EXCEPTION_READ),
        ),
    ),
    Group(
        "Evidence",
        (
            Place("Populations", "filter", "populations:list", Capability.LEDGER_READ),
            Place("Changes", "change", "reasons:changes", Capability.BODY_READ),
            Place("Signatures", "signature", "signing:list", Capability.LEDGER_READ),
            Place("Attachments", "attachment", "attachments:list", Capability.LEDGER_READ),
        ),
    ),
    Group(
        "Hand over",
        (
            Place("Reports", "report", "reports:list", Capability.LEDGER_READ),
            Place("Exports", "download", "exports:list", Capability.EXPORT_CREATE),
            Place("Packets", "packet", "packets:list", Capability.PACKET_REQUEST),
        ),
    ),
    Group(
        "Settings",
        (
            Place("Members", "members", "members:list", Capability.MEMBER_READ),
            Place("Roles", "roles", "roles:list", Capability.MEMBER_READ),
            Place("Groups", "groups", "groups:list", Capability.MEMBER_READ),
            Place("Sign-in", "signin", "sso:list", Capability.SSO_MANAGE),
            Place("API keys", "key", "keys:list", Capability.SOURCE_READ),
            Place("Workspaces & tenant", "workspace", "tenants:settings", Capability.TENANT_MANAGE),
            Place("Approval rules", "check", "approvals:home", Capability.EXCEPTION_READ),
            Place("Data protection", "lock", "dlp:home", Capability.EXCEPTION_READ),
            Place("Audit trail", "trail", "trail:list", Capability.TRAIL_READ),
            Place("Notifications", "bell", "notifications:routing"),
        ),
    ),
)

ACCOUNT: Final = (
    Place("Account security", "lock", "account:security"),
    Place("Sessions", "sessions", "account:sessions"),
)

CHOOSE_TENANT: Final = Place("Switch tenant", "workspace", "tenants:choose")

# The phone's bar has room for these and a button for the rest.
BAR_ROUTES: Final = ("overview:home", "explorer:ledger", "verify:home", "sources:list")


def address(route: str) -> str | None:
    """The address of a URL name under the request's prefix, or None when no such page is installed."""
    try:
        return reverse(route)
    except NoReverseMatch:
        return None


def _reachable(places: tuple[Place, ...], capabilities: Collection[str]) -> list[tuple[Place, str]]:
    found = []
    for place in places:
        url = address(place.route)
        if url is not None and (place.capability is None or place.capability in capabilities):
            found.append((place, url))
    return found


def _is_under(path: str, url: str) -> bool:
    return path == url or path.startswith(url if url.endswith("/") else url + "/")


def sections(capabilities: Collection[str], path: str) -> tuple[Section, ...]:
    """What of the navigation is shown to someone with these capabilities who is at `path`.

    Hiding a link protects nothing: every page checks its capability itself.

    Args:
        capabilities: codes such as "ledger.read".
        path: the request's path with its prefix. The link with the longest address that contains it is current.
    """
    shown = [(group.title, _reachable(group.places, capabilities)) for group in NAVIGATION]
    containing = [url for _, places in shown for _, url in places if _is_under(path, url)]
    here = max(containing, key=len, default=None)
    return tuple(
        Section(title, tuple(Link(place.label, place.icon, url, url == here) for place, url in places))
        for title, places in shown
        if places
    )


def bar(shown: tuple[Section, ...]) -> tuple[Link, ...]:
    """The links among `shown` that stand in the bar at the foot of a phone's screen."""
    wanted = {address(route) for route in BAR_ROUTES}
    return tuple(link for section in shown for link in section.links if link.url in wanted)


def links(places: tuple[Place, ...], path: str) -> tuple[Link, ...]:
    """Those of `places` whose pages are installed."""
    return tuple(Link(place.label, place.icon, url, _is_under(path, url)) for place, url in _reachable(places, ()))
