"""The spool: where an agent's process leaves its events, on its own disk, before it goes on.

`record()` builds the event, chains it to the source's previous one, and hands it to the kernel with one `O_APPEND`
write before it returns: from then on it survives the death of the process. A background thread makes it survive the
power, with one `fdatasync` for all events of at most 5 ms; `durable=True` waits for that. Nothing here talks to a
network.

Back-pressure. There is none while the disk takes data and the spools are below their limit (see `limit`). Otherwise:
* `durable` calls raise `SpoolFull`; the event is not recorded, and the caller knows.
* other calls keep the event in memory, at most 1,000 events and 4 MiB, and write them, in order, when space is back;
* what exceeds that is dropped and counted, and as soon as space is back the spool says so itself with an
  `event.dropped` event: how many, from when to when, why. `Spool.dropped` has the number.
"""

import atexit
import os
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Required, TypedDict, Unpack

from muniment.agent.draft import Actor, Resource, Trace, check_action, draft
from muniment.agent.labels import Labels
from muniment.agent.payload import encode_payload
from muniment.agent.redaction.rules import Redaction
from muniment.agent.redaction.searching import Findings
from muniment.agent.spools.chain import SEGMENT_BYTES, Chain
from muniment.agent.spools.epoch import EpochDirectory
from muniment.agent.spools.limit import Limit, spool_limit
from muniment.agent.spools.writer import Writer
from muniment.agent.spools.written import SpoolFull, Written
from muniment.agent.state import State
from muniment.core.body import MAX_INLINE_BYTES, SALT_BYTES, commit
from muniment.core.identifiers import MEDIA_TYPES

__all__ = ["Spool", "SpoolFull", "Written"]


class Fields(TypedDict, total=False):
    """The arguments of `Spool.write`, by name."""

    action: Required[str]
    actor: Actor | None
    payload: object
    outcome: str
    tool: str | None
    resource: Resource | None
    causes: Iterable[str]
    controls: Iterable[str]
    labels: Labels
    trace: Trace | None
    workspace: str | None
    media_type: str | None
    occurred_at: int | None
    durable: bool | None
    redaction: Redaction | None


class Spool:
    """One process's spool of one source. Threads may share it; a forked child gets an epoch of its own by itself.

    Args:
        agent: the agent's name; with the machine it decides the source id.
        state: the state directory; by default the one of the environment.
        durable: whether `record` waits for the disk unless told otherwise.
        segment_bytes: size after which a new segment is begun.
        clock: nanoseconds since the Unix epoch, UTC.
        redaction: what must not be written in clear, beside the rules of `MUNIMENT_REDACT`.
        environ: by default the process's environment.

    Raises:
        Malformed: if the rules of `MUNIMENT_REDACT`, or `MUNIMENT_SPOOL_LIMIT`, cannot be read.
        Refused: if the source id cannot be read or made.
        OSError: if the spool's directory cannot be made.
    """

    def __init__(
        self,
        agent: str,
        *,
        state: State | None = None,
        durable: bool = False,
        segment_bytes: int = SEGMENT_BYTES,
        clock: Callable[[], int] = time.time_ns,
        redaction: Redaction | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        environ = os.environ if environ is None else environ
        self.agent = agent
        self.state = State.find() if state is None else state
        self._limit = Limit(self.state.spool, spool_limit(environ))
        self._redaction = _both(Redaction.from_environment(environ), redaction)
        self.source = self.state.source_id(agent)
        self.durable = durable
        self._actor = ("agent", agent if agent.startswith("agent:") else f"agent:{agent}")
        self._segment_bytes = segment_bytes
        self._clock = clock
        # The registry is read now: the first event may come from a signal handler, where nothing should be imported.
        check_action("event.dropped")
        self._writer = self._begin()
        _OPEN.add(self)

    def _begin(self) -> Writer:
        """Start an epoch: at the beginning, and again in a forked child, which shares nothing with its parent."""
        directory = EpochDirectory(self.state.spool / self.source)
        self._forked = False
        return Writer(Chain(directory, self.source, self._segment_bytes, self._limit), self.source, self._clock)

    @property
    def epoch(self) -> str:
        """The present epoch, 32 hex digits."""
        return self._writer.epoch

    @property
    def dropped(self) -> int:
        """Events of this epoch that were lost because the disk did not take them."""
        return self._writer.dropped

    def record(self, **event: Unpack[Fields]) -> str:
        """Record one event; returns its reference `<source>/<event id>`. Arguments and errors are those of `write`."""
        return self.write(**event).reference

    def write(
        self,
        *,
        action: str,
        actor: Actor | None = None,
        payload: object = None,
        outcome: str = "unknown",
        tool: str | None = None,
        resource: Resource | None = None,
        causes: Iterable[str] = (),
        controls: Iterable[str] = (),
        labels: Labels = (),
        trace: Trace | None = None,
        workspace: str | None = None,
        media_type: str | None = None,
        occurred_at: int | None = None,
        durable: bool | None = None,
        redaction: Redaction | None = None,
    ) -> Written:
        """Record one event. Its reference is to be named among the `causes` of others.

        Args:
            payload: arguments, result, reason for change …: bytes, or anything that can be written as JSON. It becomes
                the event's body, which the ledger commits to and never contains. None: no body.
            actor: by default the agent itself. This and the other fields are those of `draft`.
            media_type: of a payload given as bytes; `application/octet-stream` otherwise.
            occurred_at: nanoseconds since the Unix epoch, UTC; by default now.
            durable: wait until the event is on disk; by default what the spool was opened with.
            redaction: rules for this event, beside those of the spool.

        Raises:
            Malformed: naming the argument that cannot stand in an event.
            SpoolFull: with `durable`, if the disk does not take it. Nothing was recorded, unless the message says so.
            Refused: if the spool is closed.
        """
        rules = self._redaction if redaction is None else _both(self._redaction, redaction)
        salt = body = b""
        kind = described = ""
        if payload is not None:
            body, kind = encode_payload(payload)
            if media_type is not None:
                kind = MEDIA_TYPES.check(media_type, "media_type")
        if rules is not None and rules.applies(action):
            findings = Findings()
            if payload is not None:
                body, kind = rules.body(action, body, kind, findings)
            actor, tool, resource, labels = rules.fields(
                action, self._actor if actor is None else actor, tool, resource, labels, findings
            )
        drafted = draft(
            action,
            self._actor if actor is None else actor,
            outcome,
            tool,
            resource,
            causes,
            controls,
            labels,
            trace,
            workspace,
        )
        if self._forked:
            self._writer = self._begin()
        if payload is not None:
            salt = os.urandom(SALT_BYTES)
            commitment = commit(salt, body).hex()
            described = f',"body":{{"commit":"{commitment}","len":{len(body)},"scheme":1,"type":"{kind}"}}'
            if len(body) > MAX_INLINE_BYTES:
                body = b""
        return self._writer.add(
            drafted, described, salt, body, occurred_at, self.durable if durable is None else durable
        )

    def confirm(self, written: Written) -> None:
        """Wait until an event of this epoch is on disk.

        Raises:
            SpoolFull: if it still waits in memory, or the disk reports an error.
        """
        self._writer.confirm(written)

    def flush(self) -> None:
        """Wait until everything recorded so far is on disk.

        Raises:
            SpoolFull: if events wait in memory because the disk does not take them, or if it reports an error.
        """
        self._writer.flush()

    def close(self) -> None:
        """Write out what is left and give the epoch up. What cannot be written is logged and counted as dropped."""
        if not self._forked:
            _OPEN.discard(self)
            self._writer.close()

    def __enter__(self) -> "Spool":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def let_go_after_fork(self) -> None:
        """In a forked child: close the parent's epoch without touching it; the next event begins the child's own."""
        self._writer.let_go()
        self._forked = True


def _both(first: Redaction | None, second: Redaction | None) -> Redaction | None:
    if first is None or second is None:
        return second if first is None else first
    return first + second


_OPEN: set[Spool] = set()


def _close_all() -> None:
    for spool in list(_OPEN):
        spool.close()


def _let_go_of_all() -> None:
    for spool in _OPEN:
        spool.let_go_after_fork()


atexit.register(_close_all)
os.register_at_fork(after_in_child=_let_go_of_all)
