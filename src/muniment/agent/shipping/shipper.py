"""The shipper: takes what the spools hold to the ledger, has it proven, and only then gives the space free.

For each source, under a lock: read on from what is proven, submit in order, keep refused events as dead letters and
record them as `event.refused`, wait for the seal, prove (see `proving`), remember how far that goes, free whole
segments. Between passes nothing is kept in memory: whatever was sent and not proven is sent again, and the ledger
answers with the first receipts. Losing `shipped.json` has the same effect.
"""

import contextlib
import logging
import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from muniment.agent.shipping.binding import FILE, Binding, read_binding, write_binding
from muniment.agent.shipping.client import LedgerClient, ProtocolViolated, Rejected, Unavailable
from muniment.agent.shipping.gaps import Gaps
from muniment.agent.shipping.proving import Behind, LedgerContradicts, Promise, Prover, proof_parts
from muniment.agent.shipping.submitting import append, batches, submission, weight
from muniment.agent.spools.frames import Frame
from muniment.agent.spools.reading import Epoch, Place, Sources, Stretch
from muniment.agent.state import State
from muniment.verifier.knownlogs import KnownLogs

_LOG = logging.getLogger("muniment.ship")

PASS_EVENTS: Final = 10_000
PASS_BYTES: Final = 32 * 1024 * 1024
PASS_EPOCHS: Final = 250
PROOF_ENTRIES: Final = 5_000
SEAL_PATIENCE: Final = 10.0
"""Seconds that one pass waits for entries to be sealed."""
ALARM_AFTER: Final = 60.0
"""Seconds for which a log may be behind before that is called a contradiction."""
_POLL: Final = 0.2
_WAIT_FIRST, _WAIT_MOST = 0.2, 30.0

_Placed = tuple[Epoch, Frame]


class Shipper:
    """Ships the spools of one state directory to one ledger.

    Args:
        state: the state directory.
        ledger: the client with the API key.
        environ: for `MUNIMENT_PIN`.
        sleep: waits for that many seconds.
        patience: seconds that one pass waits for the seal.
        alarm_after: seconds for which the log may be behind.

    Attributes:
        proven: events proven so far.
        freed: segments given free so far.
        gaps: what was refused or damaged.

    Raises:
        Malformed: if `MUNIMENT_PIN` cannot be read.
    """

    def __init__(
        self,
        state: State,
        ledger: LedgerClient,
        environ: Mapping[str, str],
        *,
        sleep: Callable[[float], None] = time.sleep,
        patience: float = SEAL_PATIENCE,
        alarm_after: float = ALARM_AFTER,
    ) -> None:
        self.proven = 0
        self.freed = 0
        self.gaps = Gaps(state, ledger.key_id)
        self._ledger = ledger
        self._sleep = sleep
        self._patience = patience
        self._alarm_after = alarm_after
        self._prover = Prover(ledger, KnownLogs(state.known_logs), environ, state.root / "evidence")
        self._sources = Sources(state.spool)
        self._places: dict[Path, Place] = {}
        self._behind_since: float | None = None
        self._wait = _WAIT_FIRST

    def close(self) -> None:
        """Give the shipper's own spool up."""
        self.gaps.close()

    def run_pass(self) -> bool:
        """Ship what there is, once.

        Returns:
            Whether a source was left because another shipper is at it, or another key ships it.

        Raises:
            LedgerContradicts: the ledger broke a promise. Nothing that it concerns was freed.
            Unavailable: the ledger cannot be reached, or is behind. What was not proven will be sent again.
            RequestRefused: the key was refused.
            ProtocolViolated: the answers are none of a ledger.
        """
        left = False
        for source in self._sources.all():
            with self._sources.lock(source) as ours:
                if not ours or not self._is_ours(source):
                    left = True
                    continue
                while self._ship(source):
                    pass
        self._wait = _WAIT_FIRST
        return left

    def drain(self, deadline: float) -> bool:
        """Make passes until nothing is left, waiting and trying again while the ledger cannot be reached.

        Args:
            deadline: on the monotonic clock.

        Returns:
            Whether everything was settled by then.

        Raises:
            LedgerContradicts, RequestRefused, ProtocolViolated: as for `run_pass`; trying again would not help.
        """
        while True:
            try:
                left = self.run_pass()
                if self.gaps.close():
                    # Gaps were named: that is in the shipper's own spool now, and goes with another pass.
                    continue
                if not left or time.monotonic() >= deadline:
                    return not left
            except Unavailable as error:
                if time.monotonic() >= deadline:
                    _LOG.warning("%s", error)
                    return False
                self.back_off(error)
                continue
            self._sleep(_POLL)

    def back_off(self, error: Unavailable) -> None:
        """Wait before trying again: longer each time, with jitter, and at least as long as the ledger asks."""
        pause = max(random.uniform(self._wait / 2, self._wait), error.retry_after or 0.0)  # noqa: S311
        _LOG.info("%s; trying again in %.1f s", error, pause)
        self._wait = min(self._wait * 2, _WAIT_MOST)
        self._sleep(min(pause, _WAIT_MOST))

    def _ship(self, source: Path) -> bool:
        """Settle a stretch of every epoch; says whether there is more."""
        with contextlib.ExitStack() as opened:
            stretches: list[tuple[Epoch, Stretch]] = []
            placed: list[_Placed] = []
            more, size = False, 0
            for path in self._sources.epochs(source):
                if len(placed) >= PASS_EVENTS or size >= PASS_BYTES or len(stretches) >= PASS_EPOCHS:
                    more = True
                    break
                epoch = opened.enter_context(contextlib.closing(Epoch(path)))
                stretch = epoch.read(PASS_EVENTS - len(placed), PASS_BYTES - size, self._places.get(path))
                stretches.append((epoch, stretch))
                placed += [(epoch, frame) for frame in stretch.frames]
                size += sum(weight(frame) for frame in stretch.frames)
                more = more or not stretch.complete
            if placed:
                self._settle(source, placed)
            for epoch, stretch in stretches:
                for loss in stretch.losses:
                    self.gaps.lose(source.name, epoch.name, loss)
                epoch.advance(stretch.end)
                self.freed += epoch.free(stretch, self.gaps.dead.damaged)
                if stretch.place is not None and not stretch.losses and not stretch.damaged:
                    self._places[epoch.path] = stretch.place
                if not epoch.path.exists():
                    self._places.pop(epoch.path, None)
            return more

    def _settle(self, source: Path, placed: list[_Placed]) -> None:
        promises: list[Promise] = []
        logs: set[str] = set()
        for batch in batches(placed, lambda place: place[1]):
            answers = append(self._ledger, [submission(frame) for _, frame in batch])
            for (epoch, frame), answer in zip(batch, answers, strict=True):
                if isinstance(answer, Rejected):
                    self.gaps.refuse(source.name, epoch.name, frame, answer)
                    continue
                promises.append(Promise(epoch.name, frame.seq, frame.event, answer))
                logs.add(answer.log)
                if frame.body_damaged:
                    self.gaps.lose_body(source.name, epoch.name, frame)
        if len(logs) > 1:
            raise ProtocolViolated(f"receipts of several logs: {', '.join(sorted(logs))}", self._ledger.url)
        for origin in logs:
            self._bind(source, origin)
            self._prove(origin, promises)
            self.proven += len(promises)

    def _prove(self, origin: str, promises: list[Promise]) -> None:
        give_up = time.monotonic() + self._patience
        for part in proof_parts(promises, PROOF_ENTRIES):
            while not self._proves(origin, part, give_up):
                self._sleep(0.1)
        if self._prover.first_use is not None:
            _LOG.warning("first use of the log %s: its checkpoint is now remembered", self._prover.first_use)
            self._prover.first_use = None

    def _proves(self, origin: str, part: list[Promise], give_up: float) -> bool:
        try:
            self._prover.prove(origin, part)
        except Behind as error:
            now = time.monotonic()
            if self._behind_since is None:
                self._behind_since = now
            if now - self._behind_since > self._alarm_after:
                raise LedgerContradicts(
                    f"for {self._alarm_after:.0f} s now: {error.reason}. Nothing was freed. "
                    "Does the ledger still seal, or was an older database put back?",
                    origin,
                ) from error
            if now >= give_up:
                raise
            return False
        self._behind_since = None
        return True

    def _is_ours(self, source: Path) -> bool:
        binding = read_binding(source)
        if binding is None or binding.key_id == self._ledger.key_id:
            return True
        _LOG.warning("%s is shipped with the key %s; it is left to that", source.name, binding.key_id)
        return False

    def _bind(self, source: Path, origin: str) -> None:
        binding = read_binding(source)
        if binding is None or not binding.log:
            write_binding(source, Binding(self._ledger.key_id, origin))
        elif binding.log != origin:
            raise LedgerContradicts(
                f"the ledger answers as {origin} now, and this source belongs to {binding.log}. If that log was "
                f"closed and you accept its successor, remove {source / FILE}",
                origin,
            )
