"""The runs of one framework in this process: which of its ids stands for which event, and what caused what.

Every framework gives its runs (or spans) an id and names the parent's. `Runs` remembers, for each id that is open, the
event that began it, so that

* what begins below another run is caused by that run's event, and by the answer that asked for it (a tool call by the
  model's result that contains the call's id; a model's invocation by the tool results that it is shown);
* what ends a run is caused by what began it;
* a run that nothing in the framework began is caused by the step that encloses it (`muniment.current()`): another
  framework's tool, or another process;
* inside of a run, `muniment.current()` is its event.

All events below one outermost run share a trace. Nothing here raises into the framework, unless a mode was asked for in
which a tool must not run unrecorded (`durable`, `gate`): then `begin` of a `tool.call` does. What could not be recorded
is counted (`muniment.agent.recording.unrecorded`).
"""

import contextlib
import secrets
from collections.abc import Hashable, Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version

from muniment.agent.adapters.openrun import OpenRun, OpenRuns, described, failure
from muniment.agent.adapters.plain import plain
from muniment.agent.cause import caused_by, current, current_trace
from muniment.agent.draft import Actor
from muniment.agent.gate import NotAccepted
from muniment.agent.recording import Mode, default_spool, record, unrecorded
from muniment.agent.steps import OUTCOME_ACTIONS
from muniment.core.identifiers import MAX_CAUSES


class Runs(OpenRuns):
    """The open runs of one framework. Threads and tasks may share it.

    Args:
        framework: its name, the value of the label `framework`.
        release: of the framework; see `version_of`.
        contents: whether arguments, results, prompts and answers are recorded (in bodies).
        mode: of `tool.call` events: async, durable or gate.
        sweep: whether runs that are open when the run around them fails are recorded as ended with it; for frameworks
            that do not end every run.
    """

    def __init__(
        self, framework: str, release: str = "", *, contents: bool = True, mode: Mode = "async", sweep: bool = True
    ) -> None:
        super().__init__()
        self.framework = framework
        self.contents = contents
        self.mode = mode
        self.sweep = sweep
        self._labels = {"framework": f"{framework} {release}".strip()}

    def begin(
        self,
        key: Hashable,
        action: str,
        *,
        parent: Hashable | None = None,
        agent: str | None = None,
        step: str | None = None,
        tool: str | None = None,
        payload: object = None,
        labels: Mapping[str, object] | None = None,
        causes: Iterable[str | None] = (),
        call: str | None = None,
        answers: Iterable[str] = (),
        shown: bool = False,
        trace: str | None = None,
        enter: bool = False,
        mode: Mode | None = None,
    ) -> str | None:
        """Record the event that begins a run.

        Args:
            key: the framework's id of the run.
            parent: the framework's id of the enclosing run.
            agent: the framework's name of the agent; by default the enclosing run's.
            step: the framework's name of a step of an agent.
            labels: more labels; those of this event are repeated on the one that ends the run.
            causes: further causes; None among them is left out.
            call: the id of the tool call, as the model gave it.
            answers: ids of the tool calls whose results the model is shown.
            shown: the model is shown every tool result of its agent since the last time; where nobody says which.
            trace: 32 hex digits, for a run that has neither parent nor enclosing step.
            enter: `muniment.current()` is this event until the run ends; for callbacks that run in the context of what
                they announce.
            mode: by default, that of all tool calls for a `tool.call`, and async otherwise.

        Returns:
            The event's reference; None if it could not be recorded.

        Raises:
            Refused, OSError: in mode durable or gate, if it could not be recorded.
        """
        run = OpenRun(None)
        if mode is None:
            mode = self.mode if action == "tool.call" else "async"
        try:
            run.parent = self.get(parent)
            run.action, run.tool, run.call = action, tool, call
            run.agent = agent or (run.parent.agent if run.parent else None)
            run.labels = {**self._labels_of(run, labels), **({"step.name": step} if step else {})}
            run.trace = self._trace_below(run.parent, trace)
            asked = run.root.asked
            named = [run.parent.reference if run.parent else current(), *causes]
            named += [asked.get(("call", call))] if call else []
            named += [asked.get(("result", answer)) for answer in answers]
            if shown and (agent_run := run.agent_run) is not None:
                named += agent_run.fresh
                agent_run.fresh = []
            if action.startswith("agent."):
                named.append(asked.pop(("agent", step or agent or ""), None))
            run.reference = self._record(run, action, named, payload, labels={"step": "intent"}, mode=mode)
            run.own = True
            self.add(key, run)
            if enter:
                run.entered = caused_by(run.reference, run.trace)
                run.entered.__enter__()
        except Exception as error:
            if mode != "async" and not run.own:
                self._refused(run, error)
                raise
            unrecorded(self.framework, error)
            run.reference = run.reference or (run.parent.reference if run.parent else None)
            self.add(key, run)
        return run.reference if run.own else None

    def skip(self, key: Hashable, parent: Hashable | None = None, *, trace: str | None = None) -> None:
        """Pass a run through that has no event of its own: what is below belongs to its parent."""
        above = self.get(parent)
        run = OpenRun(above, above.reference if above else current())
        run.agent = above.agent if above else None
        run.trace = self._trace_below(above, trace)
        self.add(key, run)

    def end(
        self,
        key: Hashable,
        action: str | None = None,
        *,
        outcome: str = "success",
        payload: object = None,
        labels: Mapping[str, object] | None = None,
        error: BaseException | None = None,
        asks: Iterable[str | None] = (),
    ) -> str | None:
        """Record the event that ends a run, and forget the run.

        Args:
            action: by default the one that belongs to the run's (`steps.OUTCOME_ACTIONS`).
            error: why it ended: outcome `failure`, or `unknown` where it was cancelled or stopped. Its type becomes a
                label, its text the body. With `sweep`, what is open below is recorded as ended, outcome `unknown`,
                label `ended=with-its-run`; should one of these end by itself after all, that is recorded once more.
            asks: ids of the tool calls that the model's answer asks for.

        Returns:
            The event's reference; None if it could not be recorded, or if no such run is open.
        """
        run = self.take(key)
        if run is None:
            return None
        if error is not None and self.sweep:
            self._sweep(run)
        told: dict[str, object] = {"step": "outcome", **(labels or {})}
        if error is not None:
            outcome, why = failure(error)
            told |= why
            payload = described(error) if payload is None else payload
        reference = self._ended(run, action, outcome, payload, told)
        if reference is not None:
            for call in asks:
                if isinstance(call, str) and call:
                    run.remember("call", call, reference)
        return reference

    def _ended(
        self, run: OpenRun, action: str | None, outcome: str, payload: object, labels: Mapping[str, object]
    ) -> str | None:
        try:
            run.leave()
            if not run.own:
                return None
            ending = action or OUTCOME_ACTIONS.get(run.action, run.action)
            reference = self._record(run, ending, (run.reference, run.last), payload, outcome, labels)
            if run.call:
                run.remember("result", run.call, reference)
            if (above := run.agent_run) is not None:
                above.last = reference
                if run.action == "tool.call":
                    above.fresh = [*above.fresh[1 - MAX_CAUSES :], reference]
        except Exception as problem:
            unrecorded(self.framework, problem)
            return None
        return reference

    def _refused(self, run: OpenRun, error: Exception) -> None:
        """Say that a tool did not run, because its call could not be recorded as it had to be."""
        run.reference = error.reference if isinstance(error, NotAccepted) else None
        run.own = True
        reason = error.kind if isinstance(error, NotAccepted) else "not-recorded"
        self._ended(run, None, "denied", None, {"step": "outcome", "gate.reason": reason})

    def _sweep(self, run: OpenRun) -> None:
        for below in list(run.below.values()):
            self._sweep(below)
            if not below.swept:
                below.swept = True
                self._ended(below, None, "unknown", None, {"step": "outcome", "ended": "with-its-run"})

    def note(
        self,
        action: str,
        *,
        parent: Hashable | None = None,
        outcome: str = "success",
        payload: object = None,
        tool: str | None = None,
        labels: Mapping[str, object] | None = None,
        causes: Iterable[str | None] = (),
        to: str | None = None,
    ) -> str | None:
        """Record an event that neither begins nor ends a run.

        Args:
            to: the agent that a task is handed to: the next run of that agent below the same outermost run is caused
                by this event.
        """
        try:
            above = self.get(parent)
            run = OpenRun(above, tool=tool, agent=above.agent if above else None)
            run.labels = self._labels_of(run, labels)
            run.trace = self._trace_below(above, None)
            named = [above.reference if above else current(), *causes]
            reference = self._record(run, action, named, payload, outcome)
            if to is not None:
                run.remember("agent", to, reference)
            return reference
        except Exception as error:
            unrecorded(self.framework, error)
            return None

    def inside(self, key: Hashable) -> contextlib.AbstractContextManager[None]:
        """Be inside of an open run for as long as a block lasts; for frameworks that let us stand around the run."""
        run = self.get(key)
        return caused_by(run.reference, run.trace) if run and run.own else contextlib.nullcontext()

    def _labels_of(self, run: OpenRun, labels: Mapping[str, object] | None) -> dict[str, object]:
        return {**self._labels, **({"agent.name": run.agent} if run.agent else {}), **(labels or {})}

    def _trace_below(self, above: OpenRun | None, trace: str | None) -> tuple[str, str]:
        enclosing = above.trace if above is not None and above.trace else current_trace()
        return (enclosing[0] if enclosing else trace or secrets.token_hex(16)), secrets.token_hex(8)

    def _record(
        self,
        run: OpenRun,
        action: str,
        causes: Iterable[str | None],
        payload: object,
        outcome: str = "unknown",
        labels: Mapping[str, object] | None = None,
        mode: Mode = "async",
    ) -> str:
        named = list(dict.fromkeys(cause for cause in causes if cause))
        told = {**run.labels, **(labels or {})}
        if len(named) > MAX_CAUSES:
            told["causes.cut"] = len(named) - MAX_CAUSES
        return record(
            action,
            actor=_actor(run.agent),
            payload=plain(payload) if self.contents and payload is not None else None,
            outcome=outcome,
            tool=run.tool,
            causes=tuple(named[:MAX_CAUSES]),
            labels=told,
            trace=run.trace,
            mode=mode,
        )


def _actor(agent: str | None) -> Actor | None:
    """A framework's named agent acts within the agent that the process is."""
    if agent is None:
        return None
    process = default_spool().agent
    return "agent", f"{process if process.startswith('agent:') else f'agent:{process}'}/{agent}"


def version_of(package: str) -> str:
    """The version of an installed package; empty where nobody knows it."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
