"""One known log, and the file that holds it."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from muniment.core.errors import Malformed
from muniment.core.fields import read_base64
from muniment.core.note import VerifierKey, parse_vkey
from muniment.core.times import format_time6, parse_time6
from muniment.verifier.pins import PinnedCheckpoint, Pins, parse_hash, parse_origin

_KEYS: Final = frozenset(
    {
        "v",
        "origin",
        "genesis",
        "root",
        "log_key",
        "keys_note",
        "size",
        "tree",
        "note",
        "first_seen",
        "proven",
        "retired",
    }
)


class MalformedKnownLog(Malformed):
    """A file of the known logs cannot be read: something else than `muniment` has written it."""


@dataclass(frozen=True, slots=True)
class KnownLog:
    """One log as this machine knows it.

    Attributes:
        origin, genesis: the log; `genesis` is the hash of entry 0, 32 bytes.
        checkpoint: the last tree that was proven.
        note: its signed note, as received.
        root: the root key with which it was verified; None if none was ever pinned.
        log_key: the key that signed the checkpoint.
        keys_note: the newest keys note that the root key has signed; empty without `root`.
        first_seen, proven: microseconds since the Unix epoch, UTC.
        retired: a human has accepted another log under the same origin.
    """

    origin: str
    genesis: bytes
    checkpoint: PinnedCheckpoint
    note: bytes
    root: VerifierKey | None
    log_key: VerifierKey | None
    keys_note: bytes
    first_seen: int
    proven: int
    retired: bool = False

    def pins(self, *, live: bool) -> Pins:
        """What it pins. `live`: being behind is a failure."""
        return Pins(
            origin=self.origin,
            genesis=self.genesis,
            root=self.root,
            log_key=None if self.root else self.log_key,
            keys_note=self.keys_note or None,
            known=self.checkpoint,
            known_fails=live,
            remembered=True,
        )

    def as_json(self) -> dict[str, object]:
        """The JSON object that its file holds."""
        return {
            "v": 1,
            "origin": self.origin,
            "genesis": self.genesis.hex(),
            "size": self.checkpoint.size,
            "tree": self.checkpoint.root.hex(),
            "note": b64encode(self.note).decode("ascii"),
            "root": self.root.vkey if self.root else "",
            "log_key": self.log_key.vkey if self.log_key else "",
            "keys_note": b64encode(self.keys_note).decode("ascii"),
            "first_seen": format_time6(self.first_seen),
            "proven": format_time6(self.proven),
            "retired": self.retired,
        }


def read_known_log(path: Path) -> KnownLog:
    """Read the file of one known log.

    Raises:
        MalformedKnownLog: if something else has written it.
    """
    try:
        value = json.loads(path.read_bytes())
        if not isinstance(value, dict) or set(value) != _KEYS:
            raise MalformedKnownLog("its keys are not those of a known log", str(path))
        return _parse(value)
    except (ValueError, KeyError, TypeError) as error:
        reason = "cannot be read; move it away, and the log is learnt again as on first use"
        raise MalformedKnownLog(f"{reason} ({error})", str(path)) from error


def _parse(value: dict[str, object]) -> KnownLog:
    size = value["size"]
    if value["v"] != 1 or type(size) is not int or size < 1 or type(value["retired"]) is not bool:
        raise MalformedKnownLog("version, size or state cannot be", "known log")
    return KnownLog(
        origin=parse_origin(value["origin"]),
        genesis=parse_hash(value["genesis"], "genesis"),
        checkpoint=PinnedCheckpoint(size, parse_hash(value["tree"], "tree")),
        note=read_base64(str(value["note"]), "note"),
        root=parse_vkey(str(value["root"])) if value["root"] else None,
        log_key=parse_vkey(str(value["log_key"])) if value["log_key"] else None,
        keys_note=read_base64(str(value["keys_note"]), "keys_note"),
        first_seen=parse_time6(str(value["first_seen"])),
        proven=parse_time6(str(value["proven"])),
        retired=value["retired"],
    )
