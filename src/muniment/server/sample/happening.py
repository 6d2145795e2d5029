"""What happens in the sample, before a source numbers it, and the thread of a story that strings it together."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

AGENT: Final = "agent"


@dataclass(frozen=True, slots=True, eq=False)
class Happening:
    """One event to come.

    Attributes:
        at: seconds since the sample's day began.
        capture: which source tells of it, by the name in `company.toml`.
        action: a registered action, or one of the tenant's own.
        actor: (type, id).
        outcome: success, failure, denied or unknown.
        causes: what led to it; each happened earlier.
        tool: the tool's name.
        resource: (type, id).
        labels: by key.
        trace: 32 hex digits.
        workspace: where it happened.
        payload: becomes the body; None for an event without one.
    """

    at: float
    capture: str
    action: str
    actor: tuple[str, str]
    outcome: str = "success"
    causes: tuple["Happening", ...] = ()
    tool: str | None = None
    resource: tuple[str, str] | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    trace: str | None = None
    workspace: str | None = None
    payload: object = None


class Thread:
    """One task from its beginning to its end: a trace, a clock that only runs forward, and what was said so far.

    Args:
        dice: makes the sample the same each time it is told.
        start: seconds since the sample's day began.
        told: takes what happens.
    """

    def __init__(self, dice: random.Random, start: float, told: list[Happening]) -> None:
        self.dice = dice
        self.now = start
        self.trace = f"{dice.getrandbits(128) | 1:032x}"
        self._told = told

    def wait(self, low: float, high: float) -> None:
        """Let some time pass, in seconds."""
        self.now += self.dice.uniform(low, high)

    def tell(
        self,
        capture: str,
        action: str,
        *,
        actor: tuple[str, str] | None = None,
        outcome: str = "success",
        causes: tuple[Happening, ...] = (),
        tool: str | None = None,
        resource: tuple[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        workspace: str | None = None,
        payload: object = None,
        traced: bool = True,
    ) -> Happening:
        """Say that something happened now; the actor is the capture's own agent unless another is named."""
        happening = Happening(
            at=self.now,
            capture=capture,
            action=action,
            actor=actor or (AGENT, f"agent:{capture}"),
            outcome=outcome,
            causes=causes,
            tool=tool,
            resource=resource,
            labels=labels or {},
            trace=self.trace if traced else None,
            workspace=workspace,
            payload=payload,
        )
        self._told.append(happening)
        self.wait(0.02, 0.4)
        return happening

    def call(
        self,
        capture: str,
        tool: str,
        arguments: Mapping[str, object],
        result: object,
        *,
        causes: tuple[Happening, ...] = (),
        outcome: str = "success",
        resource: tuple[str, str] | None = None,
        took: tuple[float, float] = (0.1, 2.5),
    ) -> Happening:
        """A tool call and how it ended; returns the end."""
        call = self.tell(
            capture, "tool.call", tool=tool, outcome="unknown", causes=causes, resource=resource, payload=arguments
        )
        self.wait(*took)
        return self.tell(
            capture, "tool.result", tool=tool, outcome=outcome, causes=(call,), resource=resource, payload=result
        )

    def think(self, capture: str, model: str, about: str, answer: str, *causes: Happening) -> Happening:
        """A model call with its token counts; returns the answer."""
        asked = self.tell(
            capture,
            "model.invoke",
            outcome="unknown",
            causes=causes,
            resource=("model", model),
            labels={"tokens.in": str(self.dice.randint(400, 6_000))},
            payload={"messages": [{"role": "user", "content": about}]},
        )
        self.wait(0.8, 6)
        return self.tell(
            capture,
            "model.result",
            causes=(asked,),
            resource=("model", model),
            labels={"stop": "end", "tokens.out": str(self.dice.randint(40, 900))},
            payload={"content": answer},
        )
