"""What the recorded sessions with one MCP server have in common: where events go, the policy, the counts."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Final

from muniment.agent.cause import current, current_trace
from muniment.agent.draft import Resource
from muniment.agent.gate import ask
from muniment.agent.mcp.policy import Policy
from muniment.agent.spools.spool import Spool, Written

LOG: Final = logging.getLogger("muniment.agent")
_MAX_STATES: Final = 256
_JSON: Final = "application/json"


class McpRecorder:
    """Records what clients and one server say to each other.

    Args:
        spool: where events go.
        server: the server's name, the id of the events' resource.
        workspace: of every event, or None.
        durable: every event waits for the disk; a request that cannot be put there is answered and not forwarded.
        policy: what may pass; None records only.
        trace: put a `traceparent` into requests that have none.
        framing: `line` or `body`, see `read_line`.
        labels: of every event.
        gate_timeout: seconds that the ledger is given to accept what the policy asks it for.
    """

    def __init__(
        self,
        spool: Spool,
        server: str,
        workspace: str | None = None,
        *,
        durable: bool = False,
        policy: Policy | None = None,
        trace: bool = False,
        framing: str = "line",
        labels: Mapping[str, object] | None = None,
        gate_timeout: float | None = None,
    ) -> None:
        self.policy = policy
        self.trace = trace
        self.framing = framing
        self.labels: dict[str, object] = dict(labels or {})
        self.resource: Resource = ("mcp.server", server)
        self.fails_closed = durable or policy is not None
        inherited = current()
        self.causes: tuple[str, ...] = () if inherited is None else (inherited,)
        self.inherited_trace = current_trace()
        self.counts = dict.fromkeys(("requests", "results", "notices", "refused", "unrecorded"), 0)
        self._spool = spool
        self._workspace = workspace
        self._durable = durable
        self._gate_timeout = gate_timeout
        self._lock = threading.Lock()
        self._states: OrderedDict[str, str] = OrderedDict()

    @property
    def blocks(self) -> bool:
        """Whether a session may wait for the disk or the ledger when a client speaks."""
        return self._durable or (self.policy is not None and self.policy.asks)

    @property
    def start_labels(self) -> dict[str, object]:
        """What the event at the start of the recorder should say: the policy in force."""
        if self.policy is None:
            return {}
        return {"policy.sha256": self.policy.sha256, "policy.rules": len(self.policy.rules)}

    def count(self, what: str) -> None:
        """Count something that happened."""
        with self._lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    def write(
        self,
        action: str,
        labels: Mapping[str, object],
        *,
        outcome: str = "unknown",
        payload: bytes | None = None,
        is_json: bool = True,
        tool: str | None = None,
        resource: Resource | None = None,
        trace: tuple[str, str | None] | None = None,
        causes: tuple[str, ...] = (),
        durable: bool = False,
    ) -> Written:
        """Write one event.

        Raises:
            MunimentError: see `Spool.write`.
        """
        return self._spool.write(
            action=action,
            outcome=outcome,
            payload=payload,
            media_type=_JSON if payload is not None and is_json else None,
            tool=tool,
            resource=self.resource if resource is None else resource,
            trace=trace,
            causes=causes,
            labels=labels,
            workspace=self._workspace,
            durable=True if durable or self._durable else None,
        )

    def ask(self, written: Written) -> None:
        """Wait until the ledger has accepted an event.

        Raises:
            NotAccepted: if it has not.
        """
        ask(self._spool, written, self._gate_timeout)

    def remember(self, tokens: Iterable[str], reference: str) -> None:
        """Remember which answer gave out a state or a task, whose tokens a later request gives back."""
        with self._lock:
            for token in tokens:
                self._states[token] = reference
                self._states.move_to_end(token)
            while len(self._states) > _MAX_STATES:
                self._states.popitem(last=False)

    def remembered(self, tokens: Iterable[str]) -> tuple[str, ...]:
        """The answers that these tokens are from, as far as they are known."""
        with self._lock:
            return tuple(dict.fromkeys(self._states[token] for token in tokens if token in self._states))
