#!/usr/bin/env python3
"""Check a Muniment evidence log with one file and nothing but Python 3.11 and its standard library.

Muniment keeps what software agents and people did as *entries* in an append-only log. Every entry carries the hash of
the one before it; all entries together are the leaves of a hash tree (RFC 6962); and the log signs the tree's size and
root in *checkpoints*. Whoever changes, removes, inserts or reorders an entry afterwards can no longer make those three
agree. This program takes a *bundle* (a text file with entries and checkpoints) or the address of a live log, and works
out all of it again from the bytes. The format is in docs/format.md; nothing here is shared with the code that wrote
the log, and the whole of it can be read from top to bottom.

    python muniment_verify.py evidence.bundle --origin example.org/agents --root 'example.org/root+1a2b3c4d+AZ…'
    python muniment_verify.py https://muniment.example.org/logs/example.org/agents --root '…' [--key mk_…]
    python muniment_verify.py packet.zip --root '…'

The last of these is an evidence packet (docs/packets.md): an archive, or the folder into which it was unpacked. Every
file that was changed, added or taken away is named, and each sampled entry gets its verdict.

Exit code 0: verified. 1: failed, and the first broken place is named; with --require-pin also when nothing pinned held
it. 2: unreadable input, or wrong usage.

What you pin decides what the answer is worth. A file can always agree with itself. It says whose log it is only when
its signatures lead to a root key that you had from elsewhere (--root), or when it ends in a checkpoint that you kept
yourself (--checkpoint). Otherwise the answer is "self-attested only": whoever made the file chose its keys. A pinned
origin or genesis (--origin, --genesis) alone is no protection: both are public, and anybody can begin a log with them.
One root key may speak for several logs: look at the origin that the answer names, or pin it.

What is not proved, even then: that an entry tells the truth; that everything that happened was recorded (numbered
sources show gaps, others cannot); that the file is recent, or carries the newest keys note; that nobody else was shown
another history, unless cosigners whom you trust signed this one; and the moment of recording. That a checkpoint existed
no later than some moment is proved by RFC 3161 tokens, if the bundle carries them, you pin the certificate of the
authority that made them (--timestamp-root), and `openssl` is installed: this program does not check X.509 itself.
"""

from __future__ import annotations

import argparse
import base64
import bisect
import contextlib
import datetime
import hashlib
import http.client
import json
import re
import shutil
import ssl
import struct
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, NoReturn, TypeAlias

MAX_LINE, MAX_ENTRY, MAX_NOTE, MAX_SIGNATURES = 524_288, 65_535, 131_072, 16  # bytes, bytes, bytes, lines
MAX_STREAMS, MAX_LISTED = 100_000, 100  # numbered sources followed at once, and items listed in a report
ZERO_HASH, MAX_NUMBER = "0" * 64, 2**53 - 1


class Malformed(Exception):  # noqa: N818  (a state of the input, and the word of the format)
    """Something that cannot be read as what it should be; the message says why."""


# ---- 1. Hashes and the tree ------------------------------------------------------------------------------------------


def sha256(*parts: bytes) -> bytes:
    """SHA-256 of the parts, one after the other."""
    return hashlib.sha256(b"".join(parts)).digest()


class Fold:
    """The tree so far, as the few perfect subtrees that its leaves make from left to right (RFC 6962, section 2.1).

    Two neighbours of the same height become one of the next height at once, so the heights on the stack fall strictly
    and there are never more than some fifty of them, however long the log is.
    """

    def __init__(self) -> None:
        self.position = 0  # leaves so far
        self.stack: list[tuple[int, bytes]] = []
        self.watch: Callable[[int, bytes], None] | None = None  # told of every node whose height is a multiple of 8

    def push(self, level: int, digest: bytes) -> None:
        """Add a perfect subtree of 2^level leaves at the right."""
        self.position += 1 << level
        while True:
            if self.watch is not None and level % 8 == 0:
                self.watch(level // 8, digest)
            if not self.stack or self.stack[-1][0] != level:
                break
            digest = sha256(b"\x01", self.stack.pop()[1], digest)
            level += 1
        self.stack.append((level, digest))

    def root(self) -> bytes:
        """The root over all leaves so far: the subtrees joined from the right. There must be one."""
        root = self.stack[-1][1]
        for _, left in reversed(self.stack[:-1]):
            root = sha256(b"\x01", left, root)
        return root


# ---- 2. Ed25519 signatures, by the definition in RFC 8032 ------------------------------------------------------------
#
# All points (x, y) modulo P with -x^2 + y^2 = 1 + D x^2 y^2 form a group; BASE generates a subgroup of prime order L.
# A public key A and a signature (R, S) fit a message when S*BASE = R + h*A, h being the hash of R, A and the message.
# We compare in the group itself (the cofactorless equation, as most libraries do): S*BASE - h*A, encoded again, must be
# the very bytes of R. A point is kept as (X, Y, Z, T) with x = X/Z, y = Y/Z, xy = T/Z, to divide only once at the end.

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT_OF_MINUS_1 = pow(2, (P - 1) // 4, P)
Point: TypeAlias = tuple[int, int, int, int]
NEUTRAL: Point = (0, 1, 1, 0)
ORDER_8 = (
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
)
SMALL_ORDER = {0, 1, P - 1, P, P + 1} | {int.from_bytes(bytes.fromhex(y), "little") for y in ORDER_8}


def add(a: Point, b: Point) -> Point:
    """The sum of two points; the same formula holds for doubling."""
    minus = (a[1] - a[0]) * (b[1] - b[0]) % P
    plus = (a[1] + a[0]) * (b[1] + b[0]) % P
    cross, both = 2 * D * a[3] * b[3] % P, 2 * a[2] * b[2] % P
    e, f, g, h = plus - minus, both - cross, both + cross, plus + minus
    return e * f % P, g * h % P, f * g % P, e * h % P


def decode_point(raw: bytes) -> Point | None:
    """The point whose y is in the low 255 bits and whose x has the parity of the top bit; None if there is none."""
    number = int.from_bytes(raw, "little")
    y, odd = number & ((1 << 255) - 1), number >> 255
    if y >= P:
        return None
    x_squared = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(x_squared, (P + 3) // 8, P)
    if x * x % P != x_squared:
        x = x * ROOT_OF_MINUS_1 % P
    if x * x % P != x_squared or (x == 0 and odd):
        return None
    if x % 2 != odd:
        x = P - x
    return x, y, 1, x * y % P


def encode_point(point: Point) -> bytes:
    """The 32 bytes of a point."""
    shrink = pow(point[2], -1, P)
    x, y = point[0] * shrink % P, point[1] * shrink % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


BASE = decode_point((4 * pow(5, -1, P) % P).to_bytes(32, "little")) or NEUTRAL


def has_small_order(raw: bytes) -> bool:
    """Whether 32 bytes name one of the few points that would let one signature fit many messages."""
    return int.from_bytes(raw, "little") & ((1 << 255) - 1) in SMALL_ORDER


def ed25519_verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the 64 bytes are a signature by the 32-byte public key over the message."""
    if len(public) != 32 or len(signature) != 64 or has_small_order(public) or has_small_order(signature[:32]):
        return False
    key, s = decode_point(public), int.from_bytes(signature[32:], "little")
    if key is None or s >= L:
        return False
    minus_key = (P - key[0], key[1], 1, P - key[3])
    choice = (NEUTRAL, BASE, minus_key, add(BASE, minus_key))
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    total = NEUTRAL
    for bit in range(252, -1, -1):
        total = add(total, total)
        total = add(total, choice[(s >> bit & 1) + 2 * (h >> bit & 1)])
    return encode_point(total) == signature[:32]


# ---- 3. Strict JSON --------------------------------------------------------------------------------------------------

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int"
FORBIDDEN_CHARACTER = re.compile("[\0\ud800-\udfff]")


def refuse_literal(literal: str) -> NoReturn:
    """Fractions, exponents and the like have no place in an entry."""
    raise Malformed(f"holds {literal[:20]!a}, which is no integer")


def read_integer(literal: str) -> int:
    """An integer from 0 to 2^53 - 1."""
    if literal[0] == "-" or len(literal) > 16 or int(literal) > MAX_NUMBER:
        raise Malformed("holds an integer that is not from 0 to 2^53 - 1")
    return int(literal)


def read_members(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    """An object, no key of which comes twice."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Malformed("has the same key twice")
    return members


def require_plain(value: object, depth: int) -> None:
    """Refuse true, false, null, lone surrogates, NUL, and nesting deeper than 6 with the outermost object as 1."""
    if isinstance(value, str):
        if FORBIDDEN_CHARACTER.search(value):
            raise Malformed("holds a NUL or half of a surrogate pair")
    elif isinstance(value, dict | list):
        if depth > 6:
            raise Malformed("is nested more than 6 deep")
        for item in (*value.keys(), *value.values()) if isinstance(value, dict) else value:
            require_plain(item, depth + 1)
    elif isinstance(value, bool) or not isinstance(value, int):
        raise Malformed("holds true, false or null")


def read_json(raw: bytes) -> dict[str, Json]:
    """The JSON object that these bytes are (rules 2 and 3, without the closed set of keys)."""
    if len(raw) > MAX_ENTRY:
        raise Malformed("is longer than 65,535 bytes")
    if raw[:1] != b"{" or raw[-1:] != b"}":
        raise Malformed("is not a JSON object with nothing before or after it")
    try:
        value: dict[str, Json] = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=read_members,
            parse_int=read_integer,
            parse_float=refuse_literal,
            parse_constant=refuse_literal,
        )
    except (ValueError, RecursionError) as error:
        raise Malformed("is not JSON in strict UTF-8") from error
    require_plain(value, 1)
    return value


def write_json(value: Json) -> str:
    """The canonical text (RFC 8785, as far as the table of keys lets it occur)."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{write_json(key)}:{write_json(value[key])}" for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(write_json, value)) + "]"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value)


# ---- 4. The grammar of an entry --------------------------------------------------------------------------------------
#
# A rule looks at a value and says what is wrong with it, or None. The table at the end is section 1 of docs/format.md.

Rule: TypeAlias = Callable[[Json], str | None]


def string(pattern: str, limit: int) -> Rule:
    """A string of at most so many bytes that matches from end to end."""
    compiled = re.compile(pattern)

    def rule(value: Json) -> str | None:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            return " has not the prescribed form"
        return f" is longer than {limit} bytes" if len(value.encode()) > limit else None

    return rule


def number(least: int, most: int = MAX_NUMBER) -> Rule:
    """An integer in a range."""
    return lambda value: None if isinstance(value, int) and least <= value <= most else " is not the prescribed integer"


def array(item: Rule, limit: int) -> Rule:
    """Between 1 and so many strings, strictly ascending by their bytes."""

    def rule(value: Json) -> str | None:
        if not isinstance(value, list) or not 1 <= len(value) <= limit:
            return f" is not an array of 1 to {limit} items"
        keys = [one.encode() for one in value if isinstance(one, str)]
        problem = next((f"[{place}]{found}" for place, one in enumerate(value) if (found := item(one))), None)
        return problem or (" is not strictly ascending" if keys != sorted(set(keys)) else None)

    return rule


def members(required: dict[str, Rule], optional: dict[str, Rule]) -> Rule:
    """An object with all required keys, perhaps optional ones, and no other."""
    known = required | optional

    def rule(value: Json) -> str | None:
        if not isinstance(value, dict):
            return " is not an object"
        for key in value:
            if key not in known:
                return f" has the unknown key {key[:40]!a}"
        missing = next((key for key in required if key not in value), None)
        if missing is not None:
            return f" lacks the key {missing!r}"
        return next((f".{key}{found}" for key in value if (found := known[key](value[key]))), None)

    return rule


def moment(digits: int) -> Rule:
    """A real UTC time from 1970 to 2261 with so many digits of a second."""
    shape = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([01][0-9]|2[0-3])(:[0-5][0-9]){2}\.[0-9]{" + str(digits) + "}Z")

    def rule(value: Json) -> str | None:
        try:
            found = shape.fullmatch(value) if isinstance(value, str) else None
            real = found is not None and 1970 <= datetime.date.fromisoformat(found[1]).year <= 2261
        except ValueError:
            real = False
        return None if real else " is not a real time of the prescribed form from 1970 to 2261"

    return rule


def text(limit: int) -> Rule:
    """Any characters but control characters."""
    return string("[^\0-\x1f\x7f-\x9f]+", limit)


HASH = string("[0-9a-f]{64}", 64)
ULID = "[0-7][0-9A-HJKMNP-TV-Z]{25}"
ORIGIN = string(r"[a-z0-9][a-z0-9.-]*(/[a-z0-9][a-z0-9._-]*)*", 255)
CONTROLS = array(string(r"[a-z0-9]+(-[a-z0-9]+)*:[A-Za-z0-9][A-Za-z0-9._()/-]*", 64), 16)
LABELS = array(string("[a-z][a-z0-9_.-]{0,62}=[ -~]{1,256}", 320), 32)
MEDIA = string(r"[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*", 127)
RECORDED_AT = moment(6)
SOURCE_ID = string(f"src_{ULID}", 30)
UNNUMBERED = members({"id": SOURCE_ID}, {})
NUMBERED = members({"id": SOURCE_ID, "epoch": string("[0-9a-f]{32}", 32), "prev": HASH, "seq": number(0)}, {})
BODY = members({"commit": HASH, "len": number(0), "scheme": number(1, 1), "type": MEDIA}, {})

REFUSED = {  # the labels by which an event names a number of a source as refused (section 3)
    "refused.epoch": "[0-9a-f]{32}",
    "refused.hash": "[0-9a-f]{64}",
    "refused.seq": "0|[1-9][0-9]{0,15}",
    "refused.source": "src_[0-9A-Z]{26}",
}


def source(value: Json) -> str | None:
    """A source that numbers its events says epoch, prev and seq; one that does not says none of them."""
    plain = isinstance(value, dict) and not {"epoch", "prev", "seq"} & set(value)
    return UNNUMBERED(value) if plain else NUMBERED(value)


EVENT = members(
    {
        "action": string(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+", 64),
        "actor": members({"id": text(256), "type": string("agent|service|session|system|user", 7)}, {}),
        "id": string(f"evt_{ULID}", 30),
        "occurred_at": moment(9),
        "outcome": string("denied|failure|success|unknown", 7),
        "source": source,
    },
    {
        "body": BODY,
        "causes": array(string(f"src_{ULID}/evt_{ULID}", 61), 16),
        "controls": CONTROLS,
        "labels": LABELS,
        "resource": members({"id": text(1024), "type": string("[a-z][a-z0-9_.-]*", 64)}, {}),
        "tool": text(256),
        "trace": members({"id": string("[0-9a-f]{32}", 32)}, {"span": string("[0-9a-f]{16}", 16)}),
        "workspace": string("[A-Za-z0-9][A-Za-z0-9_.-]*", 64),
    },
)
ENTRY = members(
    {
        "by": string("[a-z]+:[A-Za-z0-9_.-]+", 128),
        "event": EVENT,
        "log": ORIGIN,
        "map": string("[a-z0-9][a-z0-9._-]*", 64),
        "prev": HASH,
        "recorded_at": RECORDED_AT,
        "seq": number(0),
        "v": number(3, 3),
    },
    {"controls": CONTROLS},
)


def examine_creation(fields: dict[str, Json], origin: str) -> tuple[str | None, str]:
    """What is wrong with entry 0 as the creation of this log, if anything; and the root key that it names."""
    event = fields.get("event")
    event = event if isinstance(event, dict) else {}
    resource, labels = event.get("resource"), event.get("labels")
    said: dict[str, list[str]] = {}
    for label in labels if isinstance(labels, list) else []:
        name, _, value = label.partition("=") if isinstance(label, str) else ("", "", "")
        said.setdefault(name, []).append(value)
    root = said.get("log.root", [""])[0]
    shapes = {"log.root": r"[^\s+]+\+[0-9a-f]{8}", "log.seal-within": "0|[1-9][0-9]{0,15}", "log.tenant": "(?s:.+)"}
    if (fields.get("seq"), fields.get("prev"), fields.get("by")) != (0, ZERO_HASH, "system:muniment"):
        return "is not number 0 with 64 zeros before it, by system:muniment", root
    if not isinstance(resource, dict) or (resource.get("type"), resource.get("id")) != ("log", origin):
        return "is not about this log", root
    if event.get("action") != "log.create":
        return "is not the creation of a log", root
    for name, shape in shapes.items():
        if len(said.get(name, [])) != 1 or not re.fullmatch(shape, said[name][0]):
            return f"has not one label {name} of the prescribed form", root
    return None, root


def examine(raw: bytes) -> tuple[str | None, dict[str, Json] | None]:
    """What is wrong with an entry's bytes, if anything; and its fields, if they could be read at all."""
    try:
        fields = read_json(raw)
    except Malformed as error:
        return str(error), None
    if fields.get("v") != 3:
        return "has an unknown version", None
    problem = ENTRY(fields)
    if problem is not None:
        return "(finding)" + problem, fields
    if write_json(fields).encode() != raw:
        return "(finding) is not in canonical form", fields
    event, controls = fields["event"], fields.get("controls", [])
    own = event.get("controls", []) if isinstance(event, dict) else []
    if isinstance(own, list) and isinstance(controls, list) and any(control not in controls for control in own):
        return "(finding) leaves out controls that its event names", fields
    return None, fields


# ---- 5. Signed notes, checkpoints and the keys note ------------------------------------------------------------------


def read_base64(encoded: str | bytes) -> bytes:
    """Base64 in its one canonical spelling."""
    try:
        raw = base64.b64decode(encoded, validate=True)
        canonical = base64.b64encode(raw) == (encoded if isinstance(encoded, bytes) else encoded.encode())
    except ValueError:
        canonical = False
    if not canonical:
        raise Malformed("is not canonical base64")
    return raw


def read_decimal(digits: str) -> int:
    """A decimal number from 0 to 2^53 - 1 without sign or leading zero."""
    if not re.fullmatch("0|[1-9][0-9]{0,15}", digits) or int(digits) > MAX_NUMBER:
        raise Malformed(f"has {digits[:20]!a} where a decimal number belongs")
    return int(digits)


class Key(NamedTuple):
    """A vkey: the name and four-byte id that a signature line shows, the type of signature, and the public key."""

    name: str
    id: bytes
    kind: int
    public: bytes


def is_key_name(name: str) -> bool:
    """Whether a name may stand in a vkey and in a signature line."""
    return name != "" and "+" not in name and not any(character.isspace() for character in name)


def read_vkey(vkey: str, *kinds: int) -> Key:
    """A vkey of one of the given types (1: a note's signature, 4: a cosignature) whose id is the hash it should be."""
    name, _, rest = vkey.partition("+")
    key_id, _, material = rest.partition("+")
    raw = read_base64(material)
    if not is_key_name(name) or not re.fullmatch("[0-9a-f]{8}", key_id) or len(raw) != 33 or raw[0] not in kinds:
        raise Malformed(f"has no vkey of type {' or '.join(map(str, kinds))} where one belongs")
    if sha256(name.encode(), b"\n", raw)[:4].hex() != key_id:
        raise Malformed("has a vkey whose id is not the hash of its name and key")
    return Key(name, bytes.fromhex(key_id), raw[0], raw[1:])


class Note(NamedTuple):
    """A signed note: the bytes that are signed, and per signature line the key's name and id, and the signature."""

    text: bytes
    signatures: list[tuple[str, bytes, bytes]]


def read_note(raw: bytes) -> Note:
    """A C2SP signed note: the last empty line parts the text from the signature lines."""
    try:
        note = raw.decode("utf-8")
    except ValueError:
        raise Malformed("is not UTF-8") from None
    if len(raw) > MAX_NOTE or re.search("[\0-\x09\x0b-\x1f]", note):
        raise Malformed("is too long for a signed note, or holds control characters")
    signed, blank, tail = note.rpartition("\n\n")
    if not blank or not tail.endswith("\n"):
        raise Malformed("is not a signed note: text, empty line, signature lines")
    lines = tail[:-1].split("\n")
    signatures = []
    for line in lines:
        dash, name, encoded = ([*line.split(" ", 2), "", ""])[:3]
        signature = read_base64(encoded)
        if dash != "\u2014" or not is_key_name(name) or len(signature) < 5 or len(lines) > MAX_SIGNATURES:
            raise Malformed(f"has a malformed signature line, or more than {MAX_SIGNATURES} of them")
        signatures.append((name, signature[:4], signature[4:]))
    return Note(f"{signed}\n".encode(), signatures)


class Checkpoint(NamedTuple):
    """What a checkpoint says: that this log, at this size, had this root."""

    origin: str
    size: int
    root: bytes


def read_checkpoint(signed: bytes) -> Checkpoint:
    """The text of a checkpoint: origin, size and root, each on a line, and nothing else."""
    lines = signed.decode("utf-8").split("\n")
    if len(lines) != 4 or lines[3] != "" or ORIGIN(lines[0]):
        raise Malformed("is not a checkpoint of three lines that begins with an origin")
    size, root = read_decimal(lines[1]), read_base64(lines[2])
    if len(root) != 32:
        raise Malformed("has a root that is not 32 bytes")
    return Checkpoint(lines[0], size, root)


class KeysNote(NamedTuple):
    """Who may speak for a log: its keys by first size, its cosigners by first second, revocations by second."""

    origin: str
    number: int
    genesis: str
    logs: dict[Key, int]
    cosigners: dict[Key, int]
    revoked: dict[Key, int]

    def key_at(self, size: int) -> Key:
        """The log's key in force for a checkpoint of this size."""
        return [key for key, first in self.logs.items() if first <= size][-1]

    def named(self, name: str, key_id: bytes) -> Key | None:
        """The key that a signature line means, if it is one of ours."""
        return next((key for key in (*self.logs, *self.cosigners) if (key.name, key.id) == (name, key_id)), None)


def read_keys_note(signed: bytes) -> KeysNote:
    """The text of a keys note, line by line in its only permitted order."""
    head, origin, ordinal, genesis, *lines = [*signed.decode("utf-8").split("\n"), "", "", ""]
    lines = lines[:-4]  # the three added here, and the one after the last newline
    if head != "muniment-keys/1" or ORIGIN(origin) or genesis[:8] != "genesis " or HASH(genesis[8:]):
        raise Malformed("is not a keys note: muniment-keys/1, origin, number, genesis")
    shapes = {"log": ("from", (1,)), "cosigner": ("from", (4,)), "revoked": ("since", (1, 4))}
    found: dict[str, dict[Key, int]] = {kind: {} for kind in shapes}
    for line in lines:
        kind, vkey, word, digits = line.split(" ") if line.count(" ") == 3 else ("", "", "", "")
        if kind not in shapes or word != shapes[kind][0]:
            raise Malformed("has a line in its keys note that is neither log, cosigner nor revoked")
        key = read_vkey(vkey, *shapes[kind][1])
        if key in found[kind] or (kind == "log" and key.name != origin):
            raise Malformed("names a key twice, or a log key that is not called as the log")
        found[kind][key] = read_decimal(digits)
    sizes, logs = list(found["log"].values()), sum(line.startswith("log ") for line in lines)
    if sizes[:1] != [0] or sizes != sorted(set(sizes)) or lines[logs:] != sorted(lines[logs:], key=str.encode):
        raise Malformed("has keys out of order: log lines from size 0 upwards, then cosigner and revoked lines, sorted")
    if any(not line.startswith("log ") for line in lines[:logs]):
        raise Malformed("has log lines that do not stand first")
    keys = {key for kind in found.values() for key in kind}
    if len({(key.name, key.id) for key in keys}) < len(keys):
        raise Malformed("has two keys of one name and id")
    if len({(key.name, key.public) for key in keys}) > len({key.public for key in keys}):
        raise Malformed("has one public key under two names")
    if read_decimal(ordinal) < 1:
        raise Malformed("has the number 0")
    return KeysNote(origin, int(ordinal), genesis[8:], found["log"], found["cosigner"], found["revoked"])


# ---- 6. Timestamp tokens (RFC 3161) ----------------------------------------------------------------------------------
#
# A token is DER: elements of a tag, a length and a content. We read as much of it as says what is stamped and when, and
# leave signature and certificates to OpenSSL, asked for the moment of the token and for every other that matters.

TOKEN_HASHES = {"608648016503040201": "sha256", "608648016503040202": "sha384", "608648016503040203": "sha512"}
RSA, ED25519_ALGORITHM = "2a864886f70d010101", "2b6570"
SIGNING = {  # algorithms of signatures with the hash that they imply, by object identifier
    **{f"2a864886f70d0101{11 + place:02x}": name for place, name in enumerate(("sha256", "sha384", "sha512"))},
    **{f"2a8648ce3d04030{2 + place}": name for place, name in enumerate(("sha256", "sha384", "sha512"))},
}
SIGNED_DATA, TST_INFO = "2a864886f70d010702", "2a864886f70d0109100104"
NO_WAY = ("unable to get local issuer", "unable to get issuer", "self-signed certificate", "self signed certificate")
MAX_TOKENS, MAX_TOKEN = 100_000, 262_144


class Element(NamedTuple):
    """An element of DER: its tag octet and its content."""

    tag: int
    content: bytes


def read_der(raw: bytes) -> list[Element]:
    """Elements that stand one after the other, with lengths in their shortest form."""
    elements, at = [], 0
    while at < len(raw):
        tag, length, begin = raw[at], raw[at + 1] if at + 1 < len(raw) else 0xFF, at + 2
        if length & 0x80:
            octets = raw[begin : begin + (length & 0x7F)]
            length, begin = int.from_bytes(octets, "big"), begin + len(octets)
            if not 1 <= len(octets) <= 4 or len(octets) != raw[at + 1] & 0x7F or not octets[0] or length < 0x80:
                raise Malformed("is no DER")
        if tag & 0x1F == 0x1F or begin + length > len(raw):
            raise Malformed("is no DER")
        elements.append(Element(tag, raw[begin : begin + length]))
        at = begin + length
    return elements


def write_der(element: Element) -> bytes:
    """The bytes of an element again."""
    size = len(element.content)
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([element.tag, *([size] if size < 0x80 else [0x80 | len(octets), *octets])]) + element.content


def take(elements: list[Element], *tags: int) -> bytes:
    """The content of the first element, which is taken off and must have one of these tags."""
    if not elements or elements[0].tag not in tags:
        raise Malformed("lacks a field of a timestamp token")
    return elements.pop(0).content


def only(elements: list[Element], *tags: int) -> bytes:
    """The content of the one element that there is."""
    if len(elements) != 1:
        raise Malformed("has more or fewer fields than a timestamp token")
    return take(elements, *tags)


def hash_of(algorithm: bytes) -> str:
    """The name of a hash function."""
    name = TOKEN_HASHES.get(take(read_der(algorithm), 0x06).hex())
    if name is None:
        raise Malformed("is made with a hash that does not count")
    return name


class Token(NamedTuple):
    """What a token stamps, a SHA-256, and when, in seconds; and the certificates that came along, as PEM."""

    imprint: bytes
    moment: int
    certificates: bytes


def read_token(raw: bytes) -> Token:
    """Read a TimeStampToken; its signature has not been looked at."""
    if len(raw) > MAX_TOKEN:
        raise Malformed("is longer than 262,144 bytes")
    outer = read_der(only(read_der(raw), 0x30))
    if take(outer, 0x06).hex() != SIGNED_DATA:
        raise Malformed("is no signed data")
    data = read_der(only(read_der(only(outer, 0xA0)), 0x30))
    if take(data, 0x02) != b"\x03":
        raise Malformed("is of another version")
    declared = only(read_der(take(data, 0x31)), 0x30)
    enclosed = read_der(take(data, 0x30))
    if take(enclosed, 0x06).hex() != TST_INFO:
        raise Malformed("signs something else than a time")
    info = only(read_der(only(enclosed, 0xA0)), 0x04)
    carried = read_der(take(data, 0xA0)) if data and data[0].tag == 0xA0 else []
    certificates = "".join(ssl.DER_cert_to_PEM_cert(write_der(one)) for one in carried if one.tag == 0x30)
    if data and data[0].tag == 0xA1:  # revocation lists
        read_der(take(data, 0xA1))
    signer = read_der(only(read_der(only(data, 0x31)), 0x30))
    version, named = take(signer, 0x02), signer[0].tag if signer else 0
    take(signer, 0x30, 0x80)
    digest, _, algorithm = hash_of(take(signer, 0x30)), take(signer, 0xA0), take(signer, 0x30)
    take(signer, 0x04)
    kind = take(read_der(algorithm), 0x06).hex()
    if (version, named) not in ((b"\x01", 0x30), (b"\x03", 0x80)) or hash_of(declared) != digest:
        raise Malformed("does not name its signer, or its hash, as prescribed")
    if (kind not in (RSA, ED25519_ALGORITHM) and SIGNING.get(kind) != digest) or [one.tag for one in signer] not in (
        [],
        [0xA1],
    ):
        raise Malformed("is signed in a way that does not count")
    return Token(*read_time_information(info), certificates.encode())


def read_time_information(info: bytes) -> tuple[bytes, int]:
    """The hash that is stamped, and the moment in seconds."""
    fields = read_der(only(read_der(info), 0x30))
    version, _, stamped, _, moment_ = (take(fields, tag) for tag in (0x02, 0x06, 0x30, 0x02, 0x18))
    imprint = read_der(stamped)
    function = hash_of(take(imprint, 0x30))
    digest = only(imprint, 0x04)
    for tag in (0x30, 0x01, 0x02, 0xA0, 0xA1):  # accuracy, ordering, nonce, the authority's name, extensions
        if fields and fields[0].tag == tag:
            take(fields, tag)
    shown = re.fullmatch(rb"([0-9]{14})(\.[0-9]*[1-9])?Z", moment_)
    try:
        when = datetime.datetime.strptime(shown[1].decode() if shown else "", "%Y%m%d%H%M%S")  # noqa: DTZ007
    except ValueError:
        raise Malformed("has no real time") from None
    if version != b"\x01" or fields or function != "sha256":
        raise Malformed("has time information of another form")
    return digest, int(when.replace(tzinfo=datetime.UTC).timestamp())


def sealed_imprint(note: Note, origin: str) -> bytes:
    """SHA-256 of the sealed note: the text, and the log's signature alone."""
    own = [(key_id, made) for name, key_id, made in note.signatures if name == origin and len(made) == 64]
    if len(own) != 1:
        raise Malformed("stands over a note without exactly one signature of the log")
    line = f"\u2014 {origin} {base64.b64encode(own[0][0] + own[0][1]).decode()}\n"
    return sha256(note.text, b"\n", line.encode())


def openssl_program() -> str | None:
    """OpenSSL, if it is installed; programs that only take its name do not know every option."""
    program = shutil.which("openssl")
    if program is None:
        return None
    said = subprocess.run([program, "version"], capture_output=True, check=False, timeout=60).stdout
    return program if said.startswith(b"OpenSSL ") else None


class Timestamps:
    """The tokens of a bundle, and what they are worth under the pinned certificates of authorities."""

    def __init__(self, roots: bytes | None, now: int) -> None:
        self.roots, self.now, self.count, self.unknown = roots, now, 0, 0
        self.good: list[tuple[int, bytes, int, bytes]] = []  # size, token, its moment, the hash that it stamps
        self.records: dict[str, int] = {}  # by the SHA-256 of a token: where the entry stands that records it
        self.program = openssl_program() if roots is not None else None

    def token(self, raw: bytes, note: Note, said: Checkpoint) -> str | None:
        """A token after a checkpoint; what is wrong with it, if anything."""
        self.count += 1
        if self.roots is None:
            return None
        try:
            token = read_token(raw)
            imprint = sealed_imprint(note, said.origin)
        except Malformed as error:
            return f"the token {error}"
        if token.imprint != imprint:
            return "the token stamps another hash"
        if self.program is None or len(self.good) >= MAX_TOKENS:
            self.unknown += 1
            return None
        problem = self.ask(raw, imprint, token.moment)
        if problem is None:
            self.good.append((said.size, raw, token.moment, imprint))
            return None
        if any(words in problem for words in NO_WAY):
            # Of an authority that is not pinned, or changed so that it looks like one: is it good by its own word?
            problem = self.ask(raw, imprint, token.moment, token.certificates)
        self.unknown += problem is None
        return None if problem is None else f"the token does not hold: {problem}"

    def ask(self, raw: bytes, imprint: bytes, moment_: int, also: bytes = b"") -> str | None:
        """What OpenSSL has against a token as of a moment, perhaps with more roots; None if nothing."""
        with tempfile.TemporaryDirectory() as folder:
            token, roots = Path(folder, "token"), Path(folder, "roots")
            token.write_bytes(raw)
            roots.write_bytes((self.roots or b"") + b"\n" + also)
            command = [self.program or "openssl", "ts", "-verify", "-digest", imprint.hex(), "-in", str(token)]
            command += ["-token_in", "-CAfile", str(roots), "-partial_chain", "-attime", str(moment_)]
            done = subprocess.run(command, capture_output=True, check=False, timeout=60)
        if done.returncode == 0:
            return None
        said = done.stderr.decode("utf-8", "replace")
        found = re.search("Verify error:(.*)", said) or re.search("error:[^\n]*:([^:\n]+):[^:\n]*:[0-9]+:", said)
        return found[1].strip()[:200] if found else "OpenSSL does not say why"

    def holding(self) -> tuple[list[tuple[int, int]], int]:
        """Size and moment of each token that holds now, and how many have ended.

        A token whose certificates have ended holds if a newer one that holds was made before, over a checkpoint that
        contains the entry by which the older one was recorded.
        """
        holding: list[tuple[int, int]] = []
        for size, raw, moment_, imprint in sorted(self.good, key=lambda one: one[2], reverse=True):
            place = self.records.get(hashlib.sha256(raw).hexdigest())
            moments = [max(self.now, moment_)]
            moments += [newer for larger, newer in holding if place is not None and larger > place]
            if any(self.ask(raw, imprint, then) is None for then in moments):
                holding.append((size, moment_))
        return holding, len(self.good) - len(holding)

    def conclude(self) -> tuple[bool, str]:
        """Whether the check passes, and why or why not."""
        if not self.count:
            return False, "no timestamp token"
        if self.roots is None:
            return False, f"{self.count} tokens not checked: no timestamp root is pinned"
        if self.program is None:
            return False, f"{self.count} tokens not checked: the program openssl is not installed here"
        holding, ended = self.holding()
        said = []
        if holding:
            size, moment_ = max(holding, key=lambda one: (one[0], -one[1]))
            when = datetime.datetime.fromtimestamp(moment_, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            said.append(
                f"{len(holding)} tokens verify by openssl: the first {size} entries existed no later than {when}"
            )
        said += [f"the certificates of {ended} tokens have ended, and nothing shown renews them"] if ended else []
        said += [f"{self.unknown} tokens not checked: of no pinned authority"] if self.unknown else []
        return bool(holding), "; ".join(said)


# ---- 7. The report ---------------------------------------------------------------------------------------------------

CHECKS = (
    *("form", "entries", "place", "chain", "time", "tree", "genesis", "keys", "signatures", "cosignatures", "pin"),
    *("bodies", "sources", "columns", "head", "anchors"),
)
NEEDED = ("form", "entries", "place", "chain", "tree", "signatures")


class Report:
    """What was found: per check a state and a reason, and what broke first."""

    def __init__(self) -> None:
        self.state: dict[str, tuple[str, str]] = {}
        self.failures: dict[str, int] = {}
        self.first: dict[str, str] | None = None
        self.malformed = False
        self.findings: list[str] = []

    def fail(self, check: str, where: str, reason: str) -> None:
        """A check does not hold at a place; the first place is what the report shows."""
        self.failures[check] = self.failures.get(check, 0) + 1
        self.state.setdefault(check, ("failed", f"{where}: {reason}"))
        self.first = self.first or {"check": check, "where": where, "reason": reason}
        if len(self.findings) < MAX_LISTED:
            self.findings.append(f"{check}: {where}: {reason}")

    def settle(self, check: str, passed: bool, reason: str) -> None:
        """Say how a check ended that has not failed before."""
        if check in self.failures and self.failures[check] > 1:
            state, first = self.state[check]
            self.state[check] = (state, f"{first} (and {self.failures[check] - 1} more)")
        self.state.setdefault(check, ("passed" if passed else "not_made", reason))

    def verdict(self) -> str:
        """Verified, failed or malformed."""
        if self.malformed:
            return "malformed"
        for check in NEEDED:
            if self.state[check][0] == "not_made":
                self.first = self.first or {"check": check, "where": "the whole", "reason": self.state[check][1]}
        return "failed" if self.first else "verified"


class Pins(NamedTuple):
    """What the auditor knows from elsewhere; each may be missing."""

    origin: str | None = None
    genesis: str | None = None
    root: Key | None = None
    checkpoint: Checkpoint | None = None
    timestamp_roots: bytes | None = None  # PEM
    now: int | None = None  # seconds since 1970 as of which tokens are judged; None for the clock's


# ---- 8. The walk: everything that is checked along a log, from its first leaf to its last ---------------------------


class Walk:
    """Fed from left to right with keys notes, entries, bodies, subtrees and checkpoints; remembers next to nothing."""

    def __init__(self, pins: Pins, report: Report) -> None:
        self.pins, self.report, self.fold = pins, report, Fold()
        self.origin, self.where, self.pin = "", "the beginning", pins.checkpoint
        self.keys: KeysNote | None = None
        self.keys_number = 0  # of the last keys note, whether it counts or not
        self.prev: str | None = ZERO_HASH  # hash of the entry directly before this position, if it was present
        self.recorded_at = ""
        self.body_field: Json | None = None  # what the last entry says about its body
        self.tree_holds = True  # until subtrees do not fit the position; then there is nothing to fold any more
        self.pin_met = self.genesis_seen = False
        self.entries = self.pairs = self.absent_pairs = self.checkpoints = self.hidden = self.unreadable = 0
        self.bodies = self.disclosed = self.open_links = 0
        self.streams: dict[tuple[str, str], tuple[int, str, int]] = {}  # per source and epoch: number, hash, hidden
        self.unnumbered: set[str] = set()
        self.too_many_sources = False
        self.gaps: list[str] = []
        self.open_gaps: list[tuple[tuple[str, str, str], int, int, str, str]] = []  # judged at the end, by `name_gaps`
        self.refused: dict[tuple[str, str, str], dict[int, str]] = {}  # per submitter, source and epoch: number, hash
        self.refusals = 0
        self.named_gaps: list[str] = []
        self.timestamps = Timestamps(pins.timestamp_roots, int(time.time()) if pins.now is None else pins.now)
        self.sealed: tuple[Note, Checkpoint] | None = None  # the last checkpoint
        # For packets: which entries to keep, with hash and fields; and a tree that must be met on the way.
        self.wanted: set[int] | range = set()
        self.kept: dict[int, tuple[str, dict[str, Json]]] = {}
        self.other: tuple[int, bytes] | None = None
        self.other_met = False

    def fail(self, check: str, reason: str) -> None:
        """Report that a check fails here."""
        self.report.fail(check, self.where, reason)

    def begin(self, origin: str) -> None:
        """Name the log that is walked."""
        self.origin = origin
        if self.pins.origin not in (None, origin):
            self.fail("place", f"this is the log {origin}, not the pinned {self.pins.origin}")
        if self.pin is not None and self.pin.origin != origin:
            self.fail("place", f"the pinned checkpoint is of the log {self.pin.origin}")
            self.pin = None  # it says nothing about this tree

    def keys_note(self, raw: bytes) -> None:
        """A keys note. It counts if the pinned root key signed it; with none pinned, nobody can tell."""
        note = read_note(raw)
        keys = read_keys_note(note.text)
        if len(note.signatures) != 1 or keys.number <= self.keys_number:
            raise Malformed("is a keys note with other than one signature, or its number does not ascend")
        self.keys_number = keys.number
        root, (name, key_id, signature) = self.pins.root, note.signatures[0]
        if root is not None:
            if (name, key_id) != (root.name, root.id):
                return
            if not ed25519_verify(root.public, note.text, signature):
                self.fail("keys", f"keys note {keys.number} bears the pinned root key's name and a bad signature")
                return
        if keys.origin != self.origin:
            self.fail("keys", f"keys note {keys.number} is for the log {keys.origin}")
            return
        if self.pins.genesis not in (None, keys.genesis):
            self.fail("keys", f"keys note {keys.number} names another genesis than the pinned one")
        if self.keys is not None and self.keys.genesis != keys.genesis:
            self.fail("keys", f"keys notes {self.keys.number} and {keys.number} name different genesis hashes")
        self.keys = keys

    def entry(self, raw: bytes) -> None:
        """The next entry: its form, its place, its link, its time."""
        position, digest = self.fold.position, sha256(b"\0", raw)
        problem, fields = examine(raw)
        if problem is not None:
            self.fail("entries", f"entry {position} {problem}")
        if position == 0:
            self.genesis_seen = True
            self.creation(fields)
            if self.pins.genesis not in (None, digest.hex()):
                self.fail("genesis", f"entry 0 hashes to {digest.hex()}, not to the pinned genesis")
            if self.keys is not None and self.keys.genesis != digest.hex():
                self.fail("keys", f"keys note {self.keys.number} names another genesis than entry 0")
        self.body_field = None
        if fields is None:
            self.unreadable += 1
            self.hidden += 1
        else:
            self.read_fields(position, fields)
        self.entries += 1
        self.prev = digest.hex()
        if position in self.wanted:
            self.kept[position] = (digest.hex(), fields or {})
        self.push(0, digest)

    def creation(self, fields: dict[str, Json] | None) -> None:
        """Entry 0 begins the log as section 3 prescribes, and names the pinned root key."""
        problem, named = examine_creation(fields, self.origin) if fields else ("cannot be read", "")
        root = self.pins.root
        if problem is None and root is not None and named != f"{root.name}+{root.id.hex()}":
            problem = f"names the root key {named!a}, not the pinned one"
        if problem is not None:
            self.fail("genesis", f"entry 0 {problem}")

    def read_fields(self, position: int, fields: dict[str, Json]) -> None:
        """Rules 5, 6 and 7 for an entry that could be read, and what it says of its body and its source."""
        if fields.get("log") != self.origin:
            self.fail("place", f"entry {position} is of another log than {self.origin}")
        if fields.get("seq") != position:
            self.fail("place", f"entry {position} does not bear its own number")
        if self.prev is None:
            self.absent_pairs += 1
        else:
            self.pairs += position > 0
            if fields.get("prev") != self.prev:
                self.fail("chain", f"entry {position} does not link to the entry before it")
        recorded_at = fields.get("recorded_at", "")
        if not isinstance(recorded_at, str) or RECORDED_AT(recorded_at):
            self.fail("time", f"entry {position} has no time of recording in the prescribed form")
        else:
            if recorded_at < self.recorded_at:
                self.fail("time", f"entry {position} was recorded before an earlier one")
            self.recorded_at = max(self.recorded_at, recorded_at)
        event = fields.get("event")
        if not isinstance(event, dict):
            self.hidden += 1
            return
        self.body_field = event.get("body")
        self.bodies += "body" in event
        by = fields.get("by")
        if event.get("action") == "anchor.record":
            self.note_token(event, position)
        if event.get("action") == "event.refused" and isinstance(by, str):
            self.note_refusal(event, by)
        self.follow_source(event, by if isinstance(by, str) else "")

    def note_token(self, event: dict[str, Json], position: int) -> None:
        """Remember where a token is recorded: a later token over this entry shows that it existed before."""
        labels = event.get("labels")
        named = (
            [label[13:] for label in labels if isinstance(label, str) and label.startswith("anchor.token=")]
            if isinstance(labels, list)
            else []
        )
        if len(named) == 1 and not HASH(named[0]) and len(self.timestamps.records) < MAX_TOKENS:
            self.timestamps.records.setdefault(named[0], position)

    def token(self, raw: bytes) -> None:
        """A timestamp token over the last checkpoint."""
        if self.sealed is not None and (problem := self.timestamps.token(raw, *self.sealed)) is not None:
            self.fail("anchors", problem)

    def note_refusal(self, event: dict[str, Json], by: str) -> None:
        """Remember the number that an `event.refused` entry names; it names none if a label is missing or doubled."""
        own, labels, found = event.get("source"), event.get("labels"), dict[str, str]()
        for label in labels if isinstance(labels, list) else []:
            key, _, value = label.partition("=") if isinstance(label, str) else ("", "", "")
            if key in REFUSED:
                if key in found or not re.fullmatch(REFUSED[key], value):
                    return
                found[key] = value
        name = found.pop("refused.source", own.get("id") if isinstance(own, dict) else None)
        if len(found) < 3 or not isinstance(name, str):
            return
        numbers = self.refused.setdefault((by, name, found["refused.epoch"]), {})
        number, digest = int(found["refused.seq"]), found["refused.hash"]
        if number in numbers:
            numbers[number] = digest if numbers[number] == digest else ""  # two that contradict each other: no hash
        elif self.refusals < MAX_STREAMS:
            self.refusals += 1
            numbers[number] = digest

    def name_gaps(self) -> None:
        """At the end: a gap has a name if every number in it was refused, and the next event links to the last one.

        The name may stand before or after the gap, so gaps wait until here. Where something was left out of what we
        read, the name may be there, and nothing is said about a gap without one.
        """
        sorted_numbers = {key: sorted(numbers) for key, numbers in self.refused.items()}
        for key, first, last, link, where in self.open_gaps:
            numbers, digest = sorted_numbers.get(key, []), self.refused.get(key, {}).get(last)
            gap = f"{key[1]}: {first} to {last}"
            self.where = where
            if digest is not None and digest != link:
                self.fail("sources", f"event {last + 1} of {key[1]} does not link to the refused event before it")
            elif bisect.bisect_right(numbers, last) - bisect.bisect_left(numbers, first) == last - first + 1:
                self.named_gaps += [gap]
            elif self.hidden:
                self.open_links += 1
            else:
                self.gap(f"{gap} are missing")

    def gap(self, words: str) -> None:
        """Numbers of a source are missing, or come again."""
        self.gaps += [words] if len(self.gaps) < MAX_LISTED else []
        self.fail("sources", f"the numbers of {words}")

    def follow_source(self, event: dict[str, Json], by: str) -> None:
        """Each numbered source's own chain: numbers go up by one, and prev is the hash of the event before.

        A number that is missing where nothing was left out of what we read is a gap. Where subtrees stand for entries,
        the missing event may be among those, so nothing is said: `hidden` counts the places that we could not look at.
        """
        fields = event.get("source", "")
        if not isinstance(fields, dict) or source(fields):
            self.hidden += 1
            return
        name, own, link = str(fields["id"]), fields.get("seq"), fields.get("prev")
        stream = (name, str(fields.get("epoch")))
        if len(self.streams) + len(self.unnumbered) >= MAX_STREAMS and stream not in self.streams:
            self.too_many_sources = True
            return
        if not isinstance(own, int):
            self.unnumbered.add(name)
            return
        last, expected, hidden = self.streams.get(stream, (-1, ZERO_HASH, 0))
        if own == last + 1:
            if link != expected:
                self.fail("sources", f"event {own} of {name} does not link to that source's event before")
        elif own > last and hidden == self.hidden and len(self.open_gaps) < MAX_STREAMS:
            self.open_gaps.append(((by, *stream), last + 1, own - 1, str(link), self.where))
        elif own <= last or hidden == self.hidden:
            self.gap(f"{name}: {own} follows {'nothing' if last < 0 else last}")
        else:
            self.open_links += 1
        event_hash = sha256(b"muniment/event/1\0", write_json(event).encode()).hex()
        self.streams[stream] = (own, event_hash, self.hidden)

    def body(self, raw: bytes) -> None:
        """The disclosed body of the last entry: 32 bytes of salt, then the body itself (rule 9)."""
        said, commit = self.body_field, sha256(b"muniment/body/1\0", raw).hex()
        self.disclosed += 1
        if not isinstance(said, dict) or said.get("commit") != commit or said.get("len") != len(raw) - 32:
            self.fail("bodies", f"the body disclosed for entry {self.fold.position - 1} is not the committed one")

    def subtree(self, level: int, digest: bytes) -> None:
        """A perfect subtree of 2^level leaves in place of entries that were left out."""
        if self.fold.position % (1 << level):
            self.fail("tree", f"a subtree of 2^{level} leaves cannot stand at position {self.fold.position}")
            self.tree_holds = False
        if self.pin is not None and self.fold.position < self.pin.size < self.fold.position + (1 << level):
            self.fail("pin", f"the pinned size {self.pin.size} is hidden in a subtree: ask for a file that shows it")
        self.prev = digest.hex() if level == 0 else None
        self.hidden += 1
        self.push(level, digest)

    def push(self, level: int, digest: bytes) -> None:
        """Move on, and compare with the pinned checkpoint where its size is reached."""
        if self.fold.position + (1 << level) > MAX_NUMBER:
            raise Malformed("goes beyond 2^53 - 1 leaves")
        if not self.tree_holds:
            self.fold.position += 1 << level
            return
        self.fold.push(level, digest)
        if self.other is not None and self.other[0] == self.fold.position:
            self.other_met = self.other[1] == self.fold.root()
        pin = self.pin
        if pin is not None and pin.size == self.fold.position:
            self.pin_met = True
            if pin.root != self.fold.root():
                self.fail("pin", f"the tree of size {pin.size} has another root than the pinned checkpoint")

    def checkpoint(self, raw: bytes) -> None:
        """A checkpoint over all leaves so far: its log, size, root and signatures."""
        note = read_note(raw)
        said = read_checkpoint(note.text)
        self.sealed = (note, said)
        self.checkpoints += 1
        if said.origin != self.origin:
            self.fail("place", f"the checkpoint is of the log {said.origin}")
        if said.size != self.fold.position:
            self.fail("tree", f"the checkpoint's size is {said.size}, but {self.fold.position} leaves came before it")
        elif self.tree_holds and said.root != self.fold.root():
            self.fail("tree", f"the checkpoint of size {said.size} has another root than its entries and subtrees")
        if self.keys is not None:
            self.check_signatures(note, said.size, self.keys)

    def check_signatures(self, note: Note, size: int, keys: KeysNote) -> None:
        """Signatures by unknown keys are nothing; by known keys they must be good, and the key in force must sign."""
        signers, times = set(), []
        for name, key_id, signature in note.signatures:
            key = keys.named(name, key_id)
            if key is None:
                continue
            message, moment_signed = note.text, -1
            if key.kind == 4:
                moment_signed = int.from_bytes(signature[:8], "big")
                message = b"cosignature/v1\ntime %d\n" % moment_signed + note.text
                signature = signature[8:]
            if moment_signed >= 2**63 or not ed25519_verify(key.public, message, signature):
                check = "cosignatures" if key.kind == 4 else "signatures"
                self.fail(check, f"the checkpoint of size {size} has a bad signature by {name!a}")
            elif key.kind == 1:
                signers.add(key)
            elif keys.cosigners[key] <= moment_signed < keys.revoked.get(key, 2**63):
                times.append(moment_signed)
        in_force = keys.key_at(size)
        if in_force not in signers:
            self.fail("signatures", f"the checkpoint of size {size} is not signed by the log's key in force")
        elif in_force in keys.revoked and not any(time < keys.revoked[in_force] for time in times):
            self.fail("signatures", f"the checkpoint of size {size} is signed by a revoked key, not cosigned before")
        if keys.cosigners and not times:
            self.fail("cosignatures", f"the checkpoint of size {size} carries no counting cosignature")

    def finish(self, stopped: str | None, live: bool) -> None:
        """Say how every check ended. `stopped` is why reading ended early, if it did."""
        report, pins, size, keys = self.report, self.pins, self.fold.position, self.keys
        pin = self.pin
        if stopped is None:
            self.name_gaps()
        self.where = "the whole"
        if stopped is not None:
            report.malformed = True
            for check in CHECKS[1:]:
                report.settle(check, False, "reading stopped before the end")
            return
        if pins.root is not None and keys is None:
            self.fail("keys", "no keys note of this log is signed by the pinned root key")
        if pin is not None and size < pin.size:
            self.fail("pin", f"the log ends at size {size}, before the pinned checkpoint of size {pin.size}")
        readable = self.unreadable == 0
        unread = f"{self.unreadable} entries could not be read"
        report.settle("form", True, "read to the end" if live else "read to the end, and Z matches")
        report.settle("entries", True, f"{self.entries} entries")
        report.settle("place", readable, "every entry is of this log and in its place" if readable else unread)
        absent = f"; {self.absent_pairs} more links lead to entries that are not present" if self.absent_pairs else ""
        report.settle("chain", readable, f"{self.pairs} pairs of neighbours link{absent}" if readable else unread)
        report.settle("time", readable, "never decreases" if readable else unread)
        report.settle("tree", self.tree_holds, f"{self.checkpoints} checkpoints, the last of size {size}")
        first = pins.genesis is not None and self.genesis_seen
        report.settle("genesis", first, "entry 0 is the pinned one" if first else "no genesis pinned, or no entry 0")
        number_of = f"keys note {keys.number}" if keys else "no keys note"
        self_chosen = "" if pins.root else "; whoever wrote this chose these keys, for no root key is pinned"
        report.settle("keys", pins.root is not None, f"{number_of}{self_chosen}")
        report.settle("signatures", keys is not None, f"checked with {number_of}{self_chosen}")
        cosigned = keys is not None and bool(keys.cosigners)
        names = ", ".join(key.name for key in keys.cosigners) if keys else ""
        whose = f"every checkpoint, by {names}" if cosigned else f"{number_of} names no cosigner"
        report.settle("cosignatures", cosigned, whose)
        unmet = "no checkpoint of this log pinned" if pin is None else "there is no tree to compare with"
        report.settle("pin", self.pin_met, "contains the pinned checkpoint" if self.pin_met else unmet)
        report.settle("bodies", self.disclosed > 0, f"{self.disclosed} disclosed, {self.bodies - self.disclosed} not")
        followed = f"{len(self.streams)} numbered sources and epochs, {len(self.unnumbered)} unnumbered sources"
        open_links = f"; {self.open_links} numbers follow on what is not present" if self.open_links else ""
        named = f"; {len(self.named_gaps)} gaps of refused events, each with a name" if self.named_gaps else ""
        more = "; more sources than can be followed" if self.too_many_sources else ""
        linked = bool(self.streams) and not self.open_links and not self.too_many_sources
        report.settle("sources", linked, followed + open_links + named + more)
        report.settle("columns", False, "only for a database")
        report.settle("head", live, "all is served that the checkpoint covers" if live else "only a database has one")
        report.settle("anchors", *self.timestamps.conclude())


# ---- 9. Reading a bundle ---------------------------------------------------------------------------------------------

# Which lines may come after which. The whole order of a bundle is in this table.
FOLLOWERS = {"": "H", "H": "KEN", "K": "KEN", "E": "BENC", "B": "ENC", "N": "ENC", "C": "TENZ", "T": "TENZ", "Z": ""}


def walk_bundle(stream: BinaryIO, walk: Walk) -> None:
    """Read a bundle line by line and walk it; one line is in memory at a time."""
    before, count, digest = "", 0, hashlib.sha256()
    while line := stream.readline(MAX_LINE + 1):
        count += 1
        walk.where = f"line {count}"
        letter, rest = line[:1].decode("latin-1"), line[2:-1]
        if line[-1:] != b"\n":
            raise Malformed("is longer than 524,288 bytes, or does not end in a newline")
        if line[1:2] != b" " or b"\r" in line or letter not in FOLLOWERS[before]:
            raise Malformed(f"begins with {letter!a} where one of {', '.join(FOLLOWERS[before]) or 'none'} may stand")
        if letter == "Z":
            if not re.fullmatch(rb"[0-9a-f]{64}", rest):
                raise Malformed("is not Z and 64 hex digits")
            if rest.decode() != digest.hexdigest():
                raise Malformed("does not match: the file was damaged or changed after it was written")
        else:
            walk_line(letter, rest, walk)
        digest.update(line)
        before = letter
    walk.where = f"line {count + 1}"
    if before != "Z":
        raise Malformed("is missing: the file ends without its Z line")


def walk_line(letter: str, rest: bytes, walk: Walk) -> None:
    """One line of a bundle, other than Z."""
    if letter == "H":
        head, _, origin = rest.decode("latin-1").partition(" ")
        if head != "muniment-bundle/1" or ORIGIN(origin):
            raise Malformed("is not H muniment-bundle/1 and an origin")
        walk.begin(origin)
    elif letter == "E":
        walk.entry(rest)
    elif letter == "N":
        digits, _, encoded = rest.partition(b" ")
        level, subtree = read_decimal(digits.decode("latin-1")), read_base64(encoded)
        if level > 52 or len(subtree) != 32:
            raise Malformed("is not N, a level from 0 to 52 and a hash")
        walk.subtree(level, subtree)
    else:
        raw = read_base64(rest)
        if letter == "K":
            walk.keys_note(raw)
        elif letter == "C":
            walk.checkpoint(raw)
        elif letter == "B" and 32 <= len(raw) <= 262_176:
            walk.body(raw)
        elif letter == "T" and raw != b"":
            walk.token(raw)
        else:
            raise Malformed("is a body of a length that cannot be, or an empty token")


# ---- 10. Reading a live log (C2SP tlog-tiles) ------------------------------------------------------------------------


class NotServed(Malformed):
    """The server has no such resource."""


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """A log answers at its own address, and an API key is never carried to another one."""

    def redirect_request(self, *_: object) -> None:
        """Never follow."""


class Server:
    """The resources under a log's address."""

    def __init__(self, prefix: str, key: str | None) -> None:
        self.prefix = prefix.rstrip("/")
        self.headers = {"Accept-Encoding": "gzip, identity"} | ({"Authorization": f"Bearer {key}"} if key else {})
        self.opener = urllib.request.build_opener(NoRedirects)

    def get(self, path: str, limit: int) -> bytes:
        """At most so many bytes of a resource."""
        try:
            request = urllib.request.Request(f"{self.prefix}/{path}", headers=self.headers)  # noqa: S310  (http or https)
            with self.opener.open(request, timeout=30) as response:
                raw: bytes = response.read(2 * limit + 1024)  # what is compressed may be longer than it was
                if response.headers.get("Content-Encoding", "identity") == "gzip":
                    raw = zlib.decompressobj(31).decompress(raw, limit + 1)
        except urllib.error.HTTPError as error:
            error.close()
            kind = NotServed if error.code in (404, 410) else Malformed
            raise kind(f"{path}: the server answers {error.code}") from None
        except (OSError, http.client.HTTPException, ValueError, zlib.error) as error:
            raise Malformed(f"{path} cannot be fetched: {str(error)[:200]!a}") from error
        if len(raw) > limit:
            raise Malformed(f"{path} is longer than {limit} bytes")
        return raw


def tile_path(level: str, index: int, width: int) -> str:
    """Where a tile is served: its index in groups of three digits, and its width if it is not full."""
    digits = str(index).zfill((len(str(index)) + 2) // 3 * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    path = "/".join(["tile", level, *(f"x{group}" for group in groups[:-1]), groups[-1]])
    return path if width == 256 else f"{path}.p/{width}"


def read_entries(raw: bytes, width: int, whole: bool) -> list[bytes]:
    """The first so many entries of an entry bundle, each with its length before it."""
    entries, at = [], 0
    for _ in range(width):
        end = at + 2 + int.from_bytes(raw[at : at + 2], "big")
        if at + 2 > len(raw) or end > len(raw):
            raise Malformed("an entry bundle ends within an entry")
        entries.append(raw[at + 2 : end])
        at = end
    if whole and at != len(raw):
        raise Malformed("an entry bundle goes on after its last entry")
    return entries


def walk_live(server: Server, walk: Walk) -> None:
    """Fetch the checkpoint, the keys note and then every entry, and compare every hash tile with what we compute."""
    walk.where = "the checkpoint"
    sealed = server.get("checkpoint", MAX_NOTE)
    said = read_checkpoint(read_note(sealed).text)
    if said.size == 0:
        raise Malformed("is of an empty log: there is nothing to verify")
    walk.begin(said.origin)
    named = urllib.parse.urlsplit(server.prefix).path.partition("/logs/")[2]
    if named not in ("", said.origin):
        walk.fail("place", f"the checkpoint is of the log {said.origin}, and the address names another")
    walk.where = "the keys note"
    with contextlib.suppress(NotServed):
        walk.keys_note(server.get("keys", MAX_NOTE))
    rows: dict[int, list[bytes]] = {}
    full: dict[int, int] = {}

    def compare(level: int) -> None:
        path = tile_path(str(level), full.get(level, 0), len(rows[level]))
        if server.get(path, 8192) != b"".join(rows[level]):
            walk.fail("tree", f"the hash tile {path} does not agree with the entries")

    def collect(level: int, node: bytes) -> None:
        row = rows.setdefault(level, [])
        row.append(node)
        if len(row) == 256:
            compare(level)
            full[level] = full.get(level, 0) + 1
            row.clear()

    walk.fold.watch = collect
    for start in range(0, said.size, 256):
        walk.where = f"entries from {start}"
        width = min(256, said.size - start)
        limit = 256 * (MAX_ENTRY + 2)
        try:
            entries = read_entries(server.get(tile_path("entries", start // 256, width), limit), width, True)
        except NotServed:
            if width == 256:
                raise
            entries = read_entries(server.get(tile_path("entries", start // 256, 256), limit), width, False)
        for place, entry in enumerate(entries, start):
            walk.where = f"entry {place}"
            walk.entry(entry)
    for level in rows:
        if rows[level]:
            compare(level)
    walk.where = "the checkpoint"
    walk.checkpoint(sealed)


# ---- 11. The answer --------------------------------------------------------------------------------------------------


def verify(target: str, pins: Pins, api_key: str | None = None) -> dict[str, Any]:
    """Check a bundle's path or a live log's address, and say what was found."""
    live = target.startswith(("http://", "https://"))

    def read(walk: Walk) -> None:
        if live:
            walk_live(Server(target, api_key), walk)
        else:
            with Path(target).open("rb") as stream:
                walk_bundle(stream, walk)

    return judge(Walk(pins, Report()), read, live)


def judge(walk: Walk, read: Callable[[Walk], None], live: bool = False) -> dict[str, Any]:
    """Walk along what is read, and say what was found."""
    pins, report, stopped = walk.pins, walk.report, None
    try:
        read(walk)
    except Malformed as error:
        stopped = str(error)
    except (OSError, ValueError) as error:
        stopped = f"cannot be read: {str(error)!a}"
    if stopped is not None:
        walk.fail("form", stopped)
    walk.finish(stopped, live)
    verdict, trust = report.verdict(), None
    given = {"genesis": pins.genesis, "pin": walk.pin}
    unmet = [name for name, pin in given.items() if pin is not None and report.state[name][0] == "not_made"]
    if verdict == "verified":
        rooted = report.state["keys"][0] == "passed"
        ends_in_pin = walk.pin is not None and walk.pin_met and walk.pin.size == walk.fold.position
        trust = "pinned" if rooted or ends_in_pin else "self-attested"
    return {
        "verdict": verdict,
        "trust": trust,
        "checks": [dict(zip(("name", "state", "reason"), (name, *report.state[name]), strict=True)) for name in CHECKS],
        "first_broken": report.first if verdict != "verified" else None,
        "pins_not_compared": unmet,
        "origin": walk.origin,
        "size": walk.fold.position,
        "entries": walk.entries,
        "last_recorded": walk.recorded_at or None,
        "checkpoints": walk.checkpoints,
        "keys_note": walk.keys.number if walk.keys else None,
        "failures": report.findings,
        "gaps": walk.gaps,
        "named_gaps": walk.named_gaps[:MAX_LISTED],
        "unnumbered_sources": sorted(walk.unnumbered)[:MAX_LISTED],
    }


def show(found: dict[str, Any]) -> str:
    """The answer in words: the verdict, then every check, then what the reader must know besides."""
    if found.get("kind") == "packet":
        return show_packet(found)
    words = {
        "pinned": "VERIFIED against what you pinned",
        "self-attested": "VERIFIED, self-attested only: it agrees with itself, but whoever made it chose its keys",
    }
    lines = [words.get(found["trust"], found["verdict"].upper())]
    lines.append(
        "Log {origin}: {entries} entries read of a tree of {size}, last recorded {last_recorded}".format(**found)
    )
    for check in found["checks"]:
        lines.append(f"  {check['state'].replace('_', ' '):<9} {check['name']:<13} {check['reason']}")
    if found["first_broken"]:
        lines.append("First broken: {check}, at {where}: {reason}".format(**found["first_broken"]))
    if found["pins_not_compared"]:
        lines.append(
            f"You pinned it, but this file did not let it be compared: {', '.join(found['pins_not_compared'])}"
        )
    if found["named_gaps"]:
        lines.append(f"Numbers that the log names as refused: {', '.join(found['named_gaps'])}")
    if found["unnumbered_sources"]:
        lines.append(
            f"Sources that number nothing, so that no gap could show: {', '.join(found['unnumbered_sources'])}"
        )
    return "\n".join(map(harmless, lines))


# ---- 12. Evidence packets (docs/packets.md) --------------------------------------------------------------------------
#
# A packet is an archive in which every byte is determined by the names and contents of its files: they are stored one
# after the other, unpacked, with fixed times, and nothing stands between them. So we write each header again from what
# we read and compare; there is nothing left in which a byte could hide, and nothing that could unpack to more.

FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*( [A-Za-z0-9._-]+)*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")
MANIFEST, SIGNATURE, EVIDENCE = "manifest.json", "signature.bundle", "evidence.bundle"
LOCAL, CENTRAL, END = struct.Struct("<4s5H3I2H"), struct.Struct("<4s6H3I5H2I"), struct.Struct("<4s4H2IH")
MAX_FILES, MAX_ARCHIVE, MAX_MANIFEST, MAX_SAMPLED = 20_000, 2**31 - 1, 33_554_432, 200_000
PIECE = 1 << 20


class BadFile(Malformed):
    """A file of a packet, or a place of its archive, that is not as it should be."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(reason)
        self.path, self.reason = path, reason


def is_file_name(name: str) -> bool:
    """Whether a file of a packet may be called so: nothing that climbs out of a folder or hides in one."""
    return len(name) <= 200 and bool(FILE_NAME.fullmatch(name)) and ".." not in name and not name.endswith(".")


def read_archive(stream: BinaryIO) -> dict[str, tuple[int, int, int]]:
    """Where each file of the archive begins, its bytes and its CRC-32."""

    def at(place: int, length: int) -> bytes:
        stream.seek(place)
        return stream.read(length)

    total = stream.seek(0, 2)
    tail = at(max(0, total - END.size), END.size)
    if total > MAX_ARCHIVE or len(tail) < END.size:
        raise BadFile("the archive", "is longer or shorter than a packet can be")
    _, _, _, _, count, length, start, _ = END.unpack(tail)
    if tail != END.pack(b"PK\5\6", 0, 0, count, count, length, start, 0) or start + length + END.size != total:
        raise BadFile("the archive's end", "is not as a packet has it: changed, cut, or added to")
    directory, files, place, position = at(start, length), dict[str, tuple[int, int, int]](), 0, 0
    known: set[str] = set()
    for ordinal in range(1, count + 1):
        line = directory[place : place + CENTRAL.size]
        if len(line) < CENTRAL.size or count > MAX_FILES:
            raise BadFile("the archive's directory", "ends before its last file, or names too many")
        crc, size = struct.unpack_from("<2I", line, 16)
        width, begin = struct.unpack_from("<H", line, 28)[0], struct.unpack_from("<I", line, 42)[0]
        raw = directory[place + CENTRAL.size : place + CENTRAL.size + width]
        name = raw.decode("latin-1")
        if not is_file_name(name):
            raise BadFile(f"the archive's directory, file {ordinal}", "has no name that a file of a packet may have")
        said = (0, 0, 0, 0x21, crc, size, size, len(raw), 0)
        if line != CENTRAL.pack(b"PK\1\2", 10, 10, *said, *(0, 0, 0, 0), begin):
            raise BadFile(name, "its line in the archive's directory is not as a packet has it")
        if name.lower() in known:
            raise BadFile(name, "stands twice in the archive")
        known.add(name.lower())
        if begin != position or begin + LOCAL.size + width + size > start:
            raise BadFile(name, "does not stand where the archive's directory says")
        if at(begin, LOCAL.size + width) != LOCAL.pack(b"PK\3\4", 10, *said) + raw:
            raise BadFile(name, "its header says something else than the archive's directory")
        position = begin + LOCAL.size + width + size
        files[name] = (position - size, size, crc)
        place += CENTRAL.size + width
    if place != len(directory) or position != start:
        raise BadFile("the archive", "has bytes that belong to no file")
    return files


class PacketFiles:
    """The files of a packet, in its archive or in the folder into which it was unpacked."""

    def __init__(self, target: Path) -> None:
        self.folder = target if target.is_dir() else None
        self.sizes: dict[str, int] = {}
        self.places: dict[str, tuple[int, int, int]] = {}
        self.faults: dict[str, str] = {}
        if self.folder is None:
            self.stream = target.open("rb")
            try:
                self.places = read_archive(self.stream)
            except Malformed:
                self.close()
                raise
            self.sizes = {name: size for name, (_, size, _) in self.places.items()}
            return
        for path in sorted(self.folder.rglob("*")):
            name = path.relative_to(self.folder).as_posix()
            if path.is_symlink() or not (path.is_dir() or path.is_file()) or len(self.sizes) >= MAX_FILES:
                raise BadFile(name, "is a link or a device, or one file too many")
            if path.is_file():
                self.sizes[name] = path.stat().st_size

    def close(self) -> None:
        """Give the archive back."""
        if self.folder is None:
            self.stream.close()

    def fault(self, path: str, reason: str) -> None:
        """Say what is wrong with a file; the first thing counts."""
        self.faults.setdefault(path, reason)

    def pieces(self, path: str) -> Iterator[bytes]:
        """A file's bytes; in an archive they must fit its CRC-32."""
        if self.folder is not None:
            with (self.folder / path).open("rb") as stream:
                while piece := stream.read(PIECE):
                    yield piece
            return
        place, left, expected = self.places[path]
        crc = 0
        while left:
            self.stream.seek(place)
            piece = self.stream.read(min(left, PIECE))
            if not piece:
                raise BadFile(path, "ends before its last byte")
            crc, place, left = zlib.crc32(piece, crc), place + len(piece), left - len(piece)
            yield piece
        if crc != expected:
            raise BadFile(path, "its content does not fit its checksum in the archive")

    def copy(self, path: str) -> tuple[str, BinaryIO] | None:
        """SHA-256 of a file, and a copy of it; None, and a fault, if there is none or it cannot be read."""
        if path not in self.sizes:
            self.fault(path, "is missing")
            return None
        digest, out = hashlib.sha256(), tempfile.TemporaryFile()  # noqa: SIM115  (whoever asked closes it)
        try:
            for piece in self.pieces(path):
                digest.update(piece)
                out.write(piece)
        except (BadFile, OSError) as error:
            self.fault(path, str(error))
            return None
        out.seek(0)
        return digest.hexdigest(), out

    def digest(self, path: str) -> str | None:
        """SHA-256 of a file; None, and a fault, if it cannot be read."""
        digest = hashlib.sha256()
        try:
            for piece in self.pieces(path):
                digest.update(piece)
        except (BadFile, OSError) as error:
            self.fault(path, str(error))
            return None
        return digest.hexdigest()


def read_manifest(raw: bytes) -> dict[str, Any]:
    """The manifest, if it is written in its one canonical form."""
    hash_, natural, name = HASH, number(0), string("(?s:.{1,1024})", 4096)
    item = members({"hash": hash_, "seq": natural}, {})
    shape = members(
        {
            "checkpoint": members({"root": hash_, "size": natural}, {}),
            "files": each(members({"bytes": natural, "path": name, "sha256": hash_}, {}), MAX_FILES),
            "log": ORIGIN,
            "name": name,
            "packet": name,
            "samples": each(members({"draw": natural, "id": name, "items": each(item, MAX_SAMPLED)}, {}), MAX_FILES),
            "scope": hash_,
            "software": name,
            "v": string("muniment-packet/1", 17),
        },
        {},
    )
    try:
        value = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=read_members,
            parse_int=read_integer,
            parse_float=refuse_literal,
            parse_constant=refuse_literal,
        )
        require_plain(value, 1)
    except (ValueError, RecursionError) as error:
        raise Malformed("is not JSON in strict UTF-8") from error
    problem = shape(value)
    if problem is not None:
        raise Malformed(f"is no manifest: it{problem}")
    if json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() != raw:
        raise Malformed("is not in canonical form")
    paths = [file["path"] for file in value["files"]]
    sampled = [[item["seq"] for item in sample["items"]] for sample in value["samples"]]
    if paths != sorted(set(paths)) or {MANIFEST, SIGNATURE} & set(paths) or not all(map(is_file_name, paths)):
        raise Malformed("lists files that may not be, or out of order")
    if any(places != sorted(set(places)) for places in sampled) or sum(map(len, sampled)) > MAX_SAMPLED:
        raise Malformed("lists sampled entries out of order, or too many")
    if len({sample["id"] for sample in value["samples"]}) < len(sampled):
        raise Malformed("lists a sample twice")
    return value  # type: ignore[no-any-return]


def each(rule: Rule, limit: int) -> Rule:
    """An array of at most so many things that keep a rule."""

    def check(value: Json) -> str | None:
        if not isinstance(value, list) or len(value) > limit:
            return f" is not an array of at most {limit} items"
        return next((f"[{place}]{found}" for place, one in enumerate(value) if (found := rule(one))), None)

    return check


def is_packet(target: str) -> bool:
    """Whether something looks like a packet. One sign is enough, so that it is not taken for something else."""
    path = Path(target)
    if path.is_dir():
        return (path / SIGNATURE).is_file() or ((path / MANIFEST).is_file() and (path / EVIDENCE).is_file())
    try:
        with path.open("rb") as stream:
            beginning = stream.read(4)
            stream.seek(max(0, stream.seek(0, 2) - END.size))
            return beginning == b"PK\3\4" or stream.read(4) == b"PK\5\6"
    except OSError:
        return False


def verify_packet(target: str, pins: Pins) -> dict[str, Any]:
    """Check a packet: its files against its manifest, the manifest against the log, and each sampled entry."""
    try:
        files = PacketFiles(Path(target))
    except BadFile as error:
        return packet_answer({error.path: error.reason}, malformed=True)
    except OSError as error:
        return packet_answer({target: f"cannot be read: {str(error)!a}"}, malformed=True)
    try:
        return check_packet(files, pins)
    finally:
        files.close()


def check_packet(files: PacketFiles, pins: Pins) -> dict[str, Any]:
    """The same for files that could be opened."""
    manifest: dict[str, Any] | None = None
    found = files.copy(MANIFEST)
    if found is not None:
        try:
            if files.sizes[MANIFEST] > MAX_MANIFEST:
                raise Malformed(f"is longer than {MAX_MANIFEST} bytes")
            manifest = read_manifest(found[1].read())
        except Malformed as error:
            files.fault(MANIFEST, str(error))
    if manifest is None or found is None:
        for path in files.sizes:  # the archive's own checksums are all that is left
            files.digest(path)
        return packet_answer(files.faults, malformed=True, files=len(files.sizes))
    evidence, texts = check_evidence(files, pins, manifest)
    signature, recorded = check_signature(files, pins, manifest, found[0], evidence)
    check_files(files, manifest, bool(recorded))
    pinned = all(one is not None and one["trust"] == "pinned" for one in (evidence, signature))
    items = check_items(files, manifest, evidence, texts, "proven" if pinned else "self-attested")
    return packet_answer(
        files.faults, manifest=manifest, files=len(files.sizes), recorded=recorded, evidence=evidence,
        signature=signature, items=items,
    )  # fmt: skip


def check_files(files: PacketFiles, manifest: dict[str, Any], recorded: bool) -> None:
    """Every file against the manifest, which may itself not be the one that was recorded."""
    differs = "was changed: it has another SHA-256 than the manifest says"
    if not recorded:
        differs = "does not fit the manifest, and no entry of the log names this manifest"
    listed = {file["path"]: file for file in manifest["files"]}
    for path in sorted(set(files.sizes) - set(listed) - {MANIFEST, SIGNATURE}):
        files.fault(path, "is not in the manifest: it was added")
    for path, file in listed.items():
        if path not in files.sizes:
            files.fault(path, "is missing")
        elif (digest := files.digest(path)) is not None and (files.sizes[path], digest) != (
            file["bytes"],
            file["sha256"],
        ):
            files.fault(path, differs)
    if listed.get("scope.json", {}).get("sha256") != manifest["scope"] or EVIDENCE not in listed:
        files.fault(MANIFEST, "names a scope that is not scope.json, or no evidence")


def check_bundle(files: PacketFiles, path: str, walk: Walk) -> dict[str, Any] | None:
    """What a bundle of the packet comes to."""
    copied = files.copy(path)
    if copied is None:
        return None
    with copied[1] as stream:
        found = judge(walk, lambda walk: walk_bundle(stream, walk))
    if found["verdict"] != "verified":
        first = found["first_broken"] or {"where": "the whole", "reason": "a needed check was not made"}
        files.fault(path, "does not verify: {where}: {reason}".format(**first))
    return found


def check_evidence(
    files: PacketFiles, pins: Pins, manifest: dict[str, Any]
) -> tuple[dict[str, Any] | None, dict[int, tuple[str, dict[str, Json]]]]:
    """The bundle of the sampled entries, which ends at the checkpoint that the manifest names."""
    walk = Walk(pins, Report())
    samples = manifest["samples"]
    walk.wanted = {item["seq"] for one in samples for item in one["items"]} | {one["draw"] for one in samples}
    found = check_bundle(files, EVIDENCE, walk)
    if found is None or found["verdict"] != "verified":
        return found, {}
    said = manifest["checkpoint"]
    if (walk.origin, walk.fold.position, walk.fold.root().hex()) != (manifest["log"], said["size"], said["root"]):
        files.fault(EVIDENCE, "does not end at the checkpoint that the manifest names")
    return found, walk.kept


def by_server(fields: dict[str, Json]) -> bool:
    """Whether the ledger's server recorded it: who holds an API key can record anything, but under the key's name."""
    return not str(fields.get("by", "key:")).startswith("key:")


def check_signature(
    files: PacketFiles, pins: Pins, manifest: dict[str, Any], digest: str, evidence: dict[str, Any] | None
) -> tuple[dict[str, Any] | None, str]:
    """The bundle with the entry that names the manifest; its log must contain the tree that the evidence is of."""
    walk = Walk(pins, Report())
    walk.wanted = range(MAX_NUMBER)
    said = manifest["checkpoint"]
    walk.other = (said["size"], bytes.fromhex(said["root"]))
    found = check_bundle(files, SIGNATURE, walk)
    if found is None or found["verdict"] != "verified":
        return found, ""
    if walk.origin != manifest["log"]:
        files.fault(SIGNATURE, f"is of the log {walk.origin}, not of {manifest['log']}")
    if evidence is not None and evidence["verdict"] == "verified" and not walk.other_met:
        files.fault(SIGNATURE, f"does not show that its log continues that of {EVIDENCE}")
    named = False
    for place, (_, fields) in walk.kept.items():
        event = fields["event"]
        if not isinstance(event, dict) or event.get("action") != "packet.build" or not by_server(fields):
            continue
        named, labels, resource = True, event.get("labels"), event.get("resource")
        if isinstance(labels, list) and f"manifest={digest}" in labels:
            if not isinstance(resource, dict) or resource.get("id") != manifest["packet"]:
                files.fault(SIGNATURE, "its entry is of another packet")
            return found, f"entry {place}, recorded {fields['recorded_at']} by {fields['by']}"
    if named:
        files.fault(MANIFEST, "was changed: the log's entry names another SHA-256 for it")
    else:
        files.fault(SIGNATURE, "holds no entry packet.build that the ledger's server recorded")
    return found, ""


def check_items(
    files: PacketFiles,
    manifest: dict[str, Any],
    evidence: dict[str, Any] | None,
    texts: dict[int, tuple[str, dict[str, Json]]],
    good: str,
) -> list[dict[str, Any]]:
    """The verdict on each sampled entry, and whether each sample has the entries that its recorded draw names."""
    items = []
    holds = evidence is not None and evidence["verdict"] == "verified"
    for sample in manifest["samples"]:
        places = [item["seq"] for item in sample["items"]]
        own = sha256(b"muniment/population/1\0", *(place.to_bytes(8, "big") for place in places)).hex()
        event = texts.get(sample["draw"], ("", {}))[1].get("event")
        drawn = isinstance(event, dict) and event.get("action") == "sample.draw" and by_server(texts[sample["draw"]][1])
        labels, resource = (event.get("labels"), event.get("resource")) if isinstance(event, dict) else (None, None)
        drawn = drawn and isinstance(resource, dict) and resource.get("id") == sample["id"]
        if holds and not (drawn and isinstance(labels, list) and f"digest={own}" in labels):
            files.fault(MANIFEST, f"the entries of sample {sample['id']} are not those of a draw that {EVIDENCE} holds")
        for item in sample["items"]:
            reason = "" if holds else f"{EVIDENCE} does not verify"
            if holds and item["seq"] not in texts:
                reason = f"{EVIDENCE} does not hold the entry"
            elif holds and texts[item["seq"]][0] != item["hash"]:
                reason = "the entry is another one than the manifest names"
            if holds and reason:
                files.fault(MANIFEST, f"entry {item['seq']} of sample {sample['id']}: {reason}")
            state = "not proven" if reason else good
            items.append({"sample": sample["id"], "seq": item["seq"], "state": state, "reason": reason})
    return items


def packet_answer(
    faults: dict[str, str],
    *,
    malformed: bool = False,
    manifest: dict[str, Any] | None = None,
    files: int = 0,
    recorded: str = "",
    evidence: dict[str, Any] | None = None,
    signature: dict[str, Any] | None = None,
    items: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Everything that is said about a packet."""
    both = [one for one in (evidence, signature) if one is not None and one["verdict"] == "verified"]
    good = not faults and len(both) == 2 and all(item["state"] != "not proven" for item in items or [])
    verdict = "malformed" if malformed else "verified" if good else "failed"
    trust = "pinned" if all(one["trust"] == "pinned" for one in both) else "self-attested"
    return {
        "kind": "packet",
        "verdict": verdict,
        "trust": trust if verdict == "verified" else None,
        "name": manifest["name"] if manifest else "",
        "packet": manifest["packet"] if manifest else "",
        "origin": manifest["log"] if manifest else "",
        "files": files,
        # What is wrong with the manifest explains the rest, so it comes first.
        "faults": [
            {"path": path, "reason": reason}
            for path, reason in sorted(faults.items(), key=lambda one: one[0] != MANIFEST)
        ],
        "recorded": recorded,
        "items": items or [],
        "evidence": evidence,
        "signature": signature,
    }


def show_packet(found: dict[str, Any]) -> str:
    """The same in words."""
    words = {
        "pinned": "VERIFIED against what you pinned",
        "self-attested": "VERIFIED, self-attested only: it agrees with itself, but whoever made it chose its keys",
    }
    lines = [words.get(found["trust"], found["verdict"].upper())]
    lines.append("Packet {packet}: {name}, log {origin}, {files} files".format(**found))
    lines.append(
        f"Manifest named by {found['recorded']}" if found["recorded"] else "Manifest named by no entry of the log"
    )
    for name in ("evidence", "signature"):
        bundle = found[name]
        if bundle is not None:
            anchors = next(check for check in bundle["checks"] if check["name"] == "anchors")
            lines.append(f"  {name}.bundle: {bundle['verdict']}, {bundle['trust']}; timestamps: {anchors['reason']}")
    for item in found["items"]:
        why = f": {item['reason']}" if item["reason"] else ""
        lines.append(f"  {item['state']:<13} entry {item['seq']} of sample {item['sample']}{why}")
    for fault in found["faults"]:
        lines.append("Not as it should be: {path}: {reason}".format(**fault))
    return "\n".join(map(harmless, lines))


def harmless(line: str) -> str:
    """The line with everything spelt out that could act on a terminal, or turn the order of letters around."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in line)


def read_pinned_checkpoint(path: str) -> Checkpoint:
    """A checkpoint that the auditor kept. Its signatures are not looked at: keeping it is what makes it good."""
    with Path(path).open("rb") as stream:
        raw = stream.read(MAX_NOTE + 1)
    checkpoint = read_checkpoint(raw.partition(b"\n\n")[0].rstrip(b"\n") + b"\n")
    if checkpoint.size == 0:
        raise Malformed("is of an empty log")
    return checkpoint


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        description="Check a Muniment bundle or evidence packet, or a live log by its address."
    )
    parser.add_argument("target", metavar="TARGET", help="a bundle, a packet or its folder, or a live log's address")
    parser.add_argument("--origin", help="the log's name")
    parser.add_argument("--genesis", metavar="HEX", help="the hash of entry 0")
    parser.add_argument("--root", metavar="VKEY", help="the installation's root key")
    parser.add_argument("--checkpoint", metavar="FILE", help="a checkpoint of this log that you kept")
    parser.add_argument(
        "--timestamp-root",
        metavar="PEM-FILE",
        action="append",
        default=[],
        help="an authority's certificates, repeatable",
    )
    parser.add_argument("--key", metavar="mk_…", help="the API key for a live log that is not public")
    parser.add_argument("--require-pin", action="store_true", help="exit with 1 also when it is self-attested only")
    parser.add_argument("--json", action="store_true", help="print the whole answer as JSON")
    parser.add_argument("--quiet", action="store_true", help="print only the verdict")
    given = parser.parse_args(arguments)
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        if given.origin is not None and ORIGIN(given.origin):
            raise Malformed("--origin is not an origin")
        if given.genesis is not None and HASH(given.genesis):
            raise Malformed("--genesis is not 64 lower-case hex digits")
        root = None if given.root is None else read_vkey(given.root, 1)
        checkpoint = None if given.checkpoint is None else read_pinned_checkpoint(given.checkpoint)
        if checkpoint is not None and given.origin not in (None, checkpoint.origin):
            raise Malformed(f"--checkpoint is of the log {checkpoint.origin}, not of --origin")
        roots = b"\n".join(Path(file).read_bytes() for file in given.timestamp_root) or None
        if roots is not None:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=roots.decode("ascii"))
    except (Malformed, OSError, ValueError) as error:
        parser.error(f"what is pinned cannot be read: {str(error)!a}")
    pins = Pins(given.origin, given.genesis, root, checkpoint, roots)
    packet = not given.target.startswith(("http://", "https://")) and is_packet(given.target)
    found = verify_packet(given.target, pins) if packet else verify(given.target, pins, given.key)
    if given.json:
        print(json.dumps(found, indent=2))
    else:
        print(show(found).split("\n")[0] if given.quiet else show(found))
    if given.require_pin and found["trust"] == "self-attested":
        return 1
    return {"verified": 0, "failed": 1}.get(found["verdict"], 2)


if __name__ == "__main__":
    sys.exit(main())
