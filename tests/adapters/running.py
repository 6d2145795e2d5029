"""Playing a framework's scenes in its own environment, and reading what its spool then holds."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from muniment.agent.state import State
from muniment.core.event import Event
from tests.adapters.environments import ROOT, interpreter
from tests.adapters.programs.scenes import MARKER
from tests.agent.reading_back import events, frames


@dataclass(frozen=True)
class Told:
    """One event as it stands in the spool."""

    event: Event
    body: bytes

    @property
    def action(self) -> str:
        return self.event.action

    @property
    def tool(self) -> str | None:
        return self.event.tool

    @property
    def outcome(self) -> str:
        return self.event.outcome

    @property
    def reference(self) -> str:
        return f"{self.event.source.id}/{self.event.id}"

    @property
    def causes(self) -> tuple[str, ...]:
        return tuple(self.event.causes)

    @property
    def labels(self) -> dict[str, str]:
        return dict(label.split("=", 1) for label in self.event.labels)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Scene:
    """What one scene recorded and said."""

    def __init__(self, told: list[Told], said: dict[str, Any]) -> None:
        self.told = told
        self.said = said

    def __iter__(self) -> Iterator[Told]:
        return iter(self.told)

    @property
    def actions(self) -> list[str]:
        return [each.action for each in self.told]

    def all(self, action: str, **wanted: str) -> list[Told]:
        """Events of an action; `tool=`, `outcome=`, `agent=` and `step=` narrow it."""
        found = []
        for each in self.told:
            has = {
                "tool": each.tool,
                "outcome": each.outcome,
                "agent": each.labels.get("agent.name"),
                "step": each.labels.get("step.name"),
                "phase": each.labels.get("step"),
            }
            if each.action == action and all(has[key] == value for key, value in wanted.items()):
                found.append(each)
        return found

    def one(self, action: str, **wanted: str) -> Told:
        """The only such event."""
        found = self.all(action, **wanted)
        assert len(found) == 1, (action, wanted, self.lines())
        return found[0]

    def lines(self) -> str:
        """The scene in words, for a failed test."""
        numbers = {each.reference: number for number, each in enumerate(self.told)}
        return "\n".join(
            f"{number} {each.action} {each.tool or each.labels.get('step.name') or ''} {each.outcome} "
            f"agent={each.labels.get('agent.name')} <- {[numbers.get(cause, cause) for cause in each.causes]}"
            for number, each in enumerate(self.told)
        )

    def check(self) -> None:
        """What holds for every scene: causes come first, one trace, one result for each call."""
        seen: set[str] = set()
        for each in self.told:
            assert all(cause in seen for cause in each.causes), self.lines()
            seen.add(each.reference)
        assert not self.said.get("surprises"), self.said


def play(name: str, program: str, state: State, *scenes: str, **environ: str) -> dict[str, Scene]:
    """Run `tests.adapters.programs.<program>` in the environment of a framework."""
    done = run(name, program, state, *scenes, **environ)
    assert done.returncode == 0, done.stderr
    said = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    told: dict[str, list[Told]] = {}
    for each in read(state):
        if each.action == MARKER:
            current = told.setdefault(each.tool or "", [])
        else:
            current.append(each)
    return {line["scene"]: Scene(told.get(line["scene"], []), line) for line in said if "scene" in line}


def run(name: str, program: str, state: State, *scenes: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """The bare process."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("MUNIMENT_", "OPENAI_"))}
    # Where Python may write no bytecode, each start would compile the whole framework anew.
    for variable in ("TRACEPARENT", "PYTHONDONTWRITEBYTECODE"):
        clean.pop(variable, None)
    return subprocess.run(
        [str(interpreter(name)), "-m", f"tests.adapters.programs.{program}", *scenes],
        env={
            **clean,
            "MUNIMENT_STATE": str(state.root),
            "MUNIMENT_AGENT": "research-01",
            "OPENAI_API_KEY": "sk-scripted",
            "NO_PROXY": "127.0.0.1",
            **environ,
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
    )


def play_unrecorded(name: str, program: str, directory: Path, *scenes: str, **environ: str) -> list[dict[str, Any]]:
    """Play scenes where the state directory is a file, and again in the same process where the spools are full.

    Returns:
        What the scenes said.
    """
    state, full = made(directory), directory / "full"
    state.root.write_text("a file where the directory should be")
    left = full / "spool" / "src_full" / "0"
    left.mkdir(parents=True)
    (left / "1.seg").write_bytes(b"as much as the limit allows")
    done = run(name, program, state, *scenes, THEN_STATE=str(full), MUNIMENT_SPOOL_LIMIT="1", **environ)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(f"{name}: an event was not recorded") == 1, done.stderr
    assert done.stderr.count("the spool cannot be written") == 1, done.stderr
    assert len(list(full.glob("spool/*/*/*.seg"))) == 1
    return [said for line in done.stdout.splitlines() if line.startswith("{") if "scene" in (said := json.loads(line))]


def read(state: State) -> list[Told]:
    """Every event with its body, in the order of the spool."""
    return [Told(event, frame.body or b"") for event, frame in zip(events(state), frames(state), strict=True)]


def made(directory: Path) -> State:
    """A state directory."""
    return State(directory / "state")


def played(*names: str) -> pytest.MarkDecorator:
    """Run a test once for each of these scenes, which it gets as `scene`."""
    return pytest.mark.parametrize("scene", names, indirect=True)
