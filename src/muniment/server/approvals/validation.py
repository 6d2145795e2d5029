"""What is wrong with rules of approval: rows that hold for no case, levels at which nobody else decides."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from muniment.server.approvals.workflow import (
    CRITICALITIES,
    RISK_LEVELS,
    Clause,
    Level,
    Person,
    Rules,
    decides,
)

FaultKind = Literal["unreachable", "nobody", "self-approving", "one-person", "stuck"]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with rules.

    Attributes:
        kind: `unreachable`, a clause that holds for no case; `nobody`, a level at which nobody decides;
            `self-approving`, a level whose only decider may ask for exceptions too and would be left to decide on their
            own; `one-person`, two levels and only one person for both; `stuck`, two levels of which somebody's own
            requests could not pass the second. All but `stuck` keep rules from being saved.
        where: `clauses[0]`, `clauses[0].levels[1]`, `otherwise.levels[0]`.
        reason: for people.
    """

    kind: FaultKind
    where: str
    reason: str

    @property
    def blocks(self) -> bool:
        """Whether rules with it are not saved."""
        return self.kind != "stuck"


def validate(rules: Rules, people: Collection[Person]) -> list[Fault]:
    """What is wrong with rules, given who is there.

    Args:
        rules: to be judged.
        people: the present members of the tenant.
    """
    faults = [
        Fault("unreachable", f"clauses[{place}]", "the rows above take every case that this one is for")
        for place in _unreachable(rules.clauses)
    ]
    for where, levels in rules.paths():
        faults.extend(_faults_of(levels, where, people))
    return faults


def _faults_of(levels: tuple[Level, ...], where: str, people: Collection[Person]) -> Iterator[Fault]:
    deciding = [{one.subject for one in people if decides(level, one)} for level in levels]
    asking = sorted(one.subject for one in people if one.requests)
    sound = True
    for place, found in enumerate(deciding):
        at = f"{where}.levels[{place}]"
        if not found:
            yield Fault("nobody", at, "nobody who is named here may approve exceptions")
            sound = False
        elif len(found) == 1 and found <= set(asking):
            (alone,) = found
            reason = f"{alone} decides alone and may ask for exceptions too: name somebody else beside them"
            yield Fault("self-approving", at, reason)
            sound = False
    together = set[str]().union(*deciding)
    if len(levels) == 1 or not sound:
        return
    if len(together) == 1:
        yield Fault("one-person", where, f"{min(together)} is the only one at both levels; two people are needed")
        return
    for one in asking:
        if len(together - {one}) < len(levels):
            yield Fault("stuck", where, f"what {one} asks for could not pass both levels: too few others decide")


def _unreachable(clauses: tuple[Clause, ...]) -> Iterator[int]:
    for place, clause in enumerate(clauses):
        if all(_taken(clause, risk, clauses[:place]) for risk in clause.risk_levels or RISK_LEVELS):
            yield place


def _taken(clause: Clause, risk: str, above: Sequence[Clause]) -> bool:
    """Whether the clauses above take every case of a risk level for which a clause holds.

    What holds for a case holds for every case with more in it, so that only those with the least in them are asked: at
    most one framework, and one asset with its criticality. An asset that no clause names is written "".
    """
    above = [one for one in above if not one.risk_levels or risk in one.risk_levels]
    for framework in clause.frameworks or ("",):
        left = [one for one in above if not one.frameworks or framework in one.frameworks]
        if any(not one.assets and not one.criticalities for one in left):
            continue
        for asset in clause.assets or ("",):
            some = [one for one in left if not one.assets or asset in one.assets]
            for criticality in clause.criticalities or (CRITICALITIES if clause.assets else ("",)):
                if not any(not one.criticalities or criticality in one.criticalities for one in some):
                    return False
    return True
