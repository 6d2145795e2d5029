"""What an export is asked for: the filters of a population, and a whole framework beside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from muniment.catalogs.asjson import exported_row_json
from muniment.core.canonical import dump_json, parse_json
from muniment.core.errors import Malformed
from muniment.formats.oscal import AskedControl, token
from muniment.ledger.query import EntryFilter, Evidence
from muniment.server.controls.services import evidence_of, own_ids
from muniment.server.frameworks.services import check_controls, find_catalog
from muniment.server.frameworks.services import evidence_of as evidence_of_all
from muniment.server.populations.question import read_question

LABELS: Final = {
    "from": "From",
    "to": "Until",
    "action": "Action",
    "actor": "Actor",
    "agent": "Agent",
    "workspace": "Workspace",
    "outcome": "Outcome",
    "control": "Control",
    "framework": "Framework",
}
"""Every filter with its name on screen."""
_BY_CONTROL: Final = ("control", "framework")
MAX_EVIDENCE: Final = 1 << 24
OWN: Final = "own"
"""The framework that is the tenant's own controls."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What an export is asked for.

    Attributes:
        given: by filter; times as RFC 3339 in UTC with six digits.
        evidence: what the filter by control or framework asks the log for; None without one.
        filter: all of it as the ledger takes it, without a range.
        about: controls about which OSCAL results speak; empty for other formats.
    """

    given: Mapping[str, str]
    evidence: Evidence | None
    filter: EntryFilter
    about: tuple[AskedControl, ...] = ()

    @property
    def text(self) -> str:
        """The filters as canonical JSON (RFC 8785)."""
        return dump_json(dict(self.given)).decode()

    @property
    def evidence_text(self) -> str:
        """What was asked by control, as canonical JSON; "" if nothing was."""
        if self.evidence is None:
            return ""
        return dump_json({**evidence_json(self.evidence), "about": [_about_json(one) for one in self.about]}).decode()

    @property
    def words(self) -> list[tuple[str, str]]:
        """Name and value of each filter."""
        return [(LABELS[name], self.given[name]) for name in LABELS if name in self.given]


def evidence_json(evidence: Evidence) -> dict[str, list[str]]:
    """What is asked of the log, as JSON."""
    return {
        "controls": list(evidence.controls),
        "actions": list(evidence.actions),
        "besides": list(evidence.besides),
    }


def read_asked(values: Mapping[str, str | None]) -> Asked:
    """Read the filters; empty values are none. In the tenant's scope, whose catalogs and mapping say what counts.

    Raises:
        Malformed: naming the filter.
    """
    given = {name: text for name in LABELS if (text := (values.get(name) or "").strip())}
    for name, text in given.items():
        if len(text) > 1024 or any(ord(letter) < 32 for letter in text):
            raise Malformed("has at most 1,024 characters, and none that controls", name)
    if "control" in given and "framework" in given:
        raise Malformed("give either a control or a framework", "framework")
    plain = read_question(_plain(given))
    evidence = None
    if "control" in given:
        check_controls([given["control"]], "control", own=own_ids())
        evidence = evidence_of(given["control"])
    elif "framework" in given:
        evidence = evidence_of_all(_ids(given["framework"]))
    both = {**plain.given, **{name: one for name, one in given.items() if name in _BY_CONTROL}}
    return Asked(both, evidence, replace(plain.asked, evidence=evidence))


def stored_asked(question: str, evidence: str) -> Asked:
    """The question of an export as it was asked then, whatever catalogs and mapping say now.

    Raises:
        Malformed: if the texts were not written here.
    """
    given = parse_json(question.encode())
    asked = parse_json(evidence.encode(), max_bytes=MAX_EVIDENCE) if evidence else None
    if not isinstance(given, dict) or not all(isinstance(one, str) for one in given.values()):
        raise Malformed("is no question", "question")
    values = {name: str(one) for name, one in given.items()}
    plain = read_question(_plain(values))
    wanted: Evidence | None = None
    about: tuple[AskedControl, ...] = ()
    if isinstance(asked, dict):
        wanted = Evidence(
            *(tuple(str(one) for one in _list(asked, name)) for name in ("controls", "actions", "besides"))
        )
        about = tuple(_about(one) for one in _list(asked, "about"))
    return Asked(values, wanted, replace(plain.asked, evidence=wanted), about)


def asked_controls(given: Mapping[str, str]) -> list[AskedControl]:
    """The controls about which OSCAL results speak, in the order of the framework.

    Raises:
        Malformed: if neither a control nor a framework was asked for.
    """
    if "control" in given:
        return [_asked_control(given["control"], _title(given["control"]))]
    if "framework" not in given:
        raise Malformed("OSCAL results are about controls: name a framework or a control", "framework")
    if given["framework"] == OWN:
        found = [_asked_control(control, "") for control in sorted(own_ids())]
    else:
        catalog = find_catalog(given["framework"])
        rows = [(catalog.control_id(row), row) for row in catalog.counted]
        found = [_asked_control(control, exported_row_json(catalog, row)["name"] or "") for control, row in rows]
    if len({token(one.control) for one in found}) != len(found):
        raise Malformed("has control ids that OSCAL cannot tell apart", "framework")
    return found


def _plain(values: Mapping[str, str]) -> dict[str, str | None]:
    return {name: value for name, value in values.items() if name not in _BY_CONTROL}


def _asked_control(control: str, title: str) -> AskedControl:
    evidence = evidence_of(control)
    return AskedControl(
        control, title, frozenset(evidence.controls), frozenset(evidence.actions), frozenset(evidence.besides)
    )


def _title(control: str) -> str:
    prefix, _, row = control.partition(":")
    if prefix == OWN:
        return ""
    catalog = find_catalog(prefix)
    return str(exported_row_json(catalog, catalog.find(row))["name"] or "")


def _ids(framework: str) -> list[str]:
    if framework == OWN:
        found = sorted({one for control in own_ids() for one in evidence_of(control).controls})
        if not found:
            raise Malformed("there are no own controls", "framework")
        return found
    try:
        catalog = find_catalog(framework)
    except Malformed:
        raise Malformed("there is no framework of that id", "framework") from None
    return [catalog.control_id(row) for row in catalog.requirements]


def _about_json(one: AskedControl) -> dict[str, object]:
    return {
        "control": one.control,
        "title": one.title,
        "ids": sorted(one.ids),
        "actions": sorted(one.actions),
        "besides": sorted(one.besides),
    }


def _about(value: object) -> AskedControl:
    if not isinstance(value, dict):
        raise Malformed("is no question", "evidence")
    ids, actions, besides = (
        frozenset(str(one) for one in _list(value, name)) for name in ("ids", "actions", "besides")
    )
    return AskedControl(str(value.get("control")), str(value.get("title")), ids, actions, besides)


def _list(value: Mapping[str, object], name: str) -> list[object]:
    found = value.get(name)
    if not isinstance(found, list):
        raise Malformed("is no question", "evidence")
    return found
