"""What a ledger says when it does not give what it was asked for."""

from __future__ import annotations

import httpx

from muniment.core.errors import Refused


def raise_for(answer: httpx.Response, status: int = 200) -> None:
    """Say what the ledger says when it is no answer.

    Raises:
        Refused: for any other status.
    """
    if answer.status_code == status:
        return
    try:
        problem = answer.json()
        detail = str(problem.get("detail") or problem.get("title") or "")
        field = f"{problem['field']}: " if problem.get("field") else ""
    except (ValueError, AttributeError, TypeError):
        detail = field = ""
    raise Refused(f"the ledger answers {answer.status_code} {field}{detail}".rstrip(), str(answer.request.url.path))
