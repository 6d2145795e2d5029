"""Annotations: controls that an action evidences beside those baked into its entries, as versioned data.

An entry keeps for ever the control ids of the base mapping under which it was recorded. Annotations are laid over it
when it is shown or exported, are marked as such, and name their own version.
"""

import tomllib
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from muniment.catalogs import actions

NOTES_VERSION = "notes-1"


@cache
def _read() -> dict[str, Any]:
    name = f"data/mapping-{NOTES_VERSION}.toml"
    data = tomllib.loads(files("muniment.catalogs").joinpath(name).read_text(encoding="utf-8"))
    if data["version"] != NOTES_VERSION:
        raise ValueError(f"{name} says it is version {data['version']}")
    return data


@cache
def _notes() -> tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]]:
    data = _read()
    by_capability = {capability: frozenset(ids) for capability, ids in data["capability"].items()}
    return by_capability, {action: frozenset(ids) for action, ids in data["action"].items()}


def annotated_actions() -> tuple[str, ...]:
    """The actions that have annotations of their own, beside those of their capabilities."""
    return tuple(sorted(_notes()[1]))


@cache
def unannotated_actions() -> dict[str, str]:
    """The actions for which the annotations of their capabilities are all, each with the reason why."""
    data = _read()
    return {action: row["reason"] for row in data["capabilities_suffice"] for action in row["actions"]}


@lru_cache(maxsize=4096)
def annotations(action: str) -> tuple[str, ...]:
    """Control ids that our annotations give an action, sorted by bytes; what its entries hold anyway is not among them.

    Raises:
        KeyError: if the action is not registered.
    """
    by_capability, by_action = _notes()
    row = actions.find(action)
    found = set(by_action.get(row.code, ()))
    for capability in row.evidences:
        found |= by_capability.get(capability, frozenset())
    return tuple(sorted(found))
