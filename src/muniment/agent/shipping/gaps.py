"""Gaps get a name: what was refused or damaged is logged, kept, and recorded as an event of the shipper's own."""

import logging

from muniment.agent.shipping.client import Rejected
from muniment.agent.shipping.deadletter import DeadLetters
from muniment.agent.spools.frames import Frame
from muniment.agent.spools.reading import Loss
from muniment.agent.spools.spool import Spool
from muniment.agent.state import State
from muniment.core.event import event_hash

_LOG = logging.getLogger("muniment.ship")


class Gaps:
    """Names the gaps of one state directory.

    Args:
        state: the state directory.
        key_id: the key with which its spools are shipped; the shipper's own source belongs to it.

    Attributes:
        refused: events that went to the dead letters.
        lost: places where events or bodies could not be read.
    """

    def __init__(self, state: State, key_id: str) -> None:
        self.refused = 0
        self.lost = 0
        self.dead = DeadLetters(state.dead_letter)
        self._state = state
        self._key_id = key_id
        self._spool: Spool | None = None

    def close(self) -> bool:
        """Give the own spool up, so that it can be shipped; says whether there was one."""
        spool, self._spool = self._spool, None
        if spool is not None:
            spool.close()
        return spool is not None

    def refuse(self, source: str, epoch: str, frame: Frame, problem: Rejected) -> None:
        """An event was refused for good.

        Raises:
            OSError, SpoolFull: if it cannot be put away; then it must stay in the spool.
        """
        _LOG.error("refused for good: event %d of %s/%s: %s", frame.seq, source, epoch, problem.detail)
        if self.dead.holds(source, epoch, frame.seq):
            return
        labels: dict[str, object] = {
            "refused.source": source,
            "refused.epoch": epoch,
            "refused.seq": frame.seq,
            "refused.hash": event_hash(frame.event).hex(),
            "refused.problem": problem.kind,
            "refused.field": problem.field or "none",
        }
        # Named first: stopped in between, it is named twice, which says the same. Put away first, it might never be.
        self._record(source, "event.refused", labels)
        self.dead.keep(source, epoch, frame, problem)
        self.refused += 1

    def lose(self, source: str, epoch: str, loss: Loss) -> None:
        """Events cannot be read any more."""
        last = "open" if loss.last is None else str(loss.last)
        _LOG.error("%s: events %d to %s of %s/%s", loss.reason, loss.first, last, source, epoch)
        self.lost += 1
        labels: dict[str, object] = {
            "dropped.source": source,
            "dropped.epoch": epoch,
            "dropped.first": loss.first,
            "dropped.last": last,
            "dropped.reason": loss.reason,
            "dropped.segment": loss.segment,
        }
        if loss.last is not None:
            labels["dropped.count"] = loss.last - loss.first + 1
        self._record(source, "event.dropped", labels)

    def lose_body(self, source: str, epoch: str, frame: Frame) -> None:
        """An event is whole and its body cannot be read any more."""
        _LOG.error("the body of event %d of %s/%s is damaged; sent without it", frame.seq, source, epoch)
        self.lost += 1
        labels: dict[str, object] = {
            "dropped.source": source,
            "dropped.epoch": epoch,
            "dropped.seq": frame.seq,
            "dropped.reason": "body-damaged",
        }
        self._record(source, "event.dropped", labels)

    def _record(self, source: str, action: str, labels: dict[str, object]) -> None:
        """Never about the own spool itself: one refused report must not make another."""
        if self._spool is None:
            # What is recorded here is in our own words; no rule and no limit may keep a gap from getting its name.
            self._spool = Spool(f"muniment-ship:{self._key_id}", state=self._state, environ={})
        if source != self._spool.source:
            self._spool.record(
                action=action,
                actor=("system", "system:muniment-ship"),
                outcome="failure",
                resource=("source", source),
                labels=labels,
                durable=True,
            )
