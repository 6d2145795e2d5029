"""Rules of approval in words, and what differs between two versions of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from muniment.server.approvals.workflow import Clause, Level, Rules


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a comparison: it stands in both, or was added or removed."""

    sign: Literal["same", "added", "removed"]
    text: str


def condition_of(clause: Clause, names: Mapping[str, str]) -> str:
    """For which cases a clause holds, in words.

    Args:
        clause: a row of the rules.
        names: of assets, by id; an id without a name stands for itself, and so below.

    >>> condition_of(Clause((Level(1),), risk_levels=("high", "critical"), frameworks=("soc2",)), {})
    'risk is high or critical, and a control of soc2'
    """
    said = []
    if clause.risk_levels:
        said.append(f"risk is {_either(clause.risk_levels)}")
    if clause.frameworks:
        said.append(f"a control of {_either(clause.frameworks)}")
    if clause.assets:
        said.append(f"the asset {_either(names.get(one, one) for one in clause.assets)}")
    if clause.criticalities:
        said.append(f"an asset of {_either(clause.criticalities)} criticality")
    return ", and ".join(said) or "every case"


def deciders_of(level: Level, names: Mapping[str, str]) -> str:
    """Who decides at a level, in words.

    >>> deciders_of(Level(1, roles=("approver",), groups=("grp_1",)), {"approver": "Approver", "grp_1": "Risk"})
    'the role Approver or the group Risk'
    """
    said = [f"the role {names.get(one, one)}" for one in level.roles]
    said += [f"the group {names.get(one, one)}" for one in level.groups]
    said += [names.get(one, one) for one in level.people]
    return _either(said) or "anybody who may approve exceptions"


def lines_of(rules: Rules, names: Mapping[str, str]) -> list[str]:
    """Rules as lines of text, in the order in which they count."""
    lines = [f"If {condition_of(one, names)}: {_levels(one.levels, names)}" for one in rules.clauses]
    lines.append(f"Otherwise: {_levels(rules.otherwise, names)}")
    lines.append(f"An exception lasts at most {_days(rules.max_days)}")
    lines.append(f"Reminders {', '.join(map(str, rules.reminder_days))} days before its end")
    lines.append(f"Its owner says again every {_days(rules.reattest_days)} that it still holds")
    lines.append(f"An approval that waits {_days(rules.escalate_days)} is escalated")
    return lines


def compared(before: Sequence[str], after: Sequence[str]) -> list[Line]:
    """Two texts line by line, removals before additions.

    >>> [line.sign for line in compared(["a", "b"], ["a", "c"])]
    ['same', 'removed', 'added']
    """
    found: list[Line] = []
    for kind, first, last, start, end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            found.extend(Line("same", one) for one in before[first:last])
        else:
            found.extend(Line("removed", one) for one in before[first:last])
            found.extend(Line("added", one) for one in after[start:end])
    return found


def _levels(levels: Sequence[Level], names: Mapping[str, str]) -> str:
    said = [deciders_of(level, names) for level in levels]
    return f"{said[0]}, then {said[1]} (two people)" if len(said) > 1 else said[0]


def _either(words: Iterable[str]) -> str:
    given = list(words)
    return " or ".join(filter(None, [", ".join(given[:-1]), *given[-1:]]))


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
