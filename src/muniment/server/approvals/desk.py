"""The page on which rules are written: a form for each row, and those around them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from muniment.server.approvals.forms import (
    CaseForm,
    Choices,
    ClauseForm,
    DaysForm,
    LevelsForm,
    clause_initial,
    days_of,
    levels_initial,
)
from muniment.server.approvals.workflow import MAX_CLAUSES, Rules


@dataclass(frozen=True, slots=True)
class Offered:
    """What the forms offer.

    Attributes:
        roles: that may approve exceptions, or are named already.
        groups: of the tenant.
        names: addresses of people and codes of assets, by id.
    """

    roles: Choices
    groups: Choices
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Desk:
    """The forms of the page.

    Attributes:
        rows: one for each clause.
        otherwise: for every other case.
        days: how long, and when people are told.
        case: a made-up case.
        offered: see there.
    """

    rows: tuple[ClauseForm, ...]
    otherwise: LevelsForm
    days: DaysForm
    case: CaseForm
    offered: Offered

    @classmethod
    def begun(cls, rules: Rules, offered: Offered) -> Desk:
        """With rules to begin from."""
        return cls._with(
            [clause_initial(one, offered.names) for one in rules.clauses],
            levels_initial(rules.otherwise, offered.names),
            days_of(rules),
            {},
            offered,
        )

    @classmethod
    def sent(cls, data: Mapping[str, Any], offered: Offered) -> Desk:
        """With what somebody wrote."""
        text = str(data.get("rows", ""))
        count = min(int(text), MAX_CLAUSES) if re.fullmatch(r"[0-9]{1,3}", text, re.ASCII) else 0
        lists = {"roles": offered.roles, "groups": offered.groups}
        return cls(
            tuple(ClauseForm(data, prefix=f"row{place}", **lists) for place in range(count)),
            LevelsForm(data, prefix="rest", **lists),
            DaysForm(data, prefix="days"),
            CaseForm(data, prefix="case"),
            offered,
        )

    def moved(self, order: Sequence[int | None]) -> Desk:
        """The same, whatever is wrong with it, with its rows in another order; None stands for a new one."""
        rows = [{} if old is None else _values(self.rows[old]) for old in order]
        return Desk._with(rows, _values(self.otherwise), _values(self.days), _values(self.case), self.offered)

    def is_valid(self) -> bool:
        """Whether every form is, each of them having said what is wrong with it."""
        judged = [one.is_valid() for one in (*self.rows, self.otherwise, self.days, self.case)]
        return all(judged)

    def document(self) -> dict[str, Any]:
        """What was written; to be called once it is valid."""
        return {
            "clauses": [one.clause() for one in self.rows],
            "otherwise": {"levels": self.otherwise.levels()},
            **self.days.cleaned_data,
        }

    def accuse(self, error: Any) -> None:
        """Say at its row what was wrong."""
        where = str(error.where or "")
        row = re.match(r"clauses\[([0-9]+)\]", where)
        if row is not None and int(row[1]) < len(self.rows):
            form = self.rows[int(row[1])]
            form.add_error(_field_of(where, form), error.reason)
        elif where.startswith("otherwise"):
            self.otherwise.add_error(_field_of(where, self.otherwise), error.reason)
        elif where.startswith("case.") or where == "risk_level":
            self.case.accuse(error)
        else:
            self.days.accuse(error)

    @classmethod
    def _with(
        cls,
        rows: Sequence[Mapping[str, Any]],
        otherwise: Mapping[str, Any],
        days: Mapping[str, Any],
        case: Mapping[str, Any],
        offered: Offered,
    ) -> Desk:
        lists = {"roles": offered.roles, "groups": offered.groups}
        return cls(
            tuple(ClauseForm(prefix=f"row{place}", initial=one, **lists) for place, one in enumerate(rows)),
            LevelsForm(prefix="rest", initial=otherwise, **lists),
            DaysForm(prefix="days", initial=dict(days)),
            CaseForm(prefix="case", initial=dict(case)),
            offered,
        )


def _values(form: LevelsForm | DaysForm | CaseForm) -> dict[str, Any]:
    return {name: form[name].value() for name in form.fields}


def _field_of(where: str, form: LevelsForm) -> str | None:
    level = re.search(r"levels\[([01])\]\.(\w+)$", where)
    name = f"{('first', 'second')[int(level[1])]}_{level[2]}" if level else where.rpartition(".")[2]
    return name if name in form.fields else None
