"""How far the downloads that this process sends have come: for the pages, and forgotten with the process."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final
from uuid import UUID

MOST: Final = 500


@dataclass(slots=True)
class Progress:
    """A download.

    Attributes:
        entries: written so far.
        sent: bytes handed to the connection so far, those skipped included.
        state: `runs`, `ended`, or `cut`.
    """

    entries: int = 0
    sent: int = 0
    state: str = "runs"


_lock = threading.Lock()
_running: OrderedDict[tuple[UUID, str, str], Progress] = OrderedDict()


def begin(tenant_id: UUID, export: str, subject: str) -> Progress:
    """Count a download that begins."""
    with _lock:
        made = _running[tenant_id, export, subject] = Progress()
        _running.move_to_end((tenant_id, export, subject))
        while len(_running) > MOST:
            _running.popitem(last=False)
        return made


def progress_of(tenant_id: UUID, export: str, subject: str) -> Progress | None:
    """The newest download of an export by somebody; None if this process knows of none."""
    with _lock:
        return _running.get((tenant_id, export, subject))
