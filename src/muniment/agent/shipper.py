"""The shipper: takes what the spools hold to the ledger, has it proven, and only then gives the space free.

For each source, under a lock, and for each epoch in it: read on from what is proven, submit in order, keep refused
events as dead letters and record them as `event.refused`, wait for the seal, prove (see `proving`), remember how far
that goes, free whole segments. Between passes nothing is kept in memory: whatever was sent and not proven is sent
again, and the ledger answers with the first receipts. Losing `shipped.json` has the same effect.

A source belongs to one key and one log (`ledger.json` beside its epochs), because the ledger binds it so: another key
is turned away here, and another log is a contradiction until a human removes the file.
"""

import json
import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from muniment.agent.client import (
    LedgerClient,
    ProtocolViolated,
    Receipt,
    Rejected,
    RequestRefused,
    Submission,
    Unavailable,
)
from muniment.agent.deadletter import DeadLetters
from muniment.agent.frames import Frame
from muniment.agent.proving import Behind, LedgerContradicts, Promise, Prover
from muniment.agent.reading import Epoch, Loss, Sources
from muniment.agent.spool import Spool
from muniment.agent.state import State, replace_file
from muniment.core.errors import Malformed
from muniment.core.event import event_hash, parse_event
from muniment.verifier.knownlogs import KnownLogs

_LOG = logging.getLogger("muniment.ship")

BATCH_EVENTS: Final = 500
BATCH_BYTES: Final = 4 * 1024 * 1024
PASS_EVENTS: Final = 10_000
PASS_BYTES: Final = 32 * 1024 * 1024
PROOF_ENTRIES: Final = 1_000
SEAL_PATIENCE: Final = 10.0
"""Seconds that one pass waits for entries to be sealed."""
ALARM_AFTER: Final = 60.0
"""Seconds for which a log may be behind before that is called a contradiction."""
BINDING: Final = "ledger.json"
_WAIT_FIRST, _WAIT_MOST = 0.2, 30.0


@dataclass(slots=True)
class Progress:
    """What was done so far.

    Attributes:
        proven: events proven.
        refused: events that went to the dead letters.
        lost: damaged places named.
        freed: segments given free.
    """

    proven: int = 0
    refused: int = 0
    lost: int = 0
    freed: int = 0


class Shipper:
    """Ships the spools of one state directory to one ledger.

    Args:
        state: the state directory.
        ledger: the client with the API key.
        environ: for `MUNIMENT_PIN`.
        sleep: waits for that many seconds.

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
    ) -> None:
        self.progress = Progress()
        self._state = state
        self._ledger = ledger
        self._sleep = sleep
        self._patience = patience
        self._prover = Prover(ledger, KnownLogs(state.known_logs), environ, state.root / "evidence")
        self._dead = DeadLetters(state.dead_letter)
        self._sources = Sources(state.spool)
        self._own: Spool | None = None
        self._behind_since: float | None = None
        self._wait = _WAIT_FIRST

    def close(self) -> None:
        """Give the shipper's own spool up."""
        if self._own is not None:
            self._own.close()
            self._own = None

    def run_pass(self) -> bool:
        """Ship what there is, once.

        Returns:
            Whether something is left: more to read, a source that another shipper or key has, a live spool's rest.

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
                for path in self._sources.epochs(source):
                    epoch = Epoch(path)
                    try:
                        while self._ship(source, epoch):
                            pass
                    finally:
                        epoch.close()
        return left

    def drain(self, deadline: float) -> bool:
        """Make passes until nothing is left to send, waiting and trying again while the ledger cannot be reached.

        Args:
            deadline: on the monotonic clock.

        Returns:
            Whether everything was settled by then.

        Raises:
            LedgerContradicts, RequestRefused, ProtocolViolated: as for `run_pass`; trying again would not help.
        """
        while True:
            try:
                before = self.progress.refused + self.progress.lost
                left = self.run_pass()
                self._wait = _WAIT_FIRST
                if self.progress.refused + self.progress.lost > before and self._own is not None:
                    # What was refused was recorded: that is in the shipper's own spool now.
                    self.close()
                    continue
                if not left or time.monotonic() >= deadline:
                    return not left
            except Unavailable as error:
                if time.monotonic() >= deadline:
                    _LOG.warning("%s", error)
                    return False
                self.back_off(error)
                continue
            self._sleep(_WAIT_FIRST)

    def back_off(self, error: Unavailable) -> None:
        """Wait before trying again: longer each time, with jitter, and at least as long as the ledger asks."""
        pause = max(random.uniform(self._wait / 2, self._wait), error.retry_after or 0.0)  # noqa: S311
        _LOG.info("%s; trying again in %.1f s", error, pause)
        self._wait = min(self._wait * 2, _WAIT_MOST)
        self._sleep(min(pause, _WAIT_MOST))

    def _ship(self, source: Path, epoch: Epoch) -> bool:
        """Settle one stretch of an epoch; says whether there is more."""
        stretch = epoch.read(PASS_EVENTS, PASS_BYTES)
        if stretch.frames:
            promises, origin = self._submit(source, epoch, stretch.frames)
            if promises:
                self._bind(source, origin)
                self._prove(origin, promises)
                self.progress.proven += len(promises)
        for loss in stretch.losses:
            self._name_loss(source, epoch, loss)
        epoch.advance(stretch.end)
        self.progress.freed += epoch.free(stretch, self._dead.damaged)
        return not stretch.complete

    def _submit(self, source: Path, epoch: Epoch, frames: list[Frame]) -> tuple[list[Promise], str]:
        promises: list[Promise] = []
        origin = ""
        for batch in _batches(frames):
            answers = self._append([_submission(frame) for frame in batch])
            for frame, answer in zip(batch, answers, strict=True):
                if isinstance(answer, Rejected):
                    self._refused(source, epoch, frame, answer)
                    continue
                if promises and answer.log != origin:
                    raise ProtocolViolated(f"receipts of two logs, {origin} and {answer.log}", self._ledger.url)
                origin = answer.log
                promises.append(Promise(frame.event, answer))
                if frame.body_damaged:
                    self._name_body(source, epoch, frame)
        return promises, origin

    def _append(self, submissions: list[Submission]) -> list[Receipt | Rejected]:
        try:
            return self._ledger.append(submissions)
        except RequestRefused as error:
            if error.status not in (400, 413, 422):
                raise
            if len(submissions) > 1:
                # Something in it makes the ledger refuse the whole: find it by halves.
                half = len(submissions) // 2
                return [*self._append(submissions[:half]), *self._append(submissions[half:])]
            return [Rejected(error.kind or str(error.status), error.reason, None)]

    def _prove(self, origin: str, promises: list[Promise]) -> None:
        give_up = time.monotonic() + self._patience
        for start in range(0, len(promises), PROOF_ENTRIES):
            part = promises[start : start + PROOF_ENTRIES]
            while True:
                try:
                    self._prover.prove(origin, part)
                    self._behind_since = None
                    break
                except Behind as error:
                    now = time.monotonic()
                    self._behind_since = self._behind_since or now
                    if now - self._behind_since > ALARM_AFTER:
                        raise LedgerContradicts(
                            f"for {ALARM_AFTER:.0f} s now: {error.reason}. Nothing was freed. "
                            "Was an older database put back?",
                            origin,
                        ) from error
                    if now >= give_up:
                        raise
                    self._sleep(0.1)
        if self._prover.first_use is not None:
            _LOG.warning("first use of the log %s: its checkpoint is now remembered", self._prover.first_use)
            self._prover.first_use = None

    def _is_ours(self, source: Path) -> bool:
        binding = _read_binding(source)
        if binding is None or binding["key"] == self._ledger.key_id:
            return True
        _LOG.warning("%s is shipped with the key %s; it is left to that", source.name, binding["key"])
        return False

    def _bind(self, source: Path, origin: str) -> None:
        binding = _read_binding(source)
        if binding is None or not binding["log"]:
            bind_source(source, self._ledger.key_id, origin)
        elif binding["log"] != origin:
            raise LedgerContradicts(
                f"the ledger answers as {origin} now, and this source belongs to {binding['log']}. If that log was "
                f"closed and you accept its successor, remove {source / BINDING}",
                origin,
            )

    def _refused(self, source: Path, epoch: Epoch, frame: Frame, problem: Rejected) -> None:
        new = self._dead.keep(source.name, epoch.name, frame, problem)
        _LOG.error("refused for good: event %d of %s/%s: %s", frame.seq, source.name, epoch.name, problem.detail)
        self.progress.refused += 1
        if new:
            self._record(
                source,
                "event.refused",
                {
                    "refused.source": source.name,
                    "refused.epoch": epoch.name,
                    "refused.seq": frame.seq,
                    "refused.hash": event_hash(frame.event).hex(),
                    "refused.problem": problem.kind,
                    "refused.field": problem.field or "none",
                },
            )

    def _name_loss(self, source: Path, epoch: Epoch, loss: Loss) -> None:
        last = "open" if loss.last is None else str(loss.last)
        _LOG.error("%s: events %d to %s of %s/%s", loss.reason, loss.first, last, source.name, epoch.name)
        self.progress.lost += 1
        labels: dict[str, object] = {
            "dropped.source": source.name,
            "dropped.epoch": epoch.name,
            "dropped.first": loss.first,
            "dropped.last": last,
            "dropped.reason": loss.reason,
            "dropped.segment": loss.segment,
        }
        if loss.last is not None:
            labels["dropped.count"] = loss.last - loss.first + 1
        self._record(source, "event.dropped", labels)

    def _name_body(self, source: Path, epoch: Epoch, frame: Frame) -> None:
        _LOG.error("the body of event %d of %s/%s is damaged; sent without it", frame.seq, source.name, epoch.name)
        self.progress.lost += 1
        labels: dict[str, object] = {
            "dropped.source": source.name,
            "dropped.epoch": epoch.name,
            "dropped.seq": frame.seq,
            "dropped.reason": "body-damaged",
        }
        self._record(source, "event.dropped", labels)

    def _record(self, source: Path, action: str, labels: dict[str, object]) -> None:
        """Record what happened to an event, in the shipper's own spool; never about that spool itself."""
        if self._own is None:
            self._own = Spool(f"muniment-ship:{self._ledger.key_id}", state=self._state)
        if source.name != self._own.source:
            self._own.record(
                action=action,
                actor=("system", "system:muniment-ship"),
                outcome="failure",
                resource=("source", source.name),
                labels=labels,
                durable=True,
            )


def bind_source(source: Path, key_id: str, origin: str = "") -> None:
    """Say which key ships a source, and to which log once that is known."""
    source.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(source / BINDING, json.dumps({"v": 1, "key": key_id, "log": origin}).encode("utf-8"))


def _read_binding(source: Path) -> dict[str, str] | None:
    path = source / BINDING
    try:
        value = json.loads(path.read_bytes())
        return {"key": str(value["key"]), "log": str(value["log"])}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = f"cannot be read ({error}); it says which key and log the source belongs to"
        raise Malformed(reason, str(path)) from error


def _batches(frames: list[Frame]) -> list[list[Frame]]:
    batches: list[list[Frame]] = []
    size = BATCH_BYTES
    for frame in frames:
        weight = len(frame.event) + len(frame.body or b"") * 4 // 3 + 128
        if size + weight > BATCH_BYTES or len(batches[-1]) >= BATCH_EVENTS:
            batches.append([])
            size = 0
        batches[-1].append(frame)
        size += weight
    return batches


def _submission(frame: Frame) -> Submission:
    if frame.body is None or not (frame.body or _has_empty_body(frame.event)):
        return Submission(frame.event)
    return Submission(frame.event, frame.salt, frame.body)


def _has_empty_body(text: bytes) -> bool:
    try:
        event = parse_event(text)
    except Malformed:
        return False
    return event.body is not None and event.body.len == 0
