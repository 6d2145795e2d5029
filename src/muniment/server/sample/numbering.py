"""Sources: number and chain what a capture tells, as a spool beside an agent does."""

import base64
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from muniment.catalogs.actions import is_registered
from muniment.core.body import SALT_BYTES, commit
from muniment.core.event import Event, event_from_mapping, event_hash
from muniment.core.identifiers import new_ulid
from muniment.core.times import format_time9
from muniment.server.sample.happening import Happening

_NO_PREVIOUS: Final = "0" * 64


@dataclass(frozen=True, slots=True)
class Line:
    """One submission to come.

    Attributes:
        text: JSON, one line of an NDJSON request.
        accepted: whether the ledger will take it; one of them it refuses for good.
    """

    text: bytes
    accepted: bool = True


@dataclass(slots=True)
class Source:
    """One source of events.

    Attributes:
        id: `src_…`.
        numbered: it has a number and the hash of the one before in each event; a plain HTTP client has neither.
    """

    id: str
    numbered: bool
    epoch: str = field(default_factory=lambda: secrets.token_hex(16))
    _number: int = 0
    _previous: str = _NO_PREVIOUS

    def write(self, happening: Happening, occurred_at: int, known: dict[Happening, str]) -> list[Line]:
        """Make the event of a happening, and where the ledger will refuse it, the one that names the gap.

        Args:
            happening: what happened.
            occurred_at: nanoseconds since the Unix epoch, UTC.
            known: the references of what happened before; this one's is added.
        """
        event = self._event(happening, occurred_at, [known[cause] for cause in happening.causes if cause in known])
        if is_registered(happening.action):
            known[happening] = f"{self.id}/{event['id']}"
            return [self._line(event, happening.payload)]
        refused = {"refused.epoch": self.epoch, "refused.seq": str(self._number)}
        lost = self._line(event, happening.payload, accepted=False)
        naming = Happening(
            at=happening.at,
            capture=happening.capture,
            action="event.refused",
            actor=happening.actor,
            labels={**refused, "refused.hash": self._previous, "refused.field": "action"},
        )
        return [lost, *self.write(naming, occurred_at + 1_000_000, known)]

    def _event(self, happening: Happening, occurred_at: int, causes: Iterable[str]) -> dict[str, Any]:
        ulid = new_ulid(occurred_at // 1_000_000, secrets.token_bytes(10))
        optional: Mapping[str, Any] = {
            "causes": sorted(causes),
            "labels": sorted(f"{name}={value}" for name, value in happening.labels.items()),
            "resource": happening.resource and {"type": happening.resource[0], "id": happening.resource[1]},
            "tool": happening.tool,
            "trace": happening.trace and {"id": happening.trace},
            "workspace": happening.workspace,
        }
        return {
            "action": happening.action,
            "actor": {"type": happening.actor[0], "id": happening.actor[1]},
            "id": f"evt_{ulid}",
            "occurred_at": format_time9(occurred_at),
            "outcome": happening.outcome,
            **{name: value for name, value in optional.items() if value},
        }

    def _line(self, event: dict[str, Any], payload: object, *, accepted: bool = True) -> Line:
        if not self.numbered:
            return Line(orjson.dumps({"event": event, **({} if payload is None else {"payload": payload})}), accepted)
        submission: dict[str, Any] = {"event": event}
        if payload is not None:
            body, salt = orjson.dumps(payload), secrets.token_bytes(SALT_BYTES)
            submission |= {"body": base64.b64encode(body).decode(), "salt": base64.b64encode(salt).decode()}
            event["body"] = {
                "commit": commit(salt, body).hex(),
                "len": len(body),
                "scheme": 1,
                "type": "application/json",
            }
        event["source"] = {"epoch": self.epoch, "id": self.id, "prev": self._previous, "seq": self._number}
        read: Event = event_from_mapping(event)
        self._previous = event_hash(read.text()).hex()
        self._number += 1
        return Line(orjson.dumps(submission), accepted)
