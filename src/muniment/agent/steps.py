"""Steps: an event that announces an action before it runs, and one that says how it ended.

```
with intent("config.change", resource=("host", "db-1"), payload={"max_connections": 200}) as step:
    apply()
    step.result = {"restarted": False}
```

Everything that is recorded inside, in this task or in one started from it, has the step as its cause and its trace. How
the block ends decides the outcome: `success`; `failure` for an exception; `unknown` where it was cancelled or the
program is ending, because then nobody knows how far it came.
"""

import asyncio
import contextlib
import os
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Final, Self

from muniment.agent.cause import Enclosing, current_trace, enclosing, inside
from muniment.agent.draft import Actor, Resource, Trace, trace_pair
from muniment.agent.endings import outcome_of, text_of
from muniment.agent.gate import NotAccepted, accepted, ask
from muniment.agent.labels import Labels, label_pairs
from muniment.agent.recording import MODES, Mode, default_spool, report_unrecorded, unrecorded
from muniment.agent.redaction.rules import Redaction
from muniment.agent.spools.written import SpoolFull, Written
from muniment.core.errors import Malformed, Refused

OUTCOME_ACTIONS: Final = {
    "agent.start": "agent.finish",
    "model.invoke": "model.result",
    "process.start": "process.exit",
    "tool.call": "tool.result",
}
"""Which action says how another one ended; for all others it is the same action."""


class Step:
    """One announced action. Made by `intent`, used once, as a context manager, sync or async.

    Attributes:
        reference: `<source>/<event id>` of the event that announced it; empty if that could not be recorded.
        result: payload of the outcome's event; may be set.
        outcome: success, failure, denied or unknown; set it where the way the block ends does not say.
        labels: more labels for the outcome's event; may be added to.
    """

    def __init__(
        self, mode: Mode, timeout: float | None, errors: bool, outcome_action: str | None, fields: dict[str, Any]
    ) -> None:
        if mode not in MODES:
            raise Malformed(f"must be one of {', '.join(MODES)}", "mode")
        self.reference = ""
        self.result: object = None
        self.outcome: str | None = None
        self.labels: dict[str, object] = {}
        self._mode = mode
        self._timeout = timeout
        self._errors = errors
        self._fields = fields
        self._outcome_action = outcome_action or OUTCOME_ACTIONS.get(fields["action"], fields["action"])
        self._own_labels = tuple(label_pairs(fields["labels"]))
        self._here: Enclosing | None = None
        self._inside: contextlib.AbstractContextManager[None] | None = None

    @property
    def traceparent(self) -> str | None:
        """The W3C `traceparent` of what happens inside; None before the step began."""
        trace = self._here.trace if self._here else None
        return None if trace is None else f"00-{trace[0]}-{trace[1]}-01"

    def begin(self) -> None:
        """Record the intent, and wait for what the mode says.

        Raises:
            Malformed: naming the argument that cannot stand in an event.
            SpoolFull: in mode `durable`, if the disk does not take it.
            NotAccepted: in mode `gate`, if the ledger has not accepted it; a second event, outcome `denied`, says so.
        """
        fields = self._announce()
        try:
            if self._mode == "gate":
                self.reference = accepted(default_spool(), self._timeout, **fields).reference
            else:
                self.reference = default_spool().write(**fields, durable=self._mode == "durable").reference
        except NotAccepted as error:
            self._denied(error)
            raise
        except (Refused, OSError) as error:
            if self._mode == "durable":
                raise
            unrecorded("intent", error)
        self._stand()

    async def begin_async(self) -> None:
        """The same, without holding up the event loop while the disk or the ledger is waited for."""
        if self._mode == "async" or not _in_asyncio():
            self.begin()
            return
        fields = self._announce()
        spool = default_spool()
        written = spool.write(**fields, durable=False)
        self.reference = written.reference

        def wait() -> None:
            try:
                spool.confirm(written)
            except SpoolFull as error:
                if self._mode == "gate":
                    raise NotAccepted(f"not even on disk: {error}", "not-recorded", written.reference) from error
                raise
            if self._mode == "gate":
                ask(spool, written, self._timeout)

        try:
            await asyncio.to_thread(wait)
        except NotAccepted as error:
            self._denied(error)
            raise
        except BaseException as error:
            self._conclude(error)
            raise
        self._stand()

    def end(self, error: BaseException | None) -> None:
        """Record the outcome.

        Args:
            error: what the action raised, or None.

        Raises:
            SpoolFull: in the modes `durable` and `gate`, if the disk does not take it and `error` is None.
        """
        self._conclude(error)

    def inside(self) -> contextlib.AbstractContextManager[None]:
        """Be inside of the step for as long as a block lasts."""
        return contextlib.nullcontext() if self._here is None else inside(self._here)

    def __enter__(self) -> Self:
        self.begin()
        self._inside = self.inside()
        self._inside.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._inside is not None:
            self._inside.__exit__(None, None, None)
        self.end(error)

    async def __aenter__(self) -> Self:
        await self.begin_async()
        self._inside = self.inside()
        self._inside.__enter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._inside is not None:
            self._inside.__exit__(None, None, None)
        if self._mode == "async" or not _in_asyncio():
            self.end(error)
        else:
            await asyncio.to_thread(self.end, error)

    def _announce(self) -> dict[str, Any]:
        """The fields of the intent's event; decides cause and trace."""
        if self._here is not None:
            raise Refused("a step is used once; call intent() for each", "intent")
        fields = dict(self._fields)
        around = enclosing()
        if fields["causes"] is None:
            fields["causes"] = (around.reference,) if around is not None and around.reference is not None else ()
        given = fields["trace"]
        trace = current_trace() if given is None else trace_pair(given)
        # A span of its own, in the trace that there is; a step that nothing encloses begins a trace.
        trace = (trace[0] if trace is not None else os.urandom(16).hex(), os.urandom(8).hex())
        fields["trace"] = trace
        fields["labels"] = (*self._own_labels, "step=intent")
        if fields["workspace"] is None:
            fields["workspace"] = os.environ.get("MUNIMENT_WORKSPACE")
        self._here = Enclosing(around.reference if around else None, trace)
        report_unrecorded()
        return fields

    def _stand(self) -> None:
        if self.reference and self._here is not None:
            self._here = Enclosing(self.reference, self._here.trace)

    def _denied(self, error: NotAccepted) -> None:
        self.reference = error.reference or ""
        self.outcome, self.labels = "denied", {"gate.reason": error.kind}
        self._conclude(error)

    def _conclude(self, error: BaseException | None) -> None:
        labels = [*self._own_labels, *label_pairs(self.labels), "step=outcome"]
        payload: object = None if self.result is None else {"result": self.result}
        ending = "success"
        if error is not None:
            ending = outcome_of(error)
            labels.append(f"error.type={type(error).__module__}.{type(error).__qualname__}")
            if self._errors:
                described = {"type": type(error).__qualname__, "text": text_of(error)}
                payload = {"error": described} if self.result is None else {"result": self.result, "error": described}
        try:
            try:
                self._write(payload, self.outcome or ending, labels)
            except Malformed as problem:
                # What was set inside the step cannot stand in an event; how it ended can.
                unrecorded("the details of an outcome", problem)
                self._write(None, ending, [*self._own_labels, "step=outcome", "step.details=malformed"])
        except Exception as problem:
            if error is None and self._mode != "async":
                raise
            unrecorded("outcome", problem)

    def _write(self, payload: object, outcome: str, labels: Iterable[str]) -> Written:
        fields = self._fields
        return default_spool().write(
            action=self._outcome_action,
            actor=fields["actor"],
            payload=payload,
            outcome=outcome,
            tool=fields["tool"],
            resource=fields["resource"],
            causes=(self.reference,) if self.reference else (),
            labels=tuple(labels),
            trace=self._here.trace if self._here else None,
            workspace=fields["workspace"] or os.environ.get("MUNIMENT_WORKSPACE"),
            durable=self._mode != "async",
            redaction=fields["redaction"],
        )


def intent(
    action: str,
    *,
    actor: Actor | None = None,
    payload: object = None,
    tool: str | None = None,
    resource: Resource | None = None,
    causes: Iterable[str] | None = None,
    labels: Labels = (),
    trace: Trace | None = None,
    workspace: str | None = None,
    mode: Mode = "async",
    timeout: float | None = None,
    errors: bool = False,
    outcome_action: str | None = None,
    redaction: Redaction | None = None,
) -> Step:
    """Announce an action before it runs, and record how it ended: `with intent(…) as step:`, or `async with`.

    Args:
        action: what is going to be done; its event has the label `step=intent` and the outcome `unknown`.
        causes: by default the enclosing step.
        trace: by default a new span in the enclosing step's trace; where there is none, a trace of its own.
        mode: `async`; `durable`: on disk before the block runs; `gate`: accepted by the ledger before the block runs.
        timeout: seconds to wait for the ledger in mode `gate`.
        errors: whether the text of an exception goes into the outcome's body. Its type is always a label.
        outcome_action: of the second event; by default what belongs to `action` (`tool.result` to `tool.call`).
        redaction: rules for both events, beside those of the process.

    The other arguments are those of `record`.

    Raises (when the block is entered):
        Malformed: naming the argument that cannot stand in an event.
        SpoolFull: in mode `durable`.
        NotAccepted: in mode `gate`; the block does not run.
    """
    fields: dict[str, Any] = {
        "action": action,
        "actor": actor,
        "payload": payload,
        "tool": tool,
        "resource": resource,
        "causes": causes,
        "labels": labels,
        "trace": trace,
        "workspace": workspace,
        "redaction": redaction,
    }
    return Step(mode, timeout, errors, outcome_action, fields)


def _in_asyncio() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
