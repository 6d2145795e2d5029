"""Rules of approval as a document: what files hold, the API takes, and a version's entry commits to."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from muniment.core.canonical import dump_json
from muniment.core.errors import Malformed
from muniment.server.approvals.workflow import Clause, Level, Rules

_DAYS: Final = ("max_days", "reattest_days", "escalate_days")
_CONDITIONS: Final = ("risk_levels", "frameworks", "assets", "criticalities")
_NAMED: Final = ("roles", "people", "groups")


def document_of(rules: Rules) -> dict[str, Any]:
    """Rules as lists, texts and numbers; conditions and names that are empty are left out.

    >>> from muniment.server.approvals.workflow import DEFAULT
    >>> document_of(DEFAULT)["clauses"]
    [{'risk_levels': ['high', 'critical'], 'levels': [{}, {}]}]
    """
    return {
        "clauses": [
            {
                **{field: list(getattr(one, field)) for field in _CONDITIONS if getattr(one, field)},
                "levels": _levels(one.levels),
            }
            for one in rules.clauses
        ],
        "otherwise": {"levels": _levels(rules.otherwise)},
        "max_days": rules.max_days,
        "reminder_days": list(rules.reminder_days),
        "reattest_days": rules.reattest_days,
        "escalate_days": rules.escalate_days,
    }


def text_of(rules: Rules) -> str:
    """The canonical JSON of the document."""
    return dump_json(document_of(rules)).decode()


def digest_of(text: str) -> str:
    """SHA-256 of the canonical JSON, 64 hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def rules_from(given: object, *, id_: str = "", version: int = 0) -> Rules:
    """Rules out of a document.

    Args:
        given: as `document_of` makes it; `max_days` and the other days may be left out and have their defaults then.
        id_: of the version that it is of; "" of one that is not saved.
        version: its number.

    Raises:
        Malformed: naming the field.
    """
    document = _mapping(given, "", {"clauses", "otherwise", "reminder_days", *_DAYS})
    if "otherwise" not in document:
        raise Malformed("say which levels every other case needs", "otherwise")
    days: dict[str, Any] = {field: _number(document[field], field) for field in _DAYS if field in document}
    if "reminder_days" in document:
        found = [_number(one, "reminder_days") for one in _list(document["reminder_days"], "reminder_days")]
        days["reminder_days"] = tuple(sorted(found, reverse=True))
    clauses = [
        _clause(one, f"clauses[{place}]") for place, one in enumerate(_list(document.get("clauses", []), "clauses"))
    ]
    otherwise = _mapping(document["otherwise"], "otherwise", {"levels"})
    return Rules(id_, version, tuple(clauses), _levels_from(otherwise.get("levels"), "otherwise.levels"), **days)


def _levels(levels: Sequence[Level]) -> list[dict[str, list[str]]]:
    return [{field: list(getattr(one, field)) for field in _NAMED if getattr(one, field)} for one in levels]


def _clause(given: object, where: str) -> Clause:
    row = _mapping(given, where, {"levels", *_CONDITIONS})
    said = {field: _names(row[field], f"{where}.{field}") for field in _CONDITIONS if field in row}
    return Clause(_levels_from(row.get("levels"), f"{where}.levels"), **said)


def _levels_from(given: object, where: str) -> tuple[Level, ...]:
    levels = []
    for place, one in enumerate(_list(given, where)):
        row = _mapping(one, f"{where}[{place}]", set(_NAMED))
        said = {field: _names(row[field], f"{where}[{place}].{field}") for field in _NAMED if field in row}
        levels.append(Level(place + 1, **said))
    return tuple(levels)


def _mapping(given: object, where: str, known: set[str]) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise Malformed("is a table of fields and values", where or "rules")
    if strange := sorted(str(field) for field in given if field not in known):
        raise Malformed(f"is no field here; {', '.join(sorted(known))} are", _place(where, strange[0][:64]))
    return given


def _list(given: object, where: str) -> list[object]:
    if not isinstance(given, list):
        raise Malformed("is a list", where)
    return given


def _names(given: object, where: str) -> tuple[str, ...]:
    found = _list(given, where)
    if not all(isinstance(one, str) for one in found):
        raise Malformed("is a list of texts", where)
    return tuple(str(one).strip() for one in found)


def _number(given: object, where: str) -> int:
    if isinstance(given, bool) or not isinstance(given, int):
        raise Malformed("is a whole number of days", where)
    return given


def _place(where: str, field: str) -> str:
    return f"{where}.{field}" if where else field
