"""The methods of MCP, of every published revision, and what becomes of each in the record.

Requests are recorded, and so is how each ended; the one exception is `ping`. Of notifications, those that change what
the other side may do or sees are recorded; those that come in any number (progress, log messages, updates of a
resource) are counted. What nobody has published is recorded if it comes from the client, because a server might act on
it, and counted if it comes from the server.

Source: Model Context Protocol, revisions 2024-11-05 to 2026-07-28.
"""

from typing import Final, NamedTuple


class Kind(NamedTuple):
    """What a request becomes.

    Attributes:
        asked: the action of its event.
        answered: the action of the event that says how it ended.
        names: the parameter that names what is asked for; None where there is none.
        steered: whether a policy's default applies to it; the rest is how the protocol itself lives.
        traced: whether a `traceparent` may be put into its `_meta`.
    """

    asked: str
    answered: str
    names: str | None = None
    steered: bool = False
    traced: bool = False


CALL: Final = Kind("tool.call", "tool.result", "name", steered=True, traced=True)
OTHER: Final = Kind("mcp.request", "mcp.result")
UNKNOWN: Final = Kind("mcp.request", "mcp.result", steered=True)
NOTIFY: Final = "mcp.notify"
REFUSE: Final = "tool.refuse"

REQUESTS: Final[dict[str, Kind]] = {
    "tools/call": CALL,
    "resources/read": Kind("resource.read", "resource.result", "uri", steered=True, traced=True),
    "resources/subscribe": Kind("resource.read", "resource.result", "uri", steered=True),
    "resources/unsubscribe": Kind("resource.read", "resource.result", "uri"),
    "subscriptions/listen": Kind("resource.read", "resource.result"),
    "prompts/get": Kind("mcp.request", "mcp.result", "name", steered=True, traced=True),
    "sampling/createMessage": Kind("model.invoke", "model.result"),
    "initialize": OTHER,
    "server/discover": OTHER,
    "tools/list": OTHER,
    "prompts/list": OTHER,
    "resources/list": OTHER,
    "resources/templates/list": OTHER,
    "completion/complete": OTHER,
    "logging/setLevel": OTHER,
    "elicitation/create": OTHER,
    "roots/list": OTHER,
    "tasks/get": OTHER,
    "tasks/result": OTHER,
    "tasks/list": OTHER,
    "tasks/cancel": OTHER,
}

COUNTED_REQUESTS: Final = frozenset({"ping"})
HANDSHAKES: Final = frozenset({"initialize", "server/discover"})

RECORDED_NOTICES: Final = frozenset(
    {
        "notifications/tools/list_changed",
        "notifications/prompts/list_changed",
        "notifications/resources/list_changed",
        "notifications/roots/list_changed",
        "notifications/subscriptions/acknowledged",
        "notifications/elicitation/complete",
        "notifications/tasks/status",
    }
)
COUNTED_NOTICES: Final[dict[str, str]] = {
    "notifications/initialized": "initialized",
    "notifications/progress": "progress",
    "notifications/message": "messages",
    "notifications/resources/updated": "updates",
}
CANCELLED: Final = "notifications/cancelled"

_PLAIN: Final = {method.casefold(): kind for method, kind in REQUESTS.items()}


def published(method: object) -> Kind | None:
    """What a request with exactly this method becomes; None if nobody has published it."""
    return REQUESTS.get(method) if isinstance(method, str) else None


def kind_of(methods: tuple[object, ...]) -> Kind:
    """What a request becomes, read as its most lenient reader might: in any case, and of several methods the gravest.

    >>> kind_of(("ping", "Tools/Call")).asked
    'tool.call'
    """
    if len(methods) == 1:
        known = published(methods[0])
        if known is not None:
            return known
    found = [_PLAIN.get(method.strip().casefold(), UNKNOWN) for method in methods if isinstance(method, str)]
    return CALL if CALL in found else found[0] if found else UNKNOWN


def is_known(method: str) -> bool:
    """Whether a published method is spelled so, or nearly so."""
    return method.strip().casefold() in _PLAIN
