"""Background jobs: each in its own thread with its own connection, begun again after every error, never silently dead.

A job is a function that does one round and says what it did. A round that raises is logged, its connection is closed,
and the next round waits longer, up to `MAX_PAUSE`. What every job does stands in `background.json`, where
`muniment status` and `/readyz` read it: a job that stands still shows by its `beat_at`.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import psycopg
from psycopg import Connection

from muniment.core.errors import MunimentError
from muniment.server.runtime import JobState, Places, write_jobs

MAX_PAUSE: Final = 30.0
_LOG: Final = logging.getLogger("muniment.background")


class PartlyFailed(Exception):  # noqa: N818 - a result of a round, not a defect of the job
    """A round did what it could; something in it was refused. The next round comes as soon as after a good one."""


@dataclass(frozen=True, slots=True)
class Job:
    """Something done again and again.

    Attributes:
        name: shown to operators.
        every: seconds from the end of a round to the next one.
        url: the database, under the role that the job needs.
        round: does one round on a connection in autocommit, and returns what it did, or "" if there was nothing to do.
    """

    name: str
    every: float
    url: str
    round: Callable[[Connection], str]


class Background:
    """The jobs of one installation while they run."""

    def __init__(self, places: Places, jobs: Sequence[Job]) -> None:
        self._places = places
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._states = {job.name: JobState(job.name, time.time(), 0.0, 0, "", "") for job in jobs}
        self._wakes = {job.name: threading.Event() for job in jobs}
        self._threads = [
            threading.Thread(target=self._keep_on, args=(job,), name=job.name, daemon=True) for job in jobs
        ]

    def start(self) -> None:
        """Start every job."""
        for thread in self._threads:
            thread.start()

    def wake(self, name: str) -> None:
        """Let a job do its next round now."""
        self._wakes[name].set()

    def alive(self) -> bool:
        """Whether every job's thread still runs; a thread that ended by itself is a defect."""
        return all(thread.is_alive() for thread in self._threads)

    def stop(self, patience: float) -> None:
        """Let every job finish its round; one that takes longer than `patience` seconds ends with the process."""
        self._stopping.set()
        for event in self._wakes.values():
            event.set()
        deadline = time.monotonic() + patience
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self.publish()

    def publish(self) -> None:
        """Write the states of the jobs where others read them."""
        with self._lock:
            states = list(self._states.values())
        write_jobs(self._places, states)

    def _keep_on(self, job: Job) -> None:
        connection: Connection | None = None
        while not self._stopping.is_set():
            # Cleared before the round: a wake that comes during the round asks for one more.
            self._wakes[job.name].clear()
            try:
                if connection is None:
                    connection = psycopg.connect(
                        job.url, autocommit=True, connect_timeout=10, application_name=f"muniment {job.name}"
                    )
                said = job.round(connection)
            except PartlyFailed as error:
                self._bad(job, error)
                pause = job.every
            except Exception as error:
                self._bad(job, error)
                pause = min(MAX_PAUSE, 0.25 * 2.0 ** min(self._states[job.name].failures, 10))
                if connection is not None:
                    connection.close()
                connection = None
            else:
                self._good(job, said)
                pause = job.every
            self._wakes[job.name].wait(pause)
        if connection is not None:
            connection.close()

    def _good(self, job: Job, said: str) -> None:
        with self._lock:
            before = self._states[job.name]
            now = time.time()
            self._states[job.name] = JobState(job.name, now, now, 0, "", said or before.note)
        if before.failures:
            _LOG.info("%s works again after %d failures", job.name, before.failures)

    def _bad(self, job: Job, error: Exception) -> None:
        said = (
            str(error)
            if isinstance(error, PartlyFailed | MunimentError)
            else f"{type(error).__name__}: {error}".strip()
        )
        with self._lock:
            before = self._states[job.name]
            state = replace(before, beat_at=time.time(), failures=before.failures + 1, error=said)
            self._states[job.name] = state
        # The same error again and again is one line at each doubling, not one each round.
        if said != before.error or state.failures & (state.failures - 1) == 0:
            _LOG.error("%s failed (%d in a row): %s", job.name, state.failures, said)
