"""Putting a `traceparent` into a request that has none: the one change of bytes that the recorder makes, when asked to.

Source: W3C Trace Context; MCP 2026-07-28, `_meta`.
"""

import json
import re
import secrets
from typing import Final

import orjson

from muniment.agent.mcp.jsonrpc import Message

_TOKENS: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}:,]', re.DOTALL)
_MAX_BYTES: Final = 1_048_576


def new_trace(trace: tuple[str, str | None] | None) -> tuple[str, str]:
    """A new span in a trace, or in a new one: trace id, span id, in hex."""
    return (secrets.token_hex(16) if trace is None else trace[0]), secrets.token_hex(8)


def with_traceparent(message: Message, trace: tuple[str, str]) -> bytes | None:
    """The message with a `traceparent` in `params._meta`; nothing else of it changes.

    Returns:
        None where this cannot be done without doubt: too large, keys that occur twice, `params` or `_meta` that are no
        objects, a text that does not read as intended afterwards.
    """
    raw, params = message.raw, message.value.get("params", {})
    if message.ambiguous is not None or len(raw) > _MAX_BYTES or not isinstance(params, dict):
        return None
    meta = params.get("_meta", {})
    if not isinstance(meta, dict) or "traceparent" in meta:
        return None
    entry = json.dumps(f"00-{trace[0]}-{trace[1]}-01").encode("ascii")
    entry = b'"traceparent":' + entry
    if "params" not in message.value:
        changed = _after_brace(raw, _opening(raw, ()), b'"params":{"_meta":{' + entry + b"}}")
    elif "_meta" not in params:
        changed = _after_brace(raw, _opening(raw, ("params",)), b'"_meta":{' + entry + b"}")
    else:
        changed = _after_brace(raw, _opening(raw, ("params", "_meta")), entry)
    intended = {**message.value, "params": {**params, "_meta": {**meta, "traceparent": f"00-{trace[0]}-{trace[1]}-01"}}}
    try:
        return changed if changed is not None and orjson.loads(changed) == intended else None
    except ValueError:
        return None


def _after_brace(raw: bytes, at: int | None, members: bytes) -> bytes | None:
    if at is None:
        return None
    empty = raw[at:].lstrip()[:1] == b"}"
    return raw[:at] + members + (b"" if empty else b",") + raw[at:]


def _opening(raw: bytes, path: tuple[str, ...]) -> int | None:
    """Where the object at a path of keys begins: the place after its brace."""
    depth, matched = 0, 0
    key: bytes | None = None
    last: bytes | None = None
    for token in _TOKENS.finditer(raw):
        mark = token[0]
        if mark == b"{":
            depth += 1
            if depth == 1 or (depth == matched + 2 and key is not None and json.loads(key) == path[matched]):
                matched += depth > 1
                if matched == len(path):
                    return token.end()
            key = None
        elif mark == b"[":
            depth += 1
            key = None
        elif mark in (b"}", b"]"):
            depth -= 1
            if depth <= matched:
                return None
        elif mark == b":":
            key = last if depth == matched + 1 else None
        elif mark == b",":
            key = None
        last = mark
    return None
