"""`record()` for a Python program: one spool for the process, opened with the first event."""

import os
import threading

from muniment.agent.draft import Actor, Labels, Resource, Trace
from muniment.agent.spool import Spool

_lock = threading.Lock()
_spool: Spool | None = None


def default_spool() -> Spool:
    """The process's spool. `MUNIMENT_AGENT` names the agent, `MUNIMENT_STATE` the place.

    Raises:
        Refused: if the source id cannot be read or made.
        OSError: if the spool's directory cannot be made.
    """
    global _spool
    with _lock:
        if _spool is None:
            _spool = Spool(os.environ.get("MUNIMENT_AGENT", "python"))
        return _spool


def record(
    action: str,
    *,
    actor: Actor | None = None,
    payload: object = None,
    outcome: str = "unknown",
    tool: str | None = None,
    resource: Resource | None = None,
    causes: tuple[str, ...] | list[str] = (),
    labels: Labels = (),
    trace: Trace | None = None,
    workspace: str | None = None,
    durable: bool = False,
) -> str:
    """Record one event in the process's spool; `muniment ship` takes it to the ledger.

    Returns:
        The event's reference `<source>/<event id>`, to be named among the `causes` of others.

    Raises:
        Malformed: naming the argument that cannot stand in an event.
        SpoolFull: with `durable`, if the disk does not take it.
    """
    return (_spool or default_spool()).record(
        action=action,
        actor=actor,
        payload=payload,
        outcome=outcome,
        tool=tool,
        resource=resource,
        causes=causes,
        labels=labels,
        trace=trace,
        workspace=os.environ.get("MUNIMENT_WORKSPACE") if workspace is None else workspace,
        durable=durable,
    )
