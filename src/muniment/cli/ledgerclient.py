"""The client with which commands ask a ledger's API."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from muniment.core.errors import Refused


@contextmanager
def ledger_client(url: str, key: str) -> Iterator[httpx.Client]:
    """A client of a ledger's API.

    Raises:
        Refused: if the ledger cannot be reached.
    """
    with httpx.Client(
        base_url=url.rstrip("/"), headers={"Authorization": f"Bearer {key}"}, timeout=60.0, follow_redirects=False
    ) as client:
        try:
            yield client
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Refused(f"the ledger cannot be reached: {str(error) or type(error).__name__}", url) from error
