"""Pins: what a verifier holds from outside the material it checks."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from muniment.core.checkpoint import parse_checkpoint
from muniment.core.errors import Malformed
from muniment.core.identifiers import check_origin
from muniment.core.note import VerifierKey, parse_note, parse_vkey
from muniment.verifier.anchors import TimestampTrust

_HASH: Final = re.compile(r"[0-9a-f]{64}")
_MAX_SIZE: Final = 2**53 - 1
_MAX_PIN_FILE: Final = 1_048_576


class MalformedPin(Malformed):
    """A pin that cannot be read: fix it before trusting anything that was checked with it."""


@dataclass(frozen=True, slots=True)
class PinnedCheckpoint:
    """A tree that was seen before: `size` entries under `root` (32 bytes)."""

    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Pins:
    """What the caller already trusts about one log. Everything may be absent; then only self-consistency is left.

    Attributes:
        origin: the log's name.
        genesis: hash of entry 0, 32 bytes.
        root: the installation's root key, which says which keys may speak for the log.
        checkpoint: a tree that was seen before.
        log_key: the key that signed the known checkpoint. Used only without `root`, as ssh uses a known host's key.
        keys_note: newest root-signed keys note seen, as received; an older one does not hold any more.
        known: the tree that this machine has proven last (see `knownlogs`).
        known_fails: whether a log smaller than `known` fails (a live log) or is only an older file.
        remembered: the root key comes from the known logs of this machine.
        timestamps: certificates of timestamp authorities, and as of when; without them tokens are not checked.
    """

    origin: str | None = None
    genesis: bytes | None = None
    root: VerifierKey | None = None
    checkpoint: PinnedCheckpoint | None = None
    log_key: VerifierKey | None = None
    keys_note: bytes | None = None
    known: PinnedCheckpoint | None = None
    known_fails: bool = True
    remembered: bool = False
    timestamps: TimestampTrust | None = None

    def merged(self, other: Pins) -> Pins:
        """These pins, completed with what only `other` has.

        Raises:
            MalformedPin: if both say something about the same thing and it differs.
        """
        for name in ("origin", "genesis", "root"):
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine is not None and theirs is not None and mine != theirs:
                kept = "; it is what this machine knows (see `muniment known-logs`)" if other.known else ""
                raise MalformedPin(f"{_shown(mine)} is pinned, and so is {_shown(theirs)}{kept}", name)
        return replace(
            self,
            origin=self.origin or other.origin,
            genesis=self.genesis or other.genesis,
            root=self.root or other.root,
            checkpoint=self.checkpoint or other.checkpoint,
            log_key=self.log_key or other.log_key,
            keys_note=self.keys_note or other.keys_note,
            known=self.known or other.known,
            known_fails=self.known_fails and other.known_fails,
            remembered=self.remembered if self.root or not other.root else other.remembered,
            timestamps=self.timestamps or other.timestamps,
        )


def parse_pin(text: str) -> Pins:
    """Read `{"origin","genesis","root","checkpoint":{"size","root"}}`; every key is optional, no other may occur.

    `genesis` and the checkpoint's `root` are 64 hex; `root` is a vkey.

    Raises:
        MalformedPin: naming the key that is wrong.
    """
    try:
        value = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise MalformedPin(f"the pin is not JSON: {error}", "pin") from error
    if not isinstance(value, dict):
        raise MalformedPin("the pin is not a JSON object", "pin")
    unknown = sorted(set(value) - {"origin", "genesis", "root", "checkpoint"})
    if unknown:
        raise MalformedPin(f"a pin has no key {unknown[0]!r}; it has origin, genesis, root, checkpoint", unknown[0])
    pins = Pins()
    if "origin" in value:
        pins = replace(pins, origin=parse_origin(value["origin"]))
    if "genesis" in value:
        pins = replace(pins, genesis=parse_hash(value["genesis"], "genesis"))
    if "root" in value:
        pins = replace(pins, root=parse_root(value["root"]))
    if "checkpoint" in value:
        pins = replace(pins, checkpoint=_checkpoint(value["checkpoint"]))
    return pins


def load_pin(source: str) -> Pins:
    """Read a pin from inline JSON (it starts with a brace) or from the file of that name.

    Raises:
        MalformedPin: if the file cannot be read or holds no pin.
    """
    if source.lstrip().startswith("{"):
        return parse_pin(source)
    try:
        data = _read(Path(source).expanduser())
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedPin(f"{source} is not UTF-8", "pin") from error
    return parse_pin(text)


def parse_origin(value: object) -> str:
    """An origin as docs/format.md writes it.

    Raises:
        MalformedPin: if it is none.
    """
    try:
        if not isinstance(value, str):
            raise MalformedPin("the origin is not a string", "origin")
        check_origin(value)
    except Malformed as error:
        raise MalformedPin(f"not an origin: {value!r}", "origin") from error
    return str(value)


def parse_hash(value: object, where: str) -> bytes:
    """32 bytes from 64 lower-case hex digits.

    Raises:
        MalformedPin: if it is anything else.
    """
    if not isinstance(value, str) or not _HASH.fullmatch(value):
        raise MalformedPin(f"{where} must be 64 lower-case hex digits", where)
    return bytes.fromhex(value)


def parse_root(value: object) -> VerifierKey:
    """The root key from its vkey `<name>+<8 hex>+<base64>`.

    Raises:
        MalformedPin: if it is no ed25519 vkey.
    """
    if not isinstance(value, str):
        raise MalformedPin("root must be a vkey: <name>+<key id>+<base64>", "root")
    try:
        key = parse_vkey(value)
    except Malformed as error:
        raise MalformedPin(f"root is no vkey: {error}", "root") from error
    if key.key_type != 1:
        raise MalformedPin("the root key must be of type 0x01 (ed25519)", "root")
    return key


def load_checkpoint(path: Path) -> Pins:
    """Pin the checkpoint in a signed note that was kept (its signatures are not checked: you kept it).

    Raises:
        MalformedPin: if the file holds no checkpoint note.
    """
    data = _read(path)
    try:
        checkpoint = parse_checkpoint(parse_note(data).text)
    except Malformed as error:
        raise MalformedPin(f"{path} holds no checkpoint: {error}", "checkpoint") from error
    if checkpoint.size == 0:
        raise MalformedPin(f"the checkpoint in {path} is of an empty log: it pins nothing", "checkpoint")
    return Pins(origin=checkpoint.origin, checkpoint=PinnedCheckpoint(checkpoint.size, checkpoint.root))


def _checkpoint(value: object) -> PinnedCheckpoint:
    if not isinstance(value, dict) or set(value) != {"size", "root"}:
        raise MalformedPin("checkpoint must be an object with size and root", "checkpoint")
    size = value["size"]
    if type(size) is not int or not 1 <= size <= _MAX_SIZE:
        raise MalformedPin("the checkpoint's size must be an integer from 1 to 2^53-1", "checkpoint.size")
    return PinnedCheckpoint(size, parse_hash(value["root"], "checkpoint.root"))


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise MalformedPin("a key occurs twice in the pin", "pin")
    return value


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            data = stream.read(_MAX_PIN_FILE + 1)
    except OSError as error:
        raise MalformedPin(f"cannot read {path}: {error.strerror}", "pin") from error
    if len(data) > _MAX_PIN_FILE:
        raise MalformedPin(f"{path} is larger than 1 MiB", "pin")
    return data


def _shown(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else getattr(value, "vkey", str(value))
