"""What an MCP client may ask a server for: a file of rules, and the verdict on one message.

A rule denies, asks (the ledger must accept the request's event before it is forwarded), or allows. Of the rules that
apply, deny comes before ask and ask before allow; the order in the file means nothing. What no rule names falls under
`default`.

Denying and asking rules apply to everything that somebody might read as what they name; allowing ones only to what is
written exactly so. What cannot be looked at, or what two servers would read differently, is refused: that is what
`BUILT_IN` names.
"""

import hashlib
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from muniment.agent.mcp.jsonrpc import Message
from muniment.agent.mcp.methods import COUNTED_REQUESTS, OTHER, UNKNOWN, Kind, is_known, published
from muniment.agent.mcp.policy_arguments import Arguments
from muniment.agent.mcp.targets import Glob
from muniment.core.errors import Malformed
from muniment.core.identifiers import Grammar

Effect = Literal["deny", "ask", "allow"]

MAX_FILE: Final = 1_048_576
MAX_RULES: Final = 1_000
MAX_MESSAGE: Final = 4 * 1024 * 1024
"""Bytes of a message that is looked at, unless the file says otherwise; a longer one is refused."""
UNREADABLE: Final = "muniment.unreadable"
AMBIGUOUS: Final = "muniment.ambiguous"
TOO_LONG: Final = "muniment.size"
DEFAULT: Final = "muniment.default"
BUILT_IN: Final = {
    UNREADABLE: "it cannot be read",
    AMBIGUOUS: "servers may read it differently",
    TOO_LONG: "it is too long to be looked at",
    DEFAULT: "no rule allows it",
}
_RULE_NAMES: Final = Grammar("rule name", r"[a-z0-9][a-z0-9_-]{0,62}", "no-deletes")
_GLOBS: Final = {"tools": "tools/call", "resources": "resources/", "prompts": "prompts/get"}
_RULE_KEYS: Final = {"name", "effect", "reason", "methods", "arguments", *_GLOBS}
_KEYS: Final = {"default", "max_bytes", "rule"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to become of a message.

    Attributes:
        rule: the name of the rule that decided.
        effect: deny or ask.
        reason: for the one who asked; a sentence without its full stop.
    """

    rule: str
    effect: Effect
    reason: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the file.

    Attributes:
        name: unique in the file.
        effect: deny, ask or allow.
        reason: told to the client with a refusal.
        globs: what it names: by the beginning of the method, or `methods`.
        arguments: patterns of which one must be found for the rule to apply; None: it always applies.
    """

    name: str
    effect: Effect
    reason: str
    globs: tuple[tuple[str, Glob], ...]
    arguments: Arguments | None

    def applies(self, method: str, target: str | None, params: dict[str, Any]) -> bool:
        """Whether it is about such a request."""
        loose = self.effect != "allow"
        for prefix, glob in self.globs:
            subject = method if prefix == "methods" else target if method.startswith(prefix) else None
            if subject is not None and (glob.resembles(subject) if loose else glob.equals(subject)):
                return self.arguments is None or self.arguments.found_in(params.get("arguments"))
        return False


class Policy:
    """The rules of one file.

    Args:
        content: the file, TOML.
        where: what to name in an error.

    Attributes:
        sha256: of the file, in hex.
        rules: in the file's order.
        asks: whether there is an asking rule.
        max_bytes: length of the longest message that is looked at.

    Raises:
        Malformed: saying what about the file cannot be.
    """

    def __init__(self, content: bytes, where: str = "policy") -> None:
        try:
            data = tomllib.loads(content.decode("utf-8"))
        except ValueError as error:
            raise Malformed(f"is no TOML: {error}", where) from error
        _known(data, _KEYS, where)
        self.sha256 = hashlib.sha256(content).hexdigest()
        self.default = _one_of(data.get("default", "allow"), ("allow", "deny", "ask"), f"{where}: default")
        self.max_bytes = data.get("max_bytes", MAX_MESSAGE)
        if type(self.max_bytes) is not int or not 0 < self.max_bytes <= 64 * 1024 * 1024:
            raise Malformed("must be a number of bytes, at most 64 MiB", f"{where}: max_bytes")
        rows = data.get("rule", [])
        if not isinstance(rows, list) or len(rows) > MAX_RULES:
            raise Malformed(f"must be at most {MAX_RULES} tables, each begun with [[rule]]", f"{where}: rule")
        self.rules = tuple(_rule(row, f"{where}: rule {number}") for number, row in enumerate(rows, 1))
        names = [rule.name for rule in self.rules]
        for name in names:
            if names.count(name) > 1:
                raise Malformed(f"two rules are named {name}", where)
        self.asks = self.default == "ask" or any(rule.effect == "ask" for rule in self.rules)

    @classmethod
    def read(cls, path: Path) -> "Policy":
        """Read a file.

        Raises:
            Malformed: if it cannot be read, or used.
        """
        try:
            with path.open("rb") as stream:
                content = stream.read(MAX_FILE + 1)
        except OSError as error:
            raise Malformed(f"cannot be read: {error.strerror or error}", str(path)) from error
        if len(content) > MAX_FILE:
            raise Malformed(f"is longer than {MAX_FILE} bytes", str(path))
        return cls(content, str(path))

    def review(self, length: int, messages: list[Message] | None) -> list[Verdict | None] | Verdict:
        """Judge a line from the client.

        Args:
            length: of the line, bytes.
            messages: what `read_line(thorough=True)` read in it.

        Returns:
            A verdict on each message, None for what may pass; or one on the line, where it cannot be looked at.
        """
        if length > self.max_bytes:
            return built_in(TOO_LONG)
        if messages is None:
            return built_in(UNREADABLE)
        return [self.judge(message) for message in messages]

    def judge(self, message: Message) -> Verdict | None:
        """The verdict on one message from the client; None: it may pass."""
        method = message.value.get("method")
        if message.ambiguous is not None or len(message.methods) > 1:
            return built_in(AMBIGUOUS)
        if "method" not in message.value:
            # An answer to the server. Whatever else it holds, it is no request, unless a peer reads a key otherwise.
            return built_in(AMBIGUOUS) if message.methods != (None,) else None
        if not isinstance(method, str):
            return built_in(UNREADABLE)
        kind = OTHER if method in COUNTED_REQUESTS else published(method)
        if kind is None and is_known(method):
            return built_in(AMBIGUOUS)
        params = message.value.get("params")
        return self._request(method, kind, params)

    def _request(self, method: str, kind: Kind | None, params: object) -> Verdict | None:
        if kind is None:
            kind = UNKNOWN
        if kind.names is not None and (not isinstance(params, dict) or not isinstance(params.get(kind.names), str)):
            return built_in(UNREADABLE)
        known: dict[str, Any] = params if isinstance(params, dict) else {}
        target = None if kind.names is None else known[kind.names]
        applying = [rule for rule in self.rules if rule.applies(method, target, known)]
        for effect in ("deny", "ask", "allow"):
            for rule in applying:
                if rule.effect == effect:
                    return None if effect == "allow" else Verdict(rule.name, rule.effect, rule.reason)
        if self.default == "allow" or not kind.steered or method.startswith("notifications/"):
            return None
        return Verdict(DEFAULT, self.default, BUILT_IN[DEFAULT])


def built_in(name: str) -> Verdict:
    """The refusal of what cannot be judged."""
    return Verdict(name, "deny", BUILT_IN[name])


def _rule(row: object, where: str) -> Rule:
    if not isinstance(row, dict):
        raise Malformed("must be a table, begun with [[rule]]", where)
    _known(row, _RULE_KEYS, where)
    name = row.get("name")
    if not isinstance(name, str):
        raise Malformed("needs a name", where)
    name = _RULE_NAMES.check(name, f"{where}: name")
    where = f"{where} ({name})"
    effect = _one_of(row.get("effect"), ("deny", "ask", "allow"), f"{where}: effect")
    reason = row.get("reason", "")
    if not isinstance(reason, str) or len(reason) > 500:
        raise Malformed("must be a text of at most 500 characters", f"{where}: reason")
    globs: list[tuple[str, Glob]] = []
    for key, prefix in (*_GLOBS.items(), ("methods", "methods")):
        texts = row.get(key, [])
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise Malformed("must be a list of texts", f"{where}: {key}")
        globs += [(prefix, Glob(text, f"{where}: {key}")) for text in texts]
    if not globs:
        raise Malformed("names nothing: give tools, resources, prompts or methods", where)
    arguments = None
    if "arguments" in row:
        if effect == "allow":
            raise Malformed("an allowing rule cannot depend on arguments; deny or ask for the others", where)
        arguments = Arguments(row["arguments"], f"{where}: arguments")
    return Rule(name, effect, reason, tuple(globs), arguments)


def _known(table: dict[str, object], keys: Iterable[str], where: str) -> None:
    for key in table:
        if key not in set(keys):
            raise Malformed(f"{key!r} is not known there; known are {', '.join(sorted(keys))}", where)


def _one_of(value: object, choices: tuple[Effect, ...], where: str) -> Effect:
    for choice in choices:
        if value == choice:
            return choice
    raise Malformed(f"must be one of {', '.join(choices)}", where)
