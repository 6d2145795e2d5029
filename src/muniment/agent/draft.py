"""What a caller says happened, turned into the text of an event that the format accepts.

Identifiers that a developer chooses (action, outcome, label keys, workspace, causes) are checked and refused by name;
free text that may come from anywhere (actor id, tool, resource id, label values) is escaped instead (see `escaping`),
so that it never costs the event.

Most of an event repeats from one to the next. What such a part comes to is checked, escaped and quoted once, and then
remembered as text; an event is put together from these texts in the order of docs/format.md section 1.
"""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from muniment.agent.labels import Labels, written_labels
from muniment.agent.remembering import exact, remember
from muniment.catalogs.actions import is_registered
from muniment.core.envelope import quote, quote_all
from muniment.core.errors import Malformed
from muniment.core.escaping import fit_text
from muniment.core.identifiers import (
    ACTIONS,
    ACTOR_TYPES,
    CONTROLS,
    EVENT_REFERENCES,
    MAX_ACTOR_ID,
    MAX_CAUSES,
    MAX_CONTROLS,
    MAX_RESOURCE_ID,
    MAX_TOOL,
    OUTCOMES,
    RESOURCE_TYPES,
    WORKSPACES,
)

Actor: TypeAlias = str | tuple[str, str]
Resource: TypeAlias = tuple[str, str]
Trace: TypeAlias = str | tuple[str, str | None]

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?").fullmatch
_TRACE_ID = re.compile("[0-9a-f]{32}").fullmatch
_BOTH_IDS = re.compile("[0-9a-f]{32}/[0-9a-f]{16}").fullmatch
_SPAN_ID = re.compile("[0-9a-f]{16}").fullmatch


_Frame: TypeAlias = tuple[str, str, str, str, tuple[str, ...]]
_FRAMES: dict[tuple[str, Actor, str, str | None, Resource | None, str | None], _Frame] = {}


class Draft(NamedTuple):
    """An event's canonical text without body, id, time and source, cut where these belong.

    Attributes:
        start: from the opening brace to `actor`; `body` comes next.
        references: `causes` and `controls`; `id` comes next.
        labels: `labels`; `occurred_at` comes next.
        middle: `outcome` and `resource`; `source` comes next.
        end: from `tool` to the closing brace.
    """

    start: str
    references: str
    labels: str
    middle: str
    end: str


def draft(
    action: str,
    actor: Actor,
    outcome: str = "unknown",
    tool: str | None = None,
    resource: Resource | None = None,
    causes: Iterable[str] = (),
    controls: Iterable[str] = (),
    labels: Labels = (),
    trace: Trace | None = None,
    workspace: str | None = None,
) -> Draft:
    """Write an event's text, apart from body, id, time and source.

    Args:
        action: a registered action, or one of your own under `x.`.
        actor: `(type, id)`, or an id whose type is its prefix (`user:…`, `service:…`) and `agent` where it has none.
        outcome: success, failure, denied or unknown.
        tool: name of the tool; any text.
        resource: `(type, id)`; the id may be any text.
        causes: references `<source>/<event id>` of the events that led to this one, at most 16.
        controls: control ids that the source itself names, at most 16.
        labels: at most 31, as a mapping or as `key=value` strings.
        trace: a W3C `traceparent`, or `(trace id, span id or None)` in hex.
        workspace: where it happened.

    Raises:
        Malformed: naming the argument.
    """
    told = (action, actor, outcome, tool, resource, workspace)
    try:
        frame = _FRAMES.get(told)
    except TypeError:
        # One of them cannot even be looked up: the long way says which.
        frame = None
    if frame is None:
        frame = _frame(*told)
        if not frame[4]:
            # What had to be escaped came from outside and may have had any length.
            remember(_FRAMES, told, frame)
    start, middle, name, place, escaped = frame
    return Draft(
        start,
        _references(causes, controls) if causes or controls else "",
        written_labels(labels, escaped) if labels or escaped else "",
        middle,
        f"{name}{place}}}" if trace is None else f"{name}{_trace(trace)}{place}}}",
    )


def trace_pair(trace: Trace) -> tuple[str, str | None]:
    """Trace id and span id of a trace in either form.

    Raises:
        Malformed: if a `traceparent` is none.
    """
    if not isinstance(trace, str):
        return trace
    pair = traceparent(trace)
    if pair is None:
        raise Malformed("is not a W3C traceparent", "trace")
    return pair


def traceparent(value: object) -> tuple[str, str] | None:
    """Read a W3C traceparent; None for anything that is not a valid one.

    >>> traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    ('0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331')

    Source: W3C Trace Context, section 3.2.
    """
    match = _TRACEPARENT(value) if isinstance(value, str) else None
    if match is None or match[1] == "0" * 32 or match[2] == "0" * 16:
        return None
    return match[1], match[2]


@lru_cache(maxsize=1024)
def check_action(action: str) -> None:
    """Refuse an action that is not registered.

    Raises:
        Malformed: naming what to do.
    """
    ACTIONS.check(action, "action")
    if not is_registered(action):
        raise Malformed(f"{action!r} is not registered; name your own actions x.<name>, such as x.{action}", "action")


def _text(value: str, limit: int, where: str) -> tuple[str, tuple[str, ...]]:
    """The text as it can stand in an event, and `where` in a tuple if that took escaping."""
    if not isinstance(value, str):
        raise Malformed("must be a string", where)
    text, changed = fit_text(exact(value), limit)
    return text, (where,) if changed else ()


def _frame(
    action: str, actor: Actor, outcome: str, tool: str | None, resource: Resource | None, workspace: str | None
) -> _Frame:
    """The texts of what mostly repeats: `start`, `middle`, tool, workspace; and which arguments had to be escaped."""
    check_action(action)
    if outcome not in OUTCOMES:
        raise Malformed(f"must be one of {', '.join(sorted(OUTCOMES))}", "outcome")
    action, outcome = exact(action), exact(outcome)
    kind, actor_id, escaped = _actor(actor if isinstance(actor, str) else _pair(actor, "actor"))
    start = f'{{"action":"{action}","actor":{{"id":{quote(actor_id)},"type":"{kind}"}}'
    middle = f',"outcome":"{outcome}"'
    if resource is not None:
        kind, name = _pair(resource, "resource")
        text, odd = _text(name, MAX_RESOURCE_ID, "resource.id")
        middle += f',"resource":{{"id":{quote(text)},"type":"{RESOURCE_TYPES.check(kind, "resource.type")}"}}'
        escaped += odd
    named = place = ""
    if tool is not None:
        text, odd = _text(tool, MAX_TOOL, "tool")
        named = f',"tool":{quote(text)}'
        escaped += odd
    if workspace is not None:
        place = f',"workspace":"{WORKSPACES.check(workspace, "workspace")}"'
    return start, middle, named, place, escaped


def _actor(actor: Actor) -> tuple[str, str, tuple[str, ...]]:
    if isinstance(actor, str):
        prefix = actor.partition(":")[0]
        actor = (prefix if prefix in ACTOR_TYPES else "agent"), actor
    kind, name = actor
    if kind not in ACTOR_TYPES:
        raise Malformed(f"must be one of {', '.join(sorted(ACTOR_TYPES))}", "actor.type")
    text, escaped = _text(name, MAX_ACTOR_ID, "actor.id")
    return exact(kind), text, escaped


def _pair(value: object, where: str) -> tuple[str, str]:
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], str):
        return value
    raise Malformed("must be a pair of strings: (type, id)", where)


def _references(causes: Iterable[str], controls: Iterable[str]) -> str:
    if isinstance(causes, str):
        raise Malformed("must be a list of references, not one string", "causes")
    if type(causes) is tuple and len(causes) == 1 and not controls:
        return f',"causes":["{EVENT_REFERENCES.check(causes[0], "causes")}"]'
    events = sorted({EVENT_REFERENCES.check(cause, "causes") for cause in causes})
    if len(events) > MAX_CAUSES:
        raise Malformed(f"names {len(events)} events; at most {MAX_CAUSES} are possible", "causes")
    found = sorted({CONTROLS.check(control, "controls") for control in controls})
    if len(found) > MAX_CONTROLS:
        raise Malformed(f"names {len(found)} controls; at most {MAX_CONTROLS} are possible", "controls")
    text = f',"causes":{quote_all(tuple(events))}' if events else ""
    return f'{text},"controls":{quote_all(tuple(found))}' if found else text


def _trace(trace: Trace) -> str:
    identifier, span = trace_pair(trace)
    if type(identifier) is str and type(span) is str and _BOTH_IDS(f"{identifier}/{span}"):
        return f',"trace":{{"id":"{identifier}","span":"{span}"}}'
    text = f',"trace":{{"id":"{_hex(identifier, _TRACE_ID, 32, "trace.id")}"'
    return f"{text}}}" if span is None else f'{text},"span":"{_hex(span, _SPAN_ID, 16, "trace.span")}"}}'


def _hex(value: object, grammar: Callable[[str], re.Match[str] | None], digits: int, where: str) -> str:
    if not isinstance(value, str) or grammar(value) is None:
        raise Malformed(f"must be {digits} lower-case hex digits", where)
    return exact(value)
