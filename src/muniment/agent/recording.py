"""`record()` for a Python program: one spool for the process, opened with the first event."""

import logging
import os
import threading
from collections.abc import Iterable, Mapping
from typing import Final, Literal, TypeAlias

from muniment.agent.cause import enclosing
from muniment.agent.draft import Actor, Resource, Trace
from muniment.agent.gate import accepted
from muniment.agent.labels import Labels
from muniment.agent.redaction.rules import Redaction
from muniment.agent.spools.spool import Spool
from muniment.core.errors import Malformed, Refused

_LOG = logging.getLogger("muniment.agent")

Mode: TypeAlias = Literal["async", "durable", "gate"]
"""When `record` returns: handed to the kernel; on disk; accepted by the ledger."""

MODES: Final = ("async", "durable", "gate")

_lock = threading.RLock()
_spool: Spool | None = None
_agent: str | None = None
_redaction: Redaction | None = None
_missed = 0
_missed_reason = ""
_warned: set[tuple[str, type]] = set()


def configure(*, agent: str | None = None, redaction: Redaction | None = None) -> None:
    """Say once, at the program's start, who records here and what must not be recorded in clear.

    Args:
        agent: the agent's name; by default `MUNIMENT_AGENT`, else `python`.
        redaction: rules beside those of `MUNIMENT_REDACT`; both hold.

    Raises:
        Refused: if something has been recorded already.
    """
    global _agent, _redaction
    with _lock:
        if _spool is not None:
            raise Refused("call it before the first event is recorded", "configure")
        _agent = _agent if agent is None else agent
        _redaction = _redaction if redaction is None else redaction


def default_spool() -> Spool:
    """The process's spool. `MUNIMENT_AGENT` names the agent, `MUNIMENT_STATE` the place.

    Raises:
        Malformed: if the rules of `MUNIMENT_REDACT` cannot be read.
        Refused: if the source id cannot be read or made.
        OSError: if the spool's directory cannot be made.
    """
    global _spool
    with _lock:
        if _spool is None:
            _spool = Spool(_agent or os.environ.get("MUNIMENT_AGENT", "python"), redaction=_redaction)
        return _spool


def record(
    action: str,
    *,
    actor: Actor | None = None,
    payload: object = None,
    outcome: str = "unknown",
    tool: str | None = None,
    resource: Resource | None = None,
    causes: Iterable[str] | None = None,
    labels: Labels = (),
    trace: Trace | None = None,
    workspace: str | None = None,
    media_type: str | None = None,
    mode: Mode = "async",
    timeout: float | None = None,
    redaction: Redaction | None = None,
) -> str:
    """Record one event in the process's spool; `muniment ship` takes it to the ledger.

    Args:
        causes: references of the events that led to this one; by default the enclosing step, if any (see `intent`).
        trace: by default that of the enclosing step, if any.
        mode: `async` returns when the event has been handed to the kernel, `durable` when it is on disk, `gate` when
            the ledger has accepted it.
        timeout: seconds to wait for the ledger in mode `gate`; by default `MUNIMENT_GATE_TIMEOUT`, else 5.
        redaction: rules for this event, beside those of the process.

    The other arguments are those of `Spool.write`.

    Returns:
        The event's reference `<source>/<event id>`, to be named among the `causes` of others.

    Raises:
        Malformed: naming the argument that cannot stand in an event.
        SpoolFull: in mode `durable`, if the disk does not take it.
        NotAccepted: in mode `gate`, if the ledger has not accepted it, whatever the reason.
    """
    here = enclosing()
    if here is not None:
        if causes is None and here.reference is not None:
            causes = (here.reference,)
        if trace is None:
            trace = here.trace
    if _missed:
        report_unrecorded()
    if workspace is None:
        workspace = os.environ.get("MUNIMENT_WORKSPACE")
    if mode not in MODES:
        raise Malformed(f"must be one of {', '.join(MODES)}", "mode")
    spool = _spool or default_spool()
    if mode == "gate":
        return accepted(
            spool,
            timeout,
            action=action,
            actor=actor,
            payload=payload,
            outcome=outcome,
            tool=tool,
            resource=resource,
            causes=causes or (),
            labels=labels,
            trace=trace,
            workspace=workspace,
            media_type=media_type,
            redaction=redaction,
        ).reference
    return spool.write(
        action=action,
        actor=actor,
        payload=payload,
        outcome=outcome,
        tool=tool,
        resource=resource,
        causes=causes or (),
        labels=labels,
        trace=trace,
        workspace=workspace,
        media_type=media_type,
        durable=mode == "durable",
        redaction=redaction,
    ).reference


def unrecorded(what: str, error: BaseException) -> None:
    """Count an event that could not be recorded, where the program must go on all the same. Never raises.

    Each kind of error is logged once. The next event that can be written is preceded by an `event.dropped` with the
    count.

    Args:
        what: who wanted to record, such as `langchain`.
        error: why that failed.
    """
    global _missed, _missed_reason
    with _lock:
        _missed += 1
        _missed_reason = f"{what}: {type(error).__name__}"
        known = (what, type(error)) in _warned
        if not known and len(_warned) < 64:
            _warned.add((what, type(error)))
    if not known:
        _LOG.warning("%s: an event was not recorded, and more like it are not named here: %s", what, error)


def _renew_lock() -> None:
    # Another thread of the parent may have held it when the child was made.
    global _lock
    _lock = threading.RLock()


os.register_at_fork(after_in_child=_renew_lock)


def report_unrecorded() -> None:
    """Record how many events were not recorded, if that is possible by now."""
    global _missed
    with _lock:
        count, reason, _missed = _missed, _missed_reason, 0
    if not count:
        return
    labels: Mapping[str, object] = {"dropped.count": count, "dropped.reason": reason}
    try:
        default_spool().write(
            action="event.dropped", actor=("system", "system:muniment-sdk"), outcome="failure", labels=labels
        )
    except Exception:
        with _lock:
            _missed += count
