"""Step-up: a fresh second factor, given in this session and here. What an identity provider says does not count."""

from __future__ import annotations

import time

from allauth.account.authentication import get_authentication_records
from django.http import HttpRequest


def second_factor_at(request: HttpRequest) -> float | None:
    """When this session last gave a second factor, in seconds since the Unix epoch; None if it never did."""
    times = [
        float(row["at"]) for row in get_authentication_records(request, request.user) if row.get("method") == "mfa"
    ]
    return max(times, default=None)


def is_fresh(request: HttpRequest, seconds: int) -> bool:
    """Whether the second factor was given in the last `seconds`; a time in the future is not fresh."""
    at = second_factor_at(request)
    return at is not None and 0.0 <= time.time() - at <= seconds
