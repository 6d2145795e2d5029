"""What a statement says, as data: requirements, the queries behind each number, and sentences around the numbers.

A definition is a TOML file of `data/`. A sentence names queries in braces; a number comes into it by no other way. What
the ledger does not evidence stands beside it, in words of our own and never in those of the norm.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from muniment.core import identifiers as names
from muniment.core.errors import Malformed
from muniment.server.populations.question import LABELS, read_question
from muniment.server.reasons.workflow import STATES

FORMAT: Final = "muniment-statement/1"
PLACE: Final = re.compile(r"\{([a-z][a-z0-9]*)(\.at)?\}")
# A number beside a placeholder would be one without a query; names of articles and paragraphs hold some.
_CITED: Final = re.compile(r"(CC|Article |RFC |SHA-)?\d[\d.()a-z]*")


@dataclass(frozen=True, slots=True)
class Query:
    """A number's query.

    Attributes:
        name: as sentences name it.
        ask: filters of a population, without its period.
        changes: states of reasons, for a question about registered changes; () for a population.
        whole: of the whole log, not of the period.
    """

    name: str
    ask: Mapping[str, str]
    changes: tuple[str, ...] = ()
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence with names of queries in braces, and what is said instead where the first of them found nothing."""

    text: str
    none: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The queries that it names, in their order."""
        return tuple(match[1] for match in PLACE.finditer(self.text))


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a norm asks for, by its ids; what the ledger says of it, and what it does not."""

    ids: tuple[str, ...]
    label: str
    says: tuple[Sentence, ...]
    lacks: str


@dataclass(frozen=True, slots=True)
class Definition:
    """A statement to be.

    Attributes:
        id: of the framework.
        version: of this definition.
        title: for people.
        sources: that the requirements were taken from.
        note: that stands under the title.
        queries: by name, in the order in which they are numbered.
        requirements: in their order.
        digest: SHA-256 of the file, hex.
    """

    id: str
    version: str
    title: str
    sources: tuple[str, ...]
    note: str
    queries: Mapping[str, Query]
    requirements: tuple[Requirement, ...]
    digest: str


@cache
def definitions() -> Mapping[str, Definition]:
    """Every definition that is shipped, by the framework's id."""
    found = {}
    for file in sorted(files(__package__).joinpath("data").iterdir(), key=lambda one: one.name):
        if file.name.endswith(".toml"):
            one = read_definition(file.read_bytes(), file.name)
            found[one.id] = one
    return found


def find_definition(framework: str) -> Definition:
    """The definition of a framework's statement.

    Raises:
        Malformed: if there is none.
    """
    found = definitions().get(framework)
    if found is None:
        raise Malformed(f"there is a statement for {', '.join(definitions())}", "framework")
    return found


def read_definition(data: bytes, name: str) -> Definition:
    """Read a definition.

    Raises:
        Malformed: naming the file and the place in it.
    """
    try:
        said = tomllib.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Malformed(str(error), name) from error
    if said.get("format") != FORMAT:
        raise Malformed(f"is no {FORMAT}", name)
    try:
        queries = {key: _query(key, row) for key, row in said["query"].items()}
        requirements = tuple(_requirement(row, queries) for row in said["requirement"])
        named = {one for row in requirements for sentence in row.says for one in sentence.names}
        if unused := sorted(set(queries) - named):
            raise Malformed(f"no sentence names it: {unused[0]}", "query")
        return Definition(
            id=str(said["id"]),
            version=str(said["version"]),
            title=str(said["title"]),
            sources=tuple(said["sources"]),
            note=str(said["note"]),
            queries=queries,
            requirements=requirements,
            digest=hashlib.sha256(data).hexdigest(),
        )
    except KeyError as error:
        raise Malformed(f"{error} is missing", name) from error
    except Malformed as error:
        raise Malformed(error.reason, f"{name}: {error.where}") from error


def _query(name: str, row: Mapping[str, Any]) -> Query:
    if set(row) - {"ask", "changes", "whole"} or ("ask" in row) == ("changes" in row):
        raise Malformed("asks for a population or for changes", f"query {name}")
    if "changes" in row:
        states = tuple(str(row["changes"]).split(","))
        if not set(states) <= set(STATES):
            raise Malformed(f"changes are some of {', '.join(STATES)}", f"query {name}")
        return Query(name, {}, states)
    if set(row["ask"]) - set(LABELS) or {"from", "to"} & set(row["ask"]):
        raise Malformed("asks by filters of populations, without a period", f"query {name}")
    return Query(name, read_question(row["ask"]).given, whole=bool(row.get("whole", False)))


def _requirement(row: Mapping[str, Any], queries: Mapping[str, Query]) -> Requirement:
    label = str(row["label"])
    for control in row["ids"]:
        names.CONTROLS.check(control, f"requirement {label}")
    says = tuple(Sentence(str(one["text"]), str(one.get("none", ""))) for one in row["says"])
    for sentence in says:
        for text in (sentence.text, sentence.none):
            if strange := sorted({match[1] for match in PLACE.finditer(text)} - set(queries)):
                raise Malformed(f"there is no query {strange[0]}", f"requirement {label}")
            bare = [match[0] for match in _CITED.finditer(PLACE.sub("", text)) if not match[1]]
            if bare:
                raise Malformed(f"a number without a query: {bare[0]}", f"requirement {label}")
    if not str(row["lacks"]).strip():
        raise Malformed("says nothing of what is not evidenced", f"requirement {label}")
    return Requirement(tuple(row["ids"]), label, says, str(row["lacks"]))
