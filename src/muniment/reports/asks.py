"""How a number of a report was asked for, so that it can be asked for again.

Every question is put to the places of a log before a checkpoint, so that what is recorded later changes no answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from muniment.core.canonical import Json
from muniment.reports.blocks import MalformedReport, exactly, list_at, object_at, text_at
from muniment.reports.conditions import Condition, read_conditions

Group: TypeAlias = "tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]"
"""What evidences a control: ids of which an entry holds one, actions, and actions that `x` leaves out."""

FILTERS: Final = ("from", "to", "action", "actor", "agent", "workspace", "outcome")
STRATA: Final = ("actor", "action", "outcome", "workspace", "day")
SAMPLE_FACTS: Final = ("items", "marked", "exceptions", "conclusion")
NEWEST_FACTS: Final = ("place", "time")
MAX_EVIDENCE: Final = 500
MAX_STEPS: Final = 6
MAX_IDS: Final = 2_000
"""Things, or controls, that one question names."""
MAX_NUMBERS: Final = 4_000
"""Numbers of one report."""
KINDS: Final = {
    "entries": "how many entries the checkpoint covers",
    "count": "how many entries have something in common",
    "newest": "the newest of them",
    "population": "how many entries a saved population was recorded with",
    "sample": "how far the review of a sample had come",
    "recorded": "what an entry says in a label or in its body",
    "subjects": "how many things of a type stood so, by the entries of their steps",
    "evidenced": "how many controls have an entry",
}


@dataclass(frozen=True, slots=True)
class Ask:
    """One question.

    Attributes:
        kind: one of `KINDS`.
        filters: of `count` and `newest`, as populations take them; controls stand apart, so that no mapping that
            changes can change an answer.
        controls: of `count` and `newest`: control ids of which an entry must hold one, unless its action is one of
            `actions`. Both empty: nothing is asked about controls.
        actions: see `controls`; `x` is every action under `x.`, except `besides`.
        besides: see `actions`.
        stratum: of `count` and `population`: (by what, which one).
        of: of `newest` and `sample`: which fact.
        id: of a population or sample.
        seq: of `recorded`: the entry's place.
        path: of `recorded`: `labels` and a name, or `body` and the way to a value; a part of a list goes by its `name`.
        about: of `subjects`: type of the things; their steps are the server's own entries with one of `actions`.
        where: of `subjects`: what the newest of these steps must say. Nothing: everything that took a step counts.
        ids: of `subjects`: these things alone; None for all.
        below: of `subjects`: only entries before this place count; 0 for all under the checkpoint.
        groups: of `evidenced`: for each control the ids, actions and `besides` that evidence it, as above; an entry
            that matches one of `filters` too is enough.
    """

    kind: str
    filters: Mapping[str, str] | None = None
    controls: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    besides: tuple[str, ...] = ()
    stratum: tuple[str, str] | None = None
    of: str = ""
    id: str = ""
    seq: int = 0
    path: tuple[str, ...] = ()
    about: str = ""
    where: tuple[Condition, ...] = ()
    ids: tuple[str, ...] | None = None
    below: int = 0
    groups: tuple[Group, ...] = ()

    def as_json(self) -> dict[str, Json]:
        """The question as a JSON object; what is not asked for is absent."""
        said: dict[str, Json] = {"kind": self.kind}
        if self.kind == "subjects":
            said |= {"about": self.about, "actions": list(self.actions)}
            said["where"] = [one.as_json() for one in self.where]
            said |= {} if self.ids is None else {"ids": list(self.ids)}
            return said | ({"below": self.below} if self.below else {})
        if self.kind == "evidenced":
            groups: list[Json] = [[list(part) for part in group] for group in self.groups]
            return said | {"filters": dict(self.filters or {}), "groups": groups}
        if self.kind in ("count", "newest"):
            said["filters"] = dict(self.filters or {})
            if self.controls or self.actions:
                said["controls"], said["actions"] = list(self.controls), list(self.actions)
                said["besides"] = list(self.besides)
        if self.stratum is not None:
            said["stratum"] = list(self.stratum)
        if self.kind in ("newest", "sample"):
            said["of"] = self.of
        if self.kind in ("population", "sample"):
            said["id"] = self.id
        if self.kind == "recorded":
            said["seq"], said["path"] = self.seq, list(self.path)
        return said

    @property
    def words(self) -> str:
        """The question in a line."""
        parts = [f"{name} {value}" for name, value in (self.filters or {}).items()]
        if self.controls or self.actions:
            holding = f"holding {' or '.join(self.controls)}" if self.controls else ""
            doing = f"with the action {' or '.join(self.actions)}" if self.actions else ""
            doing += f" (x without {', '.join(self.besides)})" if self.besides else ""
            parts.append(" or ".join(one for one in (holding, doing) if one))
        if self.stratum is not None:
            parts.append(f"{self.stratum[0]} {self.stratum[1] or '(none)'}")
        match self.kind:
            case "entries":
                return "entries under the checkpoint"
            case "subjects":
                told = [f"things of the type {self.about}" if self.ids is None else f"of {len(self.ids):,} named ones"]
                told += [one.words for one in self.where]
                told += [f"before entry {self.below:,}"] if self.below else []
                return f"{'; '.join(told)}; by the newest of {', '.join(self.actions)}"
            case "evidenced":
                return "; ".join([f"how many of {len(self.groups):,} controls have an entry", *parts])
            case "count":
                return "count of entries: " + ("; ".join(parts) or "all")
            case "newest":
                return f"{self.of} of the newest entry: " + ("; ".join(parts) or "all")
            case "population":
                return "; ".join([f"entries of the saved population {self.id}", *parts])
            case "sample":
                return f"{self.of} of the sample {self.id}, by marks under the checkpoint"
        return f"entry {self.seq:,}, {'/'.join(self.path)}"


def read_ask(value: Json, where: str) -> Ask:
    """Read a question.

    Raises:
        MalformedReport: naming the place.
    """
    members = object_at(value, where)
    kind = text_at(members, "kind", where)
    if kind not in KINDS:
        raise MalformedReport(f"is none of {', '.join(KINDS)}", f"{where}.kind")
    if kind in ("count", "newest"):
        return _read_question(members, kind, where)
    if kind == "subjects":
        return _read_subjects(members, where)
    if kind == "evidenced":
        exactly(members, ("kind", "filters", "groups"), where)
        groups = list_at(members, "groups", where, MAX_IDS)
        return Ask(
            kind, filters=_filters(members, where),
            groups=tuple(_group(one, f"{where}.groups[{at}]") for at, one in enumerate(groups)),
        )  # fmt: skip
    if kind == "recorded":
        exactly(members, ("kind", "seq", "path"), where)
        seq, path = members["seq"], list_at(members, "path", where, MAX_STEPS)
        if not isinstance(seq, int) or seq < 0:
            raise MalformedReport("is a place of the log", f"{where}.seq")
        steps = tuple(str(one) for one in path)
        if not all(isinstance(one, str) and len(one) <= 200 for one in path) or len(path) < 2:
            raise MalformedReport("is two to six names", f"{where}.path")
        if steps[0] not in ("labels", "body") or (steps[0] == "labels" and len(steps) != 2):
            raise MalformedReport("begins with labels (and one name) or body", f"{where}.path")
        return Ask(kind, seq=seq, path=steps)
    if kind == "entries":
        exactly(members, ("kind",), where)
        return Ask(kind)
    keys = ["kind", "id"] + (["of"] if kind == "sample" else ["stratum"] if "stratum" in members else [])
    exactly(members, keys, where)
    named = text_at(members, "id", where)
    if not 1 <= len(named) <= 64 or not named.isprintable():
        raise MalformedReport("is an id", f"{where}.id")
    if kind == "sample":
        return Ask(kind, id=named, of=_one_of(members, "of", SAMPLE_FACTS, where))
    return Ask(kind, id=named, stratum=_stratum(members, where))


def _read_question(members: dict[str, Json], kind: str, where: str) -> Ask:
    keys = ["kind", "filters"]
    evidenced = "controls" in members or "actions" in members
    keys += ["controls", "actions", "besides"] if evidenced else []
    keys += ["stratum"] if kind == "count" and "stratum" in members else []
    keys += ["of"] if kind == "newest" else []
    exactly(members, keys, where)
    return Ask(
        kind,
        filters=_filters(members, where),
        controls=_names(members, "controls", where) if evidenced else (),
        actions=_names(members, "actions", where) if evidenced else (),
        besides=_names(members, "besides", where) if evidenced else (),
        stratum=_stratum(members, where),
        of=_one_of(members, "of", NEWEST_FACTS, where) if kind == "newest" else "",
    )


def _filters(members: Mapping[str, Json], where: str) -> dict[str, str]:
    filters = object_at(members["filters"], f"{where}.filters")
    for name, text in filters.items():
        if name not in FILTERS:
            raise MalformedReport(f"is none of {', '.join(FILTERS)}", f"{where}.filters.{name[:40]}")
        if not isinstance(text, str) or not 1 <= len(text) <= 1_024:
            raise MalformedReport("is a text of 1 to 1,024 characters", f"{where}.filters.{name}")
    return {name: str(text) for name, text in filters.items()}


def _read_subjects(members: dict[str, Json], where: str) -> Ask:
    optional = [name for name in ("ids", "below") if name in members]
    exactly(members, ["kind", "about", "actions", "where", *optional], where)
    about, below = text_at(members, "about", where), members.get("below", 0)
    if not 1 <= len(about) <= 64:
        raise MalformedReport("is a type", f"{where}.about")
    if not isinstance(below, int) or below < ("below" in members):
        raise MalformedReport("is a place of the log", f"{where}.below")
    return Ask(
        "subjects",
        about=about,
        actions=_names(members, "actions", where),
        where=read_conditions(members, where),
        ids=_names(members, "ids", where, MAX_IDS) if "ids" in members else None,
        below=below,
    )


def _group(value: Json, where: str) -> Group:
    if not isinstance(value, list) or len(value) != 3:
        raise MalformedReport("is ids, actions, and actions that are left out", where)
    parts = [_names({"": part}, "", f"{where}[{at}]") for at, part in enumerate(value)]
    return parts[0], parts[1], parts[2]


def _stratum(members: Mapping[str, Json], where: str) -> tuple[str, str] | None:
    if "stratum" not in members:
        return None
    pair = list_at(members, "stratum", where, 2)
    if len(pair) != 2 or not all(isinstance(one, str) and len(one) <= 1_024 for one in pair):
        raise MalformedReport("is by what and which", f"{where}.stratum")
    if pair[0] not in STRATA:
        raise MalformedReport(f"is one of {', '.join(STRATA)}", f"{where}.stratum[0]")
    return str(pair[0]), str(pair[1])


def _names(members: Mapping[str, Json], name: str, where: str, most: int = MAX_EVIDENCE) -> tuple[str, ...]:
    found = list_at(members, name, where, most)
    for at, one in enumerate(found):
        if not isinstance(one, str) or not 1 <= len(one) <= 256:
            raise MalformedReport("is a text of 1 to 256 characters", f"{where}.{name}[{at}]")
    return tuple(str(one) for one in found)


def _one_of(members: Mapping[str, Json], name: str, known: tuple[str, ...], where: str) -> str:
    value = members.get(name)
    if not isinstance(value, str) or value not in known:
        raise MalformedReport(f"is one of {', '.join(known)}", f"{where}.{name}")
    return value
