"""JSON answers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import orjson
from django.http import HttpResponse

if TYPE_CHECKING:
    from collections.abc import Mapping

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def micros(at: datetime) -> int:
    """A time of the database as microseconds since the Unix epoch, without going through floats."""
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def json_response(
    value: Mapping[str, object], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """An answer with this JSON object as its body."""
    return HttpResponse(
        orjson.dumps(value), status=status, content_type="application/json", headers=dict(headers or {})
    )
