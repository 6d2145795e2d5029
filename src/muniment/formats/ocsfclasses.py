"""Which OCSF class an action is exported as, from the table in `data/ocsf.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class EventClass:
    """An OCSF class with one of its activities.

    Attributes:
        shape: what the class asks for: a name in the table.
        uid: of the class, and `name` its caption.
        name: see `uid`.
        category_uid: of its category, and `category_name` its caption.
        category_name: see `category_uid`.
        activity: number of the activity, and `activity_name` its caption; 99 is named after the action.
        activity_name: see `activity`.
    """

    shape: str
    uid: int
    name: str
    category_uid: int
    category_name: str
    activity: int
    activity_name: str

    @property
    def type_uid(self) -> int:
        """Class and activity in one number."""
        return self.uid * 100 + self.activity


@cache
def table() -> dict[str, Any]:
    """The table as it stands in the file."""
    return tomllib.loads(files("muniment.formats").joinpath("data/ocsf.toml").read_text(encoding="utf-8"))


@lru_cache(maxsize=4096)
def class_of(action: str) -> EventClass:
    """The class of an action's entries."""
    found = table()
    row = found["action"].get(action, found["default"])
    kind, activity = found["class"][row["class"]], int(row["activity"])
    caption = action if activity == 99 else kind["activities"][str(activity)]
    return EventClass(
        row["class"], kind["uid"], kind["name"], kind["category_uid"], kind["category_name"], activity, caption
    )
