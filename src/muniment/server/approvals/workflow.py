"""Who has to agree to an exception: rules as values, the levels of a case, and what is wrong with rules.

Nothing here knows the database. That a requester never decides and that two levels are two people is no rule of a
tenant: the code and the database of exceptions hold it whatever these rules say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from muniment.core.errors import Malformed

RISK_LEVELS: Final = ("low", "medium", "high", "critical")
CRITICALITIES: Final = ("low", "medium", "high", "critical")
MAX_CLAUSES: Final = 20
MAX_FRAMEWORKS: Final = 16
MAX_ASSETS: Final = 30
MAX_NAMED: Final = 50
MAX_NAME: Final = 254
"""Characters of an id, or of the name or address by which a file calls somebody."""
MAX_REMINDERS: Final = 12
EXCEPTION_DAYS: Final = (1, 1826)
REMINDER_DAYS: Final = (1, 365)
REATTEST_DAYS: Final = (7, 366)
ESCALATE_DAYS: Final = (1, 90)
ALWAYS_REMINDED: Final = (90, 60, 30)
"""Days before an exception ends on which its people are reminded in every tenant; a tenant may add others."""
DEFAULT_ID: Final = "wfv_default"


@dataclass(frozen=True, slots=True)
class Level:
    """One approval that is needed: of somebody who may approve exceptions and is one of those named here.

    Attributes:
        number: 1 or 2; the second decides after the first.
        roles: codes of roles, such as `approver`.
        people: `user:usr_…`.
        groups: ids, `grp_…`. With nothing in all three, anybody who may approve exceptions decides.
    """

    number: int
    roles: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    @property
    def open(self) -> bool:
        """Whether anybody who may approve exceptions decides."""
        return not (self.roles or self.people or self.groups)


@dataclass(frozen=True, slots=True)
class Case:
    """What of an exception chooses its levels.

    Attributes:
        risk_level: one of `RISK_LEVELS`.
        frameworks: ids of the catalogs of its controls, such as `soc2`.
        assets: `ast_…` of its assets.
        criticalities: of these assets.
    """

    risk_level: str
    frameworks: frozenset[str] = frozenset()
    assets: frozenset[str] = frozenset()
    criticalities: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Clause:
    """One row of the rules: for which cases, and which levels they need. An empty condition holds for every case.

    Attributes:
        levels: one or two.
        risk_levels: the case has one of these.
        frameworks: at least one of its controls is of one of these catalogs.
        assets: at least one of its assets is one of these.
        criticalities: at least one of its assets has one of these.
    """

    levels: tuple[Level, ...]
    risk_levels: tuple[str, ...] = ()
    frameworks: tuple[str, ...] = ()
    assets: tuple[str, ...] = ()
    criticalities: tuple[str, ...] = ()

    def covers(self, case: Case) -> bool:
        """Whether it holds for a case."""
        return (
            (not self.risk_levels or case.risk_level in self.risk_levels)
            and (not self.frameworks or not case.frameworks.isdisjoint(self.frameworks))
            and (not self.assets or not case.assets.isdisjoint(self.assets))
            and (not self.criticalities or not case.criticalities.isdisjoint(self.criticalities))
        )


@dataclass(frozen=True, slots=True)
class Rules:
    """A version of how a tenant approves exceptions. There is no case without a level: `otherwise` takes the rest.

    Attributes:
        id: `wfv_…`; `DEFAULT_ID` of the rules that hold until a tenant writes its own; "" of what is not saved.
        version: counted from 1; 0 of the default and of what is not saved.
        clauses: the first one that holds for a case gives its levels.
        otherwise: levels of every case for which none holds.
        max_days: how many days an exception may last at most.
        reminder_days: days before its end on which people are reminded, descending.
        reattest_days: after how many days its owner says again that it still holds.
        escalate_days: after how many days without a decision an approval is escalated.
    """

    id: str
    version: int
    clauses: tuple[Clause, ...]
    otherwise: tuple[Level, ...]
    max_days: int = 365
    reminder_days: tuple[int, ...] = ALWAYS_REMINDED
    reattest_days: int = 180
    escalate_days: int = 7

    def __post_init__(self) -> None:
        if len(self.clauses) > MAX_CLAUSES:
            raise Malformed(f"has at most {MAX_CLAUSES} rows", "clauses")
        for index, clause in enumerate(self.clauses):
            _check_clause(clause, f"clauses[{index}]")
        _check_levels(self.otherwise, "otherwise.levels")
        for field, value, (least, most) in (
            ("max_days", self.max_days, EXCEPTION_DAYS),
            ("reattest_days", self.reattest_days, REATTEST_DAYS),
            ("escalate_days", self.escalate_days, ESCALATE_DAYS),
        ):
            if not least <= value <= most:
                raise Malformed(f"is {least} to {most} days", field)
        _check_reminders(self.reminder_days)

    def paths(self) -> Iterator[tuple[str, tuple[Level, ...]]]:
        """Every way to an approval, with the field that it stands in."""
        for index, clause in enumerate(self.clauses):
            yield f"clauses[{index}]", clause.levels
        yield "otherwise", self.otherwise


def levels_for(rules: Rules, case: Case) -> tuple[Level, ...]:
    """The levels that a case needs, in order: one or two.

    Raises:
        Malformed: for a risk level that there is not.
    """
    return levels_of(rules, clause_for(rules, case))


def clause_for(rules: Rules, case: Case) -> int | None:
    """The place of the first clause that holds for a case; None where `otherwise` takes it.

    Raises:
        Malformed: for a risk level that there is not.
    """
    if case.risk_level not in RISK_LEVELS:
        raise Malformed(f"is one of {', '.join(RISK_LEVELS)}", "risk_level")
    return next((index for index, clause in enumerate(rules.clauses) if clause.covers(case)), None)


def levels_of(rules: Rules, place: int | None) -> tuple[Level, ...]:
    """The levels of a clause by its place; of `otherwise` for None."""
    return rules.otherwise if place is None else rules.clauses[place].levels


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody of the tenant, as rules see them.

    Attributes:
        subject: `user:usr_…`.
        roles: codes, those through groups included.
        groups: ids, those that theirs are part of included.
        approves: may approve exceptions.
        requests: may ask for exceptions.
    """

    subject: str
    roles: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    approves: bool = False
    requests: bool = False


def decides(level: Level, person: Person) -> bool:
    """Whether somebody is one of those who decide at a level, whoever asks for the exception."""
    return person.approves and (
        level.open
        or person.subject in level.people
        or not person.roles.isdisjoint(level.roles)
        or not person.groups.isdisjoint(level.groups)
    )


def _check_clause(clause: Clause, where: str) -> None:
    _check_levels(clause.levels, f"{where}.levels")
    _check_words(clause.risk_levels, RISK_LEVELS, f"{where}.risk_levels")
    _check_words(clause.criticalities, CRITICALITIES, f"{where}.criticalities")
    for field, given, most in (
        ("frameworks", clause.frameworks, MAX_FRAMEWORKS),
        ("assets", clause.assets, MAX_ASSETS),
    ):
        _check_names(given, most, f"{where}.{field}")


def _check_levels(levels: tuple[Level, ...], where: str) -> None:
    if [level.number for level in levels] not in ([1], [1, 2]):
        raise Malformed("has one level or two, the first with the number 1", where)
    for place, level in enumerate(levels):
        for field, given in (("roles", level.roles), ("people", level.people), ("groups", level.groups)):
            _check_names(given, MAX_NAMED, f"{where}[{place}].{field}")


def _check_words(given: Iterable[str], known: tuple[str, ...], where: str) -> None:
    _check_names(tuple(given), len(known), where)
    if not set(given) <= set(known):
        raise Malformed(f"holds some of {', '.join(known)}", where)


def _check_names(given: tuple[str, ...], most: int, where: str) -> None:
    if len(given) > most or len(set(given)) != len(given):
        raise Malformed(f"has at most {most}, each once", where)
    if any(not 1 <= len(one) <= MAX_NAME or not one.isprintable() for one in given):
        raise Malformed(f"holds ids or names of 1 to {MAX_NAME} characters", where)


def _check_reminders(days: tuple[int, ...]) -> None:
    least, most = REMINDER_DAYS
    if any(not least <= day <= most for day in days):
        raise Malformed(f"holds {least} to {most} days", "reminder_days")
    if len(days) > MAX_REMINDERS or list(days) != sorted(set(days), reverse=True):
        raise Malformed(f"has at most {MAX_REMINDERS} days, each once, the longest first", "reminder_days")
    if missing := [day for day in ALWAYS_REMINDED if day not in days]:
        raise Malformed(f"holds {', '.join(map(str, missing))} too: those hold in every tenant", "reminder_days")


DEFAULT: Final = Rules(
    DEFAULT_ID,
    0,
    (Clause((Level(1), Level(2)), risk_levels=("high", "critical")),),
    (Level(1),),
)
"""The rules of a tenant that wrote none. Cases keep their version, so this one never changes."""
