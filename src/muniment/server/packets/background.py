"""Packets that pages ordered are built beside the request: a page waits inside a transaction, and a seal does not."""

from __future__ import annotations

import logging
import threading
from typing import Final

from django.db import connection, transaction

from muniment.core.errors import MunimentError
from muniment.server.access.standing import Standing
from muniment.server.packets import services

_LOG: Final = logging.getLogger("muniment.packets")
_running: Final[set[str]] = set()
_lock: Final = threading.Lock()


def build_soon(standing: Standing, request_id: str) -> None:
    """Build a packet once the open transaction has committed; a second order while one runs does nothing.

    What goes wrong is recorded as `packet.build` with its fault, where the request's page shows it.
    """
    transaction.on_commit(lambda: _start(standing, request_id))


def building_now(request_id: str) -> bool:
    """Whether this process is building it."""
    with _lock:
        return request_id in _running


def _start(standing: Standing, request_id: str) -> None:
    with _lock:
        if request_id in _running:
            return
        _running.add(request_id)
    threading.Thread(target=_build, args=(standing, request_id), name=f"packet {request_id}", daemon=True).start()


def _build(standing: Standing, request_id: str) -> None:
    try:
        services.build(standing, request_id)
    except MunimentError as error:
        _LOG.warning("the packet of %s was not built: %s", request_id, error)
    except Exception:
        _LOG.exception("the packet of %s was not built", request_id)
    finally:
        with _lock:
            _running.discard(request_id)
        connection.close()
