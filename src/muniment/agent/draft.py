"""What a caller says happened, turned into the fields of an event that the format accepts.

Identifiers that a developer chooses (action, outcome, label keys, workspace, causes) are checked and refused by name;
free text that may come from anywhere (actor id, tool, resource id, label values) is escaped instead (see `escaping`),
so that it never costs the event.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final, TypeAlias

from muniment.agent.escaping import fit_label, fit_text
from muniment.catalogs.actions import is_registered
from muniment.core.errors import Malformed
from muniment.core.identifiers import (
    ACTIONS,
    ACTOR_TYPES,
    CONTROLS,
    EVENT_REFERENCES,
    MAX_ACTOR_ID,
    MAX_CAUSES,
    MAX_CONTROLS,
    MAX_LABELS,
    MAX_RESOURCE_ID,
    MAX_TOOL,
    OUTCOMES,
    RESOURCE_TYPES,
    WORKSPACES,
)

Fields: TypeAlias = dict[str, object]
Actor: TypeAlias = str | tuple[str, str]
Resource: TypeAlias = tuple[str, str]
Trace: TypeAlias = str | tuple[str, str | None]
Labels: TypeAlias = Mapping[str, object] | Iterable[str]

MAX_OWN_LABELS: Final = MAX_LABELS - 1
"""Labels that a caller may give; one is kept for `text.escaped`."""

_LABEL_KEY = re.compile(r"[a-z][a-z0-9_.-]{0,62}").fullmatch
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?").fullmatch
_TRACE_ID = re.compile("[0-9a-f]{32}").fullmatch
_SPAN_ID = re.compile("[0-9a-f]{16}").fullmatch


def draft(
    *,
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
) -> Fields:
    """Build an event's fields, apart from id, time, source and body.

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
    check_action(action)
    if outcome not in OUTCOMES:
        raise Malformed(f"must be one of {', '.join(sorted(OUTCOMES))}", "outcome")
    actor_field, escaped = _actor(actor if isinstance(actor, str) else _pair(actor, "actor"))
    fields: Fields = {"action": action, "actor": actor_field, "outcome": outcome}
    if resource is not None:
        fields["resource"], odd = _resource(_pair(resource, "resource"))
        escaped += odd
    if tool is not None:
        fields["tool"], odd = _text(tool, MAX_TOOL, "tool")
        escaped += odd
    if causes:
        fields["causes"] = _references(causes)
    if controls:
        fields["controls"] = _controls(controls)
    if trace is not None:
        fields["trace"] = _trace(trace)
    if workspace is not None:
        fields["workspace"] = _workspace(workspace)
    written = _labels(labels) if labels else []
    if escaped:
        written.append(f"text.escaped={','.join(escaped)}")
    if written:
        fields["labels"] = sorted(written)
    return fields


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


# Actors, resources and labels repeat from event to event: what they come to is remembered.


def _text(value: str, limit: int, where: str) -> tuple[str, tuple[str, ...]]:
    """The text as it can stand in an event, and `where` in a tuple if that took escaping."""
    if not isinstance(value, str):
        raise Malformed("must be a string", where)
    text, changed = fit_text(value, limit)
    return text, (where,) if changed else ()


@lru_cache(maxsize=256)
def _actor(actor: Actor) -> tuple[dict[str, str], tuple[str, ...]]:
    if isinstance(actor, str):
        prefix = actor.partition(":")[0]
        actor = (prefix if prefix in ACTOR_TYPES else "agent"), actor
    kind, name = actor
    if kind not in ACTOR_TYPES:
        raise Malformed(f"must be one of {', '.join(sorted(ACTOR_TYPES))}", "actor.type")
    text, escaped = _text(name, MAX_ACTOR_ID, "actor.id")
    return {"id": text, "type": kind}, escaped


@lru_cache(maxsize=256)
def _resource(resource: Resource) -> tuple[dict[str, str], tuple[str, ...]]:
    kind, name = resource
    text, escaped = _text(name, MAX_RESOURCE_ID, "resource.id")
    return {"id": text, "type": RESOURCE_TYPES.check(kind, "resource.type")}, escaped


def _pair(value: object, where: str) -> tuple[str, str]:
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], str):
        return value
    raise Malformed("must be a pair of strings: (type, id)", where)


def _references(causes: Iterable[str]) -> list[str]:
    if isinstance(causes, str):
        raise Malformed("must be a list of references, not one string", "causes")
    found = sorted({EVENT_REFERENCES.check(cause, "causes") for cause in causes})
    if len(found) > MAX_CAUSES:
        raise Malformed(f"names {len(found)} events; at most {MAX_CAUSES} are possible", "causes")
    return found


def _controls(controls: Iterable[str]) -> list[str]:
    found = sorted({CONTROLS.check(control, "controls") for control in controls})
    if len(found) > MAX_CONTROLS:
        raise Malformed(f"names {len(found)} controls; at most {MAX_CONTROLS} are possible", "controls")
    return found


def _labels(labels: Labels) -> list[str]:
    pairs = labels.items() if isinstance(labels, Mapping) else (_split(label) for label in labels)
    written = {_label(key, value if isinstance(value, str) else str(value)) for key, value in pairs}
    if len(written) > MAX_OWN_LABELS:
        raise Malformed(f"{len(written)} labels; at most {MAX_OWN_LABELS} are possible", "labels")
    return list(written)


@lru_cache(maxsize=1024)
def _label(key: str, value: str) -> str:
    if _LABEL_KEY(key) is None:
        raise Malformed(f"{key!r} cannot be the key of a label; an example is env or deploy.stage", "labels")
    return f"{key}={fit_label(value)}"


@lru_cache(maxsize=64)
def _workspace(workspace: str) -> str:
    return WORKSPACES.check(workspace, "workspace")


def _split(label: str) -> tuple[str, str]:
    key, separator, value = label.partition("=")
    if not separator:
        raise Malformed(f"{label!r} is not of the form key=value", "labels")
    return key, value


def _trace(trace: Trace) -> Fields:
    if isinstance(trace, str):
        parsed = traceparent(trace)
        if parsed is None:
            raise Malformed("is not a W3C traceparent", "trace")
        return {"id": parsed[0], "span": parsed[1]}
    identifier, span = trace
    if _TRACE_ID(identifier) is None:
        raise Malformed("must be 32 lower-case hex digits", "trace.id")
    if span is None:
        return {"id": identifier}
    if _SPAN_ID(span) is None:
        raise Malformed("must be 16 lower-case hex digits", "trace.span")
    return {"id": identifier, "span": span}
