"""The background process: it seals, keeps partitions ahead, walks and anchors the logs, and brings roles up to date.

`python -m muniment.server.background_jobs` is started beside the server by `muniment up`, as a process of its own, so
that a walk over a long log takes no time away from requests. It ends when its standard input is closed, and so when its
parent dies.
"""

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Final
from uuid import UUID

from psycopg import Connection

from muniment.keys import KeyRing
from muniment.ledger.heads import HeadDirectory
from muniment.ledger.partitions import create_partitions, months_ready
from muniment.ledger.seal import Sealer
from muniment.server.anchoring import Anchoring
from muniment.server.background import Background, Job, PartlyFailed
from muniment.server.background_django import DjangoRound, TenantRound
from muniment.server.background_walks import Walks
from muniment.server.members.release import LOOK_EVERY, RolesFollow
from muniment.server.runtime import Places

SEAL_EVERY: Final = 0.5
PARTITIONS_EVERY: Final = 3600.0
WATCH_EVERY: Final = 10.0
REMIND_EVERY: Final = 900.0
SEND_EVERY: Final = 5.0
EXCEPTIONS_EVERY: Final = 60.0
RISKS_EVERY: Final = 300.0
_LOG: Final = logging.getLogger("muniment.background")


class Sealing:
    """Seals what has grown; keys are read again after a round that was refused, for they may have been put right."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._sealer: Sealer | None = None

    def __call__(self, connection: Connection) -> str:
        """Do one round."""
        if self._sealer is None:
            self._sealer = Sealer(KeyRing(self._places.keys), HeadDirectory(self._places.heads))
        done = self._sealer.round(connection)
        while done.behind and not done.refused:
            done = self._sealer.round(connection)
        if done.refused:
            self._sealer = None
            raise PartlyFailed("; ".join(str(refused) for refused in done.refused))
        return f"sealed {done.sealed[0].origin} at size {done.sealed[-1].size}" if done.sealed else ""


def keep_partitions_ahead(connection: Connection) -> str:
    """Make the partitions of the coming months.

    Raises:
        PartlyFailed: if fewer than two months are ready even so.
    """
    made = create_partitions(connection)
    ready = months_ready(connection)
    if ready < 2:
        raise PartlyFailed(f"partitions are ready for {ready} months only: appends will fail when they run out")
    return f"made {len(made)} partitions, {ready} months are ready" if made else f"{ready} months are ready"


def _reminding() -> TenantRound:
    from muniment.server.reminders.job import Reminding

    return Reminding()


def _sending() -> TenantRound:
    from muniment.server.notifications.job import Sending

    return Sending()


def _watching() -> TenantRound:
    from muniment.server.anomalies.job import Watching

    return Watching()


def jobs(places: Places, app_url: str) -> list[Job]:
    """What is done in the background."""
    return [
        Job("sealing", SEAL_EVERY, app_url, Sealing(places)),
        Job("partitions", PARTITIONS_EVERY, app_url, keep_partitions_ahead),
        Job("walks", Walks.LOOK_EVERY, app_url, Walks(places)),
        Job("anchoring", Anchoring.LOOK_EVERY, app_url, Anchoring(places)),
        Job("roles", LOOK_EVERY, app_url, RolesFollow()),
        Job("reminders", REMIND_EVERY, app_url, DjangoRound(_reminding)),
        Job("mail", SEND_EVERY, app_url, DjangoRound(_sending)),
        Job("anomalies", WATCH_EVERY, app_url, DjangoRound(_watching)),
        Job("exceptions", EXCEPTIONS_EVERY, app_url, DjangoRound(_exceptions)),
        Job("risks", RISKS_EVERY, app_url, DjangoRound(_risks)),
    ]


def _exceptions() -> Callable[[Sequence[UUID]], str]:
    from muniment.server.exceptions.job import activate_and_expire

    return activate_and_expire


def _risks() -> TenantRound:
    from muniment.server.risks.job import keep_up

    return keep_up


def main() -> None:
    """Run until standard input is closed or SIGTERM comes; exit 1 if a job's thread has died."""
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s", stream=sys.stderr)
    # Ctrl-C in a terminal reaches the whole process group; the server decides when this process ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    places = Places.of()
    background = Background(places, jobs(places, os.environ["MUNIMENT_APP_URL"]))
    threading.Thread(target=_wait_for_parent, args=(stopping,), daemon=True).start()
    background.start()
    while not stopping.wait(0.5):
        background.publish()
        if not background.alive():
            _LOG.critical("a job's thread has ended; the process is started again")
            sys.exit(1)
    background.stop(patience=10.0)


def _wait_for_parent(stopping: threading.Event) -> None:
    while os.read(sys.stdin.fileno(), 1024):
        continue
    stopping.set()


if __name__ == "__main__":
    main()
