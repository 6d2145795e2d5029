"""The registry of actions: what an event's `action` may be, who emits it and what it evidences."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

TENANT_PREFIX = "x."
_TENANT_ROW = "x"


@dataclass(frozen=True, slots=True)
class Action:
    """One registered action.

    Attributes:
        code: as it stands in an event, for example `tool.call`; `x` stands for every action under `x.`.
        emitter: the part of Muniment that writes it.
        meaning: one line for people.
        evidences: capabilities, rows of the base mapping.
    """

    code: str
    emitter: str
    meaning: str
    evidences: tuple[str, ...]


@cache
def registry() -> dict[str, Action]:
    """Every registered action by its code."""
    data = tomllib.loads(files("muniment.catalogs").joinpath("data/actions.toml").read_text(encoding="utf-8"))
    return {
        code: Action(code, row["emitter"], row["meaning"], tuple(row["evidences"]))
        for code, row in data["action"].items()
    }


def is_registered(action: str) -> bool:
    """Say whether an event may carry this action: it has a row of its own, or begins with `x.`.

    >>> is_registered("tool.call"), is_registered("x.deploy.approve"), is_registered("tool.cal"), is_registered("x")
    (True, True, False, False)
    """
    return action.startswith(TENANT_PREFIX) or (action in registry() and action != _TENANT_ROW)


def find(action: str) -> Action:
    """The row that governs an action; the row `x` for a tenant's own.

    Raises:
        KeyError: if the action is not registered.
    """
    return registry()[_TENANT_ROW if action.startswith(TENANT_PREFIX) else action]
