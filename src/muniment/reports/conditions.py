"""What the newest steps of something must say, so that it counts in a report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from muniment.core.canonical import Json
from muniment.reports.blocks import MalformedReport, exactly, list_at, object_at

ACTION: Final = "action"
"""Names the action of the step itself where a label is asked for."""
MAX_CONDITIONS: Final = 8
MAX_VALUES: Final = 32
_MEMBERS: Final = ("label", "of", "is", "since", "before")


@dataclass(frozen=True, slots=True)
class Condition:
    """What a label of a step must say.

    Attributes:
        label: its name; `action` for the step's action.
        of: the newest step with this action is asked; "" for the newest step of all.
        among: one of these; empty if that is not asked.
        since: at least this, as text: days and times compare so. "" if that is not asked.
        before: less than this, as text, and not empty. "" if that is not asked.
    """

    label: str
    of: str = ""
    among: tuple[str, ...] = ()
    since: str = ""
    before: str = ""

    def holds(self, value: str) -> bool:
        """Whether a value fits; a label that a step does not have is ""."""
        if self.among and value not in self.among:
            return False
        if self.since and value < self.since:
            return False
        return not self.before or "" < value < self.before

    def as_json(self) -> dict[str, Json]:
        """The condition as a JSON object; what is not asked is absent."""
        said: dict[str, Json] = {"label": self.label}
        said |= {"of": self.of} if self.of else {}
        said |= {"is": list(self.among)} if self.among else {}
        said |= {"since": self.since} if self.since else {}
        return said | ({"before": self.before} if self.before else {})

    @property
    def words(self) -> str:
        """The condition in a few words."""
        name = f"{self.label} of {self.of}" if self.of else self.label
        said = [" or ".join(one or "(none)" for one in self.among)] if self.among else []
        said += [f"from {self.since} on"] if self.since else []
        said += [f"before {self.before}"] if self.before else []
        return f"{name} {' '.join(said)}"


def read_conditions(members: Mapping[str, Json], where: str) -> tuple[Condition, ...]:
    """The member `where` of a question.

    Raises:
        MalformedReport: naming the place.
    """
    found = []
    for at, value in enumerate(list_at(members, "where", where, MAX_CONDITIONS)):
        place = f"{where}.where[{at}]"
        one = object_at(value, place)
        exactly(one, [name for name in _MEMBERS if name == "label" or name in one], place)
        values = list_at(one, "is", place, MAX_VALUES) if "is" in one else []
        texts = {name: one.get(name, "") for name in ("label", "of", "since", "before")}
        for name, text in (*texts.items(), *((f"is[{at}]", text) for at, text in enumerate(values))):
            if not isinstance(text, str) or len(text) > 200:
                raise MalformedReport("is a text of at most 200 characters", f"{place}.{name}")
        made = Condition(
            str(texts["label"]),
            str(texts["of"]),
            tuple(str(text) for text in values),
            str(texts["since"]),
            str(texts["before"]),
        )
        if not made.label or not (made.among or made.since or made.before):
            raise MalformedReport("names a label and what it says", place)
        if made.as_json() != one:
            raise MalformedReport("names what it does not ask", place)
        found.append(made)
    return tuple(found)
