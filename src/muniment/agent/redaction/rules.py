"""Redaction: what must not leave the process in clear is replaced before an event is written, the spool included.

Rules come from the file that `MUNIMENT_REDACT` names (TOML, or JSON with the same keys) and from code; all hold. A rule
says which actions it is for and what it withholds: values under a key's name, values at a path, and what a pattern
finds. What was replaced reads `[redacted]`. An event to which rules applied carries the label
`redacted=<how many>;rules=<SHA-256 of the rules>`, so that it can be told later which rules were in force.

How a body is searched stands in `searching`.
"""

import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Self

import orjson

from muniment.agent.draft import Actor, Resource
from muniment.agent.labels import Labels, label_pairs
from muniment.agent.redaction.searching import Findings, Search
from muniment.core.errors import Malformed

_MAX_FILE: Final = 1_048_576
_LISTS: Final = ("keys", "paths", "patterns", "actions")
_BINARY: Final = ("withhold", "keep")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        keys: names of keys whose values are withheld; compared without regard to case, width, separators and letters
            that look alike; up to two `*` stand for anything.
        paths: JSON pointers into the body (RFC 6901), where a segment `*` stands for any one key or index.
        patterns: regular expressions with a bounded search time (see `patterns`); what they find is withheld.
        actions: the actions it is for; `*` stands for anything.
        binary: `withhold` replaces a body that cannot be read as text as a whole; `keep` leaves it.
    """

    keys: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    actions: tuple[str, ...] = ("*",)
    binary: str = "withhold"

    def __post_init__(self) -> None:
        for name in _LISTS:
            value = getattr(self, name)
            if not isinstance(value, tuple) or not all(isinstance(item, str) and item for item in value):
                raise Malformed("must be a list of strings that are not empty", name)
        if self.binary not in _BINARY:
            raise Malformed(f"must be one of {', '.join(_BINARY)}", "binary")
        if not self.actions or not (self.keys or self.paths or self.patterns):
            raise Malformed("a rule needs actions, and keys, paths or patterns", "rule")

    def applies(self, action: str) -> bool:
        """Whether it is for an action."""
        return any(fnmatchcase(action, pattern) for pattern in self.actions)


class Redaction:
    """Rules, ready to be applied. Two of them are joined by `+`.

    Args:
        keys, paths, patterns, actions, binary: those of one `Rule`.
        rules: more rules.

    Attributes:
        digest: SHA-256 (hex) of the rules, in their order.

    Raises:
        Malformed: naming what cannot be.

    >>> Redaction(keys=["password"]).body(
    ...     "tool.call", b'{"Password":"hunter2"}', "application/json", Findings()
    ... )[0]
    b'{"Password":"[redacted]"}'
    """

    def __init__(
        self,
        keys: Iterable[str] = (),
        paths: Iterable[str] = (),
        patterns: Iterable[str] = (),
        actions: Iterable[str] = ("*",),
        binary: str = "withhold",
        *,
        rules: Iterable[Rule] = (),
    ) -> None:
        own = (tuple(keys), tuple(paths), tuple(patterns))
        first = (Rule(*own, tuple(actions), binary),) if any(own) else ()
        self.rules = (*first, *rules)
        if not self.rules:
            raise Malformed("no rule at all", "redaction")
        told = [
            [list(rule.keys), list(rule.paths), list(rule.patterns), list(rule.actions), rule.binary]
            for rule in self.rules
        ]
        self.digest = hashlib.sha256(b"muniment/redaction/1\0" + orjson.dumps(told)).hexdigest()
        # Read now: what cannot be must not be found out with the first event.
        _search(self.rules)

    def __add__(self, other: "Redaction") -> "Redaction":
        return _joined(self, other)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file of rules: TOML with tables `[[rule]]`, or the same as JSON where the name ends in `.json`.

        Raises:
            Malformed: if it cannot be read, or anything in it cannot be. Nothing may be recorded then.
        """
        try:
            with path.open("rb") as file:
                data = file.read(_MAX_FILE + 1)
            if len(data) > _MAX_FILE:
                raise Malformed(f"larger than {_MAX_FILE} bytes", str(path))
            document = orjson.loads(data) if path.suffix == ".json" else tomllib.loads(data.decode("utf-8"))
        except (OSError, ValueError) as error:
            raise Malformed(
                f"the redaction rules cannot be read, so nothing is recorded: {error}", str(path)
            ) from error
        return cls(rules=_rules(document, str(path)))

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self | None:
        """The rules of `MUNIMENT_REDACT`; None where it is not set.

        Raises:
            Malformed: as for `read`.
        """
        name = environ.get("MUNIMENT_REDACT")
        return cls.read(Path(name).expanduser()) if name else None

    def applies(self, action: str) -> bool:
        """Whether any rule is for this action."""
        return _for_action(self.rules, action) is not None

    def body(self, action: str, body: bytes, kind: str, findings: Findings) -> tuple[bytes, str]:
        """The body with what the rules withhold replaced, and its media type. What was found is added to `findings`."""
        search = _for_action(self.rules, action)
        return (body, kind) if search is None else search.body(body, kind, findings)

    def fields(
        self, action: str, actor: Actor, tool: str | None, resource: Resource | None, labels: Labels, findings: Findings
    ) -> tuple[Actor, str | None, Resource | None, list[str]]:
        """Actor, tool, resource and labels of an event with what the rules withhold replaced.

        Patterns apply to all of them, keys to the keys of labels. The label that says what was done is added.

        Args:
            findings: what was found in the body; what is found here is added.
        """
        search = _for_action(self.rules, action)
        found = label_pairs(labels)
        if search is None:
            return actor, tool, resource, found
        if isinstance(actor, str):
            actor = search.found_by_pattern(actor, findings)
        elif _is_pair(actor):
            actor = (actor[0], search.found_by_pattern(actor[1], findings))
        if isinstance(tool, str):
            tool = search.found_by_pattern(tool, findings)
        if resource is not None and _is_pair(resource):
            resource = (resource[0], search.found_by_pattern(resource[1], findings))
        found = [search.label(label, findings) for label in found]
        unsearched = f";unsearched={findings.unsearched}" if findings.unsearched else ""
        return actor, tool, resource, [*found, f"redacted={findings.count};rules={self.digest}{unsearched}"]


def _is_pair(value: object) -> bool:
    """Whether it is what it should be; what is not is refused later, by name."""
    return isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], str)


@lru_cache(maxsize=64)
def _joined(first: Redaction, second: Redaction) -> Redaction:
    return Redaction(rules=(*first.rules, *second.rules))


@lru_cache(maxsize=64)
def _search(rules: tuple[Rule, ...]) -> Search:
    return Search(
        [key for rule in rules for key in rule.keys],
        [path for rule in rules for path in rule.paths],
        [pattern for rule in rules for pattern in rule.patterns],
        withhold_binary=any(rule.binary == "withhold" for rule in rules),
    )


@lru_cache(maxsize=1024)
def _for_action(rules: tuple[Rule, ...], action: str) -> Search | None:
    applying = tuple(rule for rule in rules if rule.applies(action))
    return _search(applying) if applying else None


def _rules(document: Any, where: str) -> list[Rule]:
    if not isinstance(document, dict) or set(document) != {"rule"} or not isinstance(document["rule"], list):
        raise Malformed("must hold [[rule]] tables and nothing else", where)
    rules = []
    for number, table in enumerate(document["rule"], 1):
        if not isinstance(table, dict) or not set(table) <= {*_LISTS, "binary"}:
            raise Malformed(f"rule {number}: only {', '.join(_LISTS)} and binary can stand here", where)
        try:
            # A single string is a likely slip for a list; taken as one it would be a list of its letters.
            told: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in table.items()}
            rules.append(Rule(**told))
        except Malformed as error:
            raise Malformed(f"rule {number}: {error}", where) from error
    return rules
