"""The keys note: which keys may speak for a log, said by the installation's root key.

Rules (docs/format.md section 5):

- The first `log` line is from size 0; sizes ascend. A checkpoint of size *n* needs the last key whose size is <= *n*.
- A cosignature counts if its key has a `cosigner` line, from that line's time on and before any `revoked` line for it.
- A checkpoint by a revoked log key counts only with a counting cosignature that is older than the revocation.
- No two keys share name and key id, and no public key stands under two names.
- Of two notes the higher number holds; who has seen number *k* refuses a lower one.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from muniment.core.errors import Malformed, VerificationFailed
from muniment.core.fields import check_bytes, check_integer, read_decimal, read_hex
from muniment.core.identifiers import check_origin
from muniment.core.note import COSIGNATURE, ED25519, MAX_BYTES, Note, VerifierKey, parse_note, parse_vkey, verify_note

HEADER = "muniment-keys/1"

_LINE = re.compile(r"(log|cosigner|revoked) (\S+) (from|since) ([0-9]+)")
_WORD = {"log": "from", "cosigner": "from", "revoked": "since"}


class MalformedKeysNote(Malformed):
    """The text is no keys note; `where` names the line."""


@dataclass(frozen=True, slots=True)
class LogKey:
    """A key of the log (type 1, named like the log) and the first size it signs."""

    key: VerifierKey
    size: int


@dataclass(frozen=True, slots=True)
class Cosigner:
    """A cosigner's key (type 4) and the POSIX second from which it counts."""

    key: VerifierKey
    time: int


@dataclass(frozen=True, slots=True)
class Revocation:
    """A key and the POSIX second from which it no longer counts."""

    key: VerifierKey
    time: int


@dataclass(frozen=True, slots=True)
class KeysNote:
    """The keys of one log. `number` counts from 1; `genesis` is the hash of entry 0, 32 bytes."""

    origin: str
    number: int
    genesis: bytes
    logs: tuple[LogKey, ...]
    cosigners: tuple[Cosigner, ...] = ()
    revocations: tuple[Revocation, ...] = ()

    def __post_init__(self) -> None:
        check_origin(self.origin, "origin")
        if check_integer(self.number, "number") < 1:
            raise Malformed("counts from 1", "number")
        check_bytes(self.genesis, 32, "genesis")
        if not self.logs or self.logs[0].size != 0:
            raise Malformed("the first log line must be from 0", "log")
        for place, line in enumerate(self.logs):
            if line.key.key_type != ED25519 or line.key.name != self.origin:
                raise Malformed("must be a key of type 1 whose name is the origin", "log")
            if place and line.size <= self.logs[place - 1].size:
                raise Malformed("sizes must ascend", "log")
        for cosigner in self.cosigners:
            if cosigner.key.key_type != COSIGNATURE:
                raise Malformed("must be a key of type 4", "cosigner")
        _check_once([line.key.vkey for line in self.logs], "log")
        _check_once([line.key.vkey for line in self.cosigners], "cosigner")
        _check_once([line.key.vkey for line in self.revocations], "revoked")
        lines: tuple[LogKey | Cosigner | Revocation, ...] = (*self.logs, *self.cosigners, *self.revocations)
        _check_names({line.key for line in lines})
        _check_sorted([_line("cosigner", line.key, line.time) for line in self.cosigners], "cosigner")
        _check_sorted([_line("revoked", line.key, line.time) for line in self.revocations], "revoked")

    def text(self) -> str:
        """Write the note's text, every line ending in a newline."""
        return "".join(
            (
                f"{HEADER}\n{self.origin}\n{self.number}\ngenesis {self.genesis.hex()}\n",
                *(_line("log", line.key, line.size) for line in self.logs),
                *(_line("cosigner", line.key, line.time) for line in self.cosigners),
                *(_line("revoked", line.key, line.time) for line in self.revocations),
            )
        )

    def log_key_at(self, size: int) -> VerifierKey:
        """Name the key that must have signed a checkpoint of `size` leaves."""
        check_integer(size, "size")
        return next(line.key for line in reversed(self.logs) if line.size <= size)

    def counts(self, cosigner: VerifierKey, time: int) -> bool:
        """Say whether a cosignature by this key at this time (POSIX seconds) counts. Its bytes are not looked at."""
        listed = any(line.key == cosigner and line.time <= time for line in self.cosigners)
        revoked = self.revoked_since(cosigner)
        return listed and (revoked is None or time < revoked)

    def revoked_since(self, key: VerifierKey) -> int | None:
        """Give the POSIX second from which a key is revoked, or None."""
        return next((line.time for line in self.revocations if line.key == key), None)


def parse_keysnote(text: str) -> KeysNote:
    """Read the text of a keys note; `parse_keysnote(text).text() == text` for everything that is accepted.

    Nothing is proven here: only a signature by the pinned root key makes it more than a hint.

    Raises:
        MalformedKeysNote: naming the line.

    Source: docs/format.md section 5.
    """
    if len(text) > MAX_BYTES:
        raise MalformedKeysNote(f"longer than {MAX_BYTES} bytes")
    lines = text.split("\n")
    if lines[-1]:
        raise MalformedKeysNote("every line must end in a newline")
    if len(lines) < 6 or lines[0] != HEADER:
        raise MalformedKeysNote(f"must begin with {HEADER}, origin, number, genesis and a log line", "line 1")
    place = 3  # read by the handler below
    try:
        number = read_decimal(lines[2], "number")
        if not lines[3].startswith("genesis "):
            raise Malformed("must be genesis and a hash", "genesis")
        genesis = read_hex(lines[3].removeprefix("genesis "), 32, "genesis")
        read: list[tuple[str, VerifierKey, int]] = []
        for line in lines[4:-1]:
            place = 5 + len(read)
            read.append(_read_line(line))
        note = KeysNote(
            lines[1],
            number,
            genesis,
            tuple(LogKey(key, value) for kind, key, value in read if kind == "log"),
            tuple(Cosigner(key, value) for kind, key, value in read if kind == "cosigner"),
            tuple(Revocation(key, value) for kind, key, value in read if kind == "revoked"),
        )
    except Malformed as error:
        where = error.where if error.where in ("number", "genesis", "origin") else f"line {place}"
        raise MalformedKeysNote(error.reason, where) from None
    if note.text() != text:
        raise MalformedKeysNote("log lines come first, then cosigner lines, then revoked lines")
    return note


def parse_signed_keysnote(data: bytes) -> tuple[Note, KeysNote]:
    """Read a signed keys note without proving anything: a hint, as in a bundle's `K` line.

    Raises:
        MalformedKeysNote: if note or text is malformed, or there is not exactly one signature.
    """
    try:
        note = parse_note(data)
    except Malformed as error:
        raise MalformedKeysNote(error.reason, error.where) from None
    if len(note.signatures) != 1:
        raise MalformedKeysNote(f"{len(note.signatures)} signatures, a keys note has exactly one", "signatures")
    return note, parse_keysnote(note.text)


def verify_keysnote(data: bytes, root: VerifierKey) -> KeysNote:
    """Read a signed keys note and prove that the root key signed it.

    Args:
        data: the signed note.
        root: the pinned root key, type 1.

    Raises:
        MalformedKeysNote: if it is malformed.
        VerificationFailed: if the root key has not signed it.

    Source: docs/format.md section 5.
    """
    note, keys = parse_signed_keysnote(data)
    verify_note(note, [root])
    return keys


def verify_succession(notes: Sequence[KeysNote], seen: int = 0) -> KeysNote:
    """Pick the note that holds out of several that the root key signed.

    Args:
        notes: at least one, any order.
        seen: the highest number this client has seen before, 0 for none.

    Raises:
        VerificationFailed: if the highest is below `seen`, the notes disagree about origin or genesis, or two
            different notes have one number.
    """
    if not notes:
        raise VerificationFailed("there is no keys note", "keys")
    best = max(notes, key=lambda note: note.number)
    if best.number < seen:
        raise VerificationFailed(f"keys note {best.number} is older than number {seen}, seen before", "number")
    for note in notes:
        if (note.origin, note.genesis) != (best.origin, best.genesis):
            raise VerificationFailed("two keys notes name different logs", "origin")
        if note.number == best.number and note != best:
            raise VerificationFailed(f"two different keys notes have the number {note.number}", "number")
    return best


def _read_line(line: str) -> tuple[str, VerifierKey, int]:
    found = _LINE.fullmatch(line)
    if found is None or found[3] != _WORD[found[1]]:
        raise Malformed("must be log … from, cosigner … from, or revoked … since, with a vkey and a number")
    value = read_decimal(found[4], "number of the line")
    return found[1], parse_vkey(found[2]), value


def _line(kind: str, key: VerifierKey, value: int) -> str:
    return f"{kind} {key.vkey} {_WORD[kind]} {value}\n"


def _check_once(vkeys: list[str], kind: str) -> None:
    if len(set(vkeys)) != len(vkeys):
        raise Malformed("no key may stand twice", kind)


def _check_names(keys: set[VerifierKey]) -> None:
    """A signature line must mean one key, and a key must be one party's."""
    if len({(key.name, key.key_id) for key in keys}) != len(keys):
        raise Malformed("two keys share name and key id", "keys")
    if len({(key.name, key.public_key) for key in keys}) != len({key.public_key for key in keys}):
        raise Malformed("one public key stands under two names", "keys")


def _check_sorted(lines: list[str], kind: str) -> None:
    encoded = [line.encode("utf-8") for line in lines]
    if sorted(encoded) != encoded:
        raise Malformed("lines must be sorted by their bytes", kind)
