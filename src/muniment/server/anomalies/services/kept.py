"""What was learned, as rows of the open tenant."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from muniment.anomalies.deeds import DEEDS
from muniment.anomalies.happening import Happening
from muniment.anomalies.memory import Memory
from muniment.server.anomalies.models import Learned

MAX_NAME: Final = 255
_COMMON: Final = ("begun", "pace", "hours of all", *(f"{part} {deed}" for part in ("tally", "crowd") for deed in DEEDS))


class Rows(Memory):
    """A memory whose parts are rows; those that some events are about to ask for are read at once.

    Args:
        tenant_id: whose scope is open.
        events: that will be fed next.
    """

    def __init__(self, tenant_id: UUID, events: Iterable[Happening]) -> None:
        super().__init__()
        self._tenant_id = tenant_id
        names = {*_COMMON}
        for one in events:
            names |= {f"{part} {one.actor}" for part in ("hours", "ties", *(f"habit {deed}" for deed in DEEDS))}
            names.add(f"matter {one.subject}")
        self._here = {_named(name): None for name in names}
        self._rows: dict[str, dict[str, Any]] = dict(
            Learned.objects.filter(name__in=self._here).values_list("name", "content")
        )

    def kept(self, name: str) -> dict[str, Any]:
        """The row of a part, or an empty object."""
        name = _named(name)
        if name in self._here:
            return self._rows.get(name, {})
        row = Learned.objects.filter(name=name).values_list("content", flat=True).first()
        return row or {}

    def keep(self, at: datetime) -> None:
        """Write the parts that changed."""
        rows = [
            Learned(tenant_id=self._tenant_id, name=_named(name), content=content, changed_at=at)
            for name, content in self.taken()
        ]
        Learned.objects.bulk_create(
            rows,
            batch_size=500,
            update_conflicts=True,
            unique_fields=["tenant_id", "name"],
            update_fields=["content", "changed_at"],
        )


def _named(name: str) -> str:
    """The name of a row: the part's own, or its hash where that is too long."""
    return name if len(name) <= MAX_NAME else f"long {sha256(name.encode()).hexdigest()}"
