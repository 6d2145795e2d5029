"""Scenes: each a script for the model and an agent that is played with it, all in one process, told apart by markers.

Starting a framework takes seconds; so one process plays all scenes of a framework one after the other. Before each, it
records `x.scene` with its name as the tool, and what the scene returned or raised is printed as a line of JSON.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import sys
from collections.abc import Callable
from typing import Any

import muniment
from tests.support.scripted_model import Answer, ScriptedModel

MARKER = "x.scene"


class Scenes:
    """A list of scenes, in the order in which they are declared."""

    def __init__(self) -> None:
        self._scenes: list[tuple[str, tuple[Answer, ...], Callable[[ScriptedModel], Any]]] = []

    def scene(self, *answers: Answer) -> Callable[[Callable[[ScriptedModel], Any]], Callable[[ScriptedModel], Any]]:
        """Declare a scene; a coroutine runs in an event loop of its own."""

        def declared(play: Callable[[ScriptedModel], Any]) -> Callable[[ScriptedModel], Any]:
            self._scenes.append((play.__name__, answers, play))
            return play

        return declared

    def play(self) -> None:
        """Play all, or those that the command line names; those once more if `THEN_STATE` names another directory."""
        self._play()
        if other := os.environ.get("THEN_STATE"):
            os.environ["MUNIMENT_STATE"] = other
            self._play()

    def _play(self) -> None:
        for name, answers, play in self._scenes:
            if sys.argv[1:] and name not in sys.argv[1:]:
                continue
            try:
                muniment.record(MARKER, tool=name, causes=())
            except Exception as error:
                print(json.dumps({"unmarked": str(error)}))
            with ScriptedModel(*answers) as model:
                said: dict[str, object] = {"scene": name}
                try:
                    result = asyncio.run(play(model)) if inspect.iscoroutinefunction(play) else play(model)
                    said["returned"] = result
                except BaseException as error:
                    said["raised"] = type(error).__name__
                    said["message"] = str(error)
                said["asked"] = len(model.requests)
                said["surprises"] = model.surprises
            print(json.dumps(said, default=str), flush=True)
