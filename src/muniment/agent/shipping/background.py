"""The shipper as a process of its own beside a recorder: it cannot slow or break what it stands beside.

It runs in a session of its own, so that signals meant for the recorder do not end it, and ends by itself: when the
recorder does (its stdin then ends) it drains for a few seconds more. What it has to say goes to `<state>/ship.log`.
"""

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import Final

from muniment.agent.shipping.binding import Binding, read_binding, write_binding
from muniment.agent.shipping.credentials import key_id_of
from muniment.agent.state import State, make_private
from muniment.core.errors import MunimentError

_LOG = logging.getLogger("muniment.agent")

LOG_FILE: Final = "ship.log"
_MAX_LOG: Final = 1_048_576
_DRAIN: Final = 1.5
"""Seconds to wait for the shipper at the end; it goes on alone for a few more, and the spool keeps the rest."""


class BackgroundShipper:
    """A running shipper.

    Args:
        state: the state directory.
        environ: with `MUNIMENT_URL` and `MUNIMENT_KEY`.

    Raises:
        OSError: if it cannot be started.
    """

    def __init__(self, state: State, environ: Mapping[str, str]) -> None:
        make_private(state.root)
        log = state.root / LOG_FILE
        if log.exists() and log.stat().st_size > _MAX_LOG:
            log.replace(log.with_suffix(".log.1"))
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "muniment", "ship", "--follow", "--until-stdin-ends"],
                stdin=subprocess.PIPE,
                stdout=descriptor,
                stderr=descriptor,
                env={**environ, "MUNIMENT_STATE": str(state.root)},
                start_new_session=True,
            )
        finally:
            os.close(descriptor)
        self._log = log
        self._finishing = False
        threading.Thread(target=self._watch, name="muniment-ship", daemon=True).start()

    def finish(self, seconds: float = _DRAIN) -> bool:
        """Let it drain and end; wait for that at most so long.

        Returns:
            Whether it ended with everything shipped.
        """
        self._finishing = True
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            return self._process.wait(seconds) == 0
        except subprocess.TimeoutExpired:
            return False

    def _watch(self) -> None:
        status = self._process.wait()
        if status or not self._finishing:
            _LOG.error("the shipper ended with status %d; the spool keeps everything. See %s", status, self._log)


def ship_beside(state: State, source: str, environ: Mapping[str, str]) -> BackgroundShipper | None:
    """Start a shipper beside the recorder of a source, if the environment names a ledger and a key.

    A shipper that cannot be started is logged and costs nothing else: the spool keeps everything.

    Args:
        state: the state directory.
        source: the id of the source that is recorded; it is bound to the key if it is bound to none yet.
        environ: `MUNIMENT_URL` and `MUNIMENT_KEY` are looked for here.
    """
    key = environ.get("MUNIMENT_KEY")
    if not environ.get("MUNIMENT_URL") or not key:
        return None
    try:
        if read_binding(state.spool / source) is None:
            write_binding(state.spool / source, Binding(key_id_of(key)))
        return BackgroundShipper(state, environ)
    except (OSError, MunimentError) as error:
        _LOG.error("the shipper cannot be started, the spool keeps everything: %s", error)
        return None
