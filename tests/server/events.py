"""Events and submissions for the tests of the server."""

import base64
import secrets
import time
from typing import Any

from muniment.core.body import commit
from muniment.core.identifiers import new_ulid

Json = dict[str, Any]


def ulid() -> str:
    return new_ulid(time.time_ns() // 1_000_000, secrets.token_bytes(10))


def event(**changes: object) -> Json:
    """An event with only what the server cannot fill in; a change to None leaves the key out."""
    whole = {"action": "tool.call", "actor": {"id": "agent:a", "type": "agent"}, "outcome": "success", **changes}
    return {key: value for key, value in whole.items() if value is not None}


def complete(source: str, body: bytes = b'{"q":1}', **changes: object) -> Json:
    """A submission as a client with a spool makes it: nothing is left to the server."""
    salt = secrets.token_bytes(32)
    return {
        "event": event(
            id=f"evt_{ulid()}",
            occurred_at="2026-03-01T14:23:07.847291000Z",
            source={"id": source},
            body={
                "commit": commit(salt, body).hex(),
                "len": len(body),
                "scheme": 1,
                "type": "application/json",
            },
            **changes,
        ),
        "body": base64.b64encode(body).decode(),
        "salt": base64.b64encode(salt).decode(),
    }
