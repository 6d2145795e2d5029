"""A tenant's changes to the mapping: what is baked into entries, and what is annotated.

{"format": "muniment-mapping/1", "name": "acme-2026-11", "base": "base-1", "notes": "notes-1",
 "entry":    {"x.deploy.approve": {"add": ["soc2:CC8.1"]}},
 "annotate": {"tool.call": {"add": ["own:AI-7"], "remove": ["owasp-llm-2025:LLM06"]}}}
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from re import compile as pattern
from typing import Any, Final

from muniment.catalogs import actions
from muniment.catalogs.annotations import NOTES_VERSION, annotations
from muniment.catalogs.framework import Catalog
from muniment.catalogs.known import check_known
from muniment.catalogs.mapping import MAPPING_VERSION, MAX_CONTROLS, base_controls
from muniment.catalogs.shipped import catalog
from muniment.core.canonical import Json, dump_json, parse_json
from muniment.core.errors import Malformed

FORMAT: Final = "muniment-mapping/1"
DOMAIN: Final = b"muniment/mapping/1\0"
MAX_ACTIONS: Final = 2_000
MAX_TEXT: Final = 1_048_576
"""Bytes of a resolved mapping's text."""
MAX_ANNOTATIONS: Final = 256
"""Annotations of one action."""

# The row `x` of the registry speaks for every action of a tenant's own; no action is this one, as digits begin no word.
ANY_OWN: Final = "x.0"
_NAME: Final = pattern(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
_KEYS: Final = ("format", "name", "base", "notes", "entry", "annotate")
_ACTION: Final = pattern(r"(?=[^\n]{1,64}\Z)[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+")


@dataclass(frozen=True, slots=True)
class ActionControls:
    """What an action evidences: `entry` is baked into its entries, `notes` annotate them; both sorted by bytes."""

    entry: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ResolvedMapping:
    """The mapping in force for a tenant.

    Attributes:
        version: as it stands in an entry's `map`: `base-1`, or `base-1.<name>.<12 hex digits of the digest>`.
        digest: SHA-256 of `muniment/mapping/1`, a zero byte and `text()`, hex.
        notes: the version of the annotations below the tenant's changes.
        changed: the actions that the tenant's overrides change; all others are as in `base-1` and `notes-1`.
    """

    version: str
    digest: str
    notes: str = NOTES_VERSION
    changed: Mapping[str, ActionControls] = field(default_factory=dict)

    def of(self, action: str) -> ActionControls:
        """What an action evidences.

        Raises:
            Malformed: if the action is neither registered nor under `x.`.
        """
        if action in self.changed:
            return self.changed[action]
        entry = base_controls(action)
        return ActionControls(entry, tuple(one for one in annotations(action) if one not in entry))

    def annotated_with(self, control: str) -> tuple[str, ...]:
        """The actions that are annotated with a control id and do not bake it in, sorted; for queries by control.

        `x` stands for every action under `x.` that the tenant's overrides do not name.
        """
        codes = {*actions.registry(), *self.changed}
        return tuple(sorted(code for code in codes if control in self.of(ANY_OWN if code == "x" else code).notes))

    def controls_for(self, action: str, explicit: Collection[str] = ()) -> tuple[str, ...]:
        """What an entry holds: an event's own control ids, all of them, and those of the mapping, sorted by bytes.

        Raises:
            Malformed: if the action is not registered, or the union has more than 16 ids.
        """
        entry = self.changed[action].entry if action in self.changed else base_controls(action)
        if not explicit:
            return entry
        union = tuple(sorted({*entry, *explicit}))
        if len(union) > MAX_CONTROLS:
            raise Malformed(
                f"{len(union)} control ids with those of mapping {self.version}; an entry holds {MAX_CONTROLS}",
                "controls",
            )
        return union

    def text(self) -> bytes:
        """What was in force, as canonical JSON: the versions below, and every action that the tenant changed, resolved.

        All other actions are as in those versions, which never change; so the text and the digest stay the same when a
        release registers new actions.
        """
        return _text(self.changed)


def unchanged() -> ResolvedMapping:
    """The mapping of a tenant that has no overrides."""
    return ResolvedMapping(MAPPING_VERSION, sha256(DOMAIN + _text({})).hexdigest())


def resolve(
    overrides: Mapping[str, Any], *, own: Collection[str] = (), find: Callable[[str], Catalog] = catalog
) -> ResolvedMapping:
    """Lay a tenant's overrides over the base mapping and the annotations.

    Args:
        overrides: the document above, as parsed JSON.
        own: ids of the tenant's own controls.
        find: gives a catalog by its id, or raises `Malformed`; the shipped ones by default.

    Raises:
        Malformed: naming the field, such as `annotate.tool.call.add[0]`: an unknown key, action or control id, an
            addition of what is there or a removal of what is not, or more ids than an entry holds.
    """
    for key in overrides:
        if key not in _KEYS:
            raise Malformed(f"unknown key; known are {', '.join(_KEYS)}", str(key))
    for key, value in (("format", FORMAT), ("base", MAPPING_VERSION), ("notes", NOTES_VERSION)):
        if overrides.get(key) != value:
            raise Malformed(f"must be {value}", key)
    name = overrides.get("name")
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise Malformed("must be 1 to 32 small letters, digits and hyphens", "name")
    changed: dict[str, ActionControls] = {}
    for table in ("entry", "annotate"):
        for action, change in _table(overrides, table):
            where = f"{table}.{action}"
            _check_action(action, where)
            if table == "entry" and action in fixed_actions():
                raise Malformed(f"entries of {action} are the ledger's own and follow {MAPPING_VERSION}", where)
            now = changed.get(action) or unchanged().of(action)
            given = _change(now.entry if table == "entry" else now.notes, change, where, own, find)
            if table == "entry":
                if len(given) > MAX_CONTROLS:
                    raise Malformed(f"{len(given)} control ids; an entry holds {MAX_CONTROLS}", where)
                notes = sorted(set(annotations(action)) - set(given))
                changed[action] = ActionControls(given, tuple(notes))
            else:
                if len(given) > MAX_ANNOTATIONS:
                    raise Malformed(f"{len(given)} annotations; an action has at most {MAX_ANNOTATIONS}", where)
                if baked := sorted(set(given) & set(now.entry)):
                    raise Malformed(f"{baked[0]} is baked into entries of {action} already", f"{where}.add")
                changed[action] = ActionControls(now.entry, given)
        if len(changed) > MAX_ACTIONS:
            raise Malformed(f"changes more than {MAX_ACTIONS:,} actions", table)
    digest = sha256(DOMAIN + _text(changed)).hexdigest()
    return ResolvedMapping(f"{MAPPING_VERSION}.{name}.{digest[:12]}", digest, changed=changed)


@cache
def fixed_actions() -> frozenset[str]:
    """The actions whose entries the ledger writes of itself: what they hold follows the base mapping for everybody."""
    own = (row.code for row in actions.registry().values() if row.emitter in ("ledger", "sealer"))
    return frozenset({"mapping.change", *own})


def read_resolved(text: str, version: str) -> ResolvedMapping:
    """A mapping from what `ResolvedMapping.text` wrote of it.

    Args:
        text: canonical JSON.
        version: as entries name it.

    Raises:
        Malformed: if the text is not what a mapping writes, or is not that of this version.
    """
    digest = sha256(DOMAIN + text.encode()).hexdigest()
    if not (version.startswith(f"{MAPPING_VERSION}.") and version.endswith(f".{digest[:12]}")):
        raise Malformed(f"is not the text of {version}", "mapping")
    value = parse_json(text.encode(), max_bytes=MAX_TEXT)
    if not isinstance(value, dict) or not isinstance(rows := value.get("changed"), dict):
        raise Malformed("is no mapping", "mapping")
    changed = {action: ActionControls(_ids(row, "entry"), _ids(row, "notes")) for action, row in rows.items()}
    made = ResolvedMapping(version, digest, changed=changed)
    if made.text() != text.encode():
        raise Malformed("is not written as mappings are", "mapping")
    return made


def _ids(row: Json, key: str) -> tuple[str, ...]:
    given = row.get(key) if isinstance(row, dict) else None
    if not isinstance(given, list):
        raise Malformed("is no list of control ids", f"mapping.{key}")
    return tuple(str(one) for one in given)


def _table(overrides: Mapping[str, Any], table: str) -> list[tuple[str, Any]]:
    value = overrides.get(table, {})
    if not isinstance(value, dict):
        raise Malformed("must be an object of actions", table)
    return sorted(value.items())


def _check_action(action: str, where: str) -> None:
    if _ACTION.fullmatch(action) is None or not actions.is_registered(action):
        raise Malformed(f"{action!r} is not a registered action; your own actions begin with x.", where)


def _change(
    now: tuple[str, ...], change: object, where: str, own: Collection[str], find: Callable[[str], Catalog]
) -> tuple[str, ...]:
    if not isinstance(change, dict) or not change or not set(change) <= {"add", "remove"}:
        raise Malformed("must be an object with add, remove or both", where)
    given = {key: change.get(key, []) for key in ("remove", "add")}
    for key, value in given.items():
        if not isinstance(value, list):
            raise Malformed("must be an array of control ids", f"{where}.{key}")
        if len(set(map(str, value))) != len(value):
            raise Malformed("names a control twice", f"{where}.{key}")
    for at, control in enumerate(given["remove"]):
        if control not in now:
            raise Malformed(f"{control} is not there to remove", f"{where}.remove[{at}]")
    left = set(now) - set(given["remove"])
    for at, control in enumerate(check_known(given["add"], f"{where}.add", own=own, find=find)):
        if control in left:
            raise Malformed(f"{control} is there already", f"{where}.add[{at}]")
        left.add(control)
    return tuple(sorted(left))


def _text(changed: Mapping[str, ActionControls]) -> bytes:
    rows: dict[str, Json] = {
        action: {"entry": list(found.entry), "notes": list(found.notes)} for action, found in changed.items()
    }
    return dump_json({"base": MAPPING_VERSION, "changed": rows, "notes": NOTES_VERSION})
