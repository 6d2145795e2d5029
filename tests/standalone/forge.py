"""A second maker of logs, notes and bundles, written from docs/format.md alone, that can also make them wrong."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ORIGIN = "example.org/agents"
SOURCE = "src_01ARZ3NDEKTSV4RRFFQ69G5FAV"
PLAIN_SOURCE = "src_01ARZ3NDEKTSV4RRFFQ69G5FAW"
EPOCH = "00112233445566778899aabbccddeeff"
ZERO = "0" * 64


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def canonical(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


class Signer:
    def __init__(self, name: str, kind: int = 1, seed: str | None = None) -> None:
        self.name, self.kind = name, kind
        self.private = Ed25519PrivateKey.from_private_bytes(sha256((seed or f"{name}{kind}").encode()))
        self.material = bytes([kind]) + self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.id = sha256(name.encode(), b"\n", self.material)[:4]
        self.vkey = f"{name}+{self.id.hex()}+{b64(self.material)}"

    def line(self, text: str, time: int = 0, damage: bool = False) -> str:
        message, stamp = text.encode(), b""
        if self.kind == 4:
            stamp = time.to_bytes(8, "big")
            message = f"cosignature/v1\ntime {time}\n".encode() + message
        signature = self.private.sign(message)
        if damage:
            signature = signature[:5] + bytes([signature[5] ^ 1]) + signature[6:]
        return f"— {self.name} {b64(self.id + stamp + signature)}\n"


ROOT = Signer("example.org/root")
LOG = Signer(ORIGIN)
LOG_2 = Signer(ORIGIN, seed="second")
WITNESS = Signer("witness.example/w1", kind=4)
STRANGER = Signer("stranger.example")


def node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01", left, right)


def tree_root(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, by its recursive definition."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node(tree_root(leaves[:split]), tree_root(leaves[split:]))


def event(number: int, **changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "action": "tool.call",
        "actor": {"id": "agent-é-7", "type": "agent"},
        "id": f"evt_{number:026d}",
        "occurred_at": f"2026-03-01T12:00:{number % 60:02d}.000000000Z",
        "outcome": "success",
        "source": {"id": PLAIN_SOURCE},
    }
    made.update(changes)
    return {key: value for key, value in made.items() if value is not None}


def body_field(salt: bytes, body: bytes) -> dict[str, Any]:
    commit = sha256(b"muniment/body/1\0", salt, body).hex()
    return {"commit": commit, "len": len(body), "scheme": 1, "type": "application/json"}


@dataclass
class Forge:
    """A log under construction. `change` sees an entry's object, `damage` its bytes, before the hash is made."""

    origin: str = ORIGIN
    raw: list[bytes] = field(default_factory=list)
    bodies: dict[int, bytes] = field(default_factory=dict)
    change: Callable[[int, dict[str, Any]], None] = lambda _seq, _entry: None
    damage: Callable[[int, bytes], bytes] = lambda _seq, raw: raw
    numbered: dict[str, tuple[int, str]] = field(default_factory=dict)

    @property
    def leaves(self) -> list[bytes]:
        return [sha256(b"\0", raw) for raw in self.raw]

    @property
    def genesis(self) -> str:
        return self.leaves[0].hex()

    def add(self, of: dict[str, Any], **changes: Any) -> None:
        seq = len(self.raw)
        entry: dict[str, Any] = {
            "by": "key:ak_01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "event": of,
            "log": self.origin,
            "map": "base-1",
            "prev": self.leaves[-1].hex() if self.raw else ZERO,
            "recorded_at": f"2026-03-01T12:{seq // 60 % 60:02d}:{seq % 60:02d}.000000Z",
            "seq": seq,
            "v": 3,
        }
        entry.update(changes)
        self.change(seq, entry)
        self.raw.append(self.damage(seq, canonical({k: v for k, v in entry.items() if v is not None})))

    def add_genesis(self) -> None:
        labels = [
            f"log.root={ROOT.name}+{ROOT.id.hex()}",
            "log.seal-within=60",
            "log.tenant=tnt_01ARZ3NDEKTSV4RRFFQ69G5FAV",
        ]
        of = event(
            0,
            action="log.create",
            actor={"id": "muniment", "type": "system"},
            labels=labels,
            resource={"id": self.origin, "type": "log"},
        )
        self.add(of, by="system:muniment")

    def add_numbered(self, source: str = SOURCE, **fields: Any) -> None:
        number, prev = self.numbered.get(source, (0, ZERO))
        made = event(len(self.raw), source={"epoch": EPOCH, "id": source, "prev": prev, "seq": number} | fields)
        self.numbered[source] = (number + 1, sha256(b"muniment/event/1\0", canonical(made)).hex())
        self.add(made)

    def add_with_body(self, body: bytes = b'{"a":1}', **changes: Any) -> None:
        salt = sha256(b"salt", bytes([len(self.raw) % 256]))
        self.bodies[len(self.raw)] = salt + body
        self.add(event(len(self.raw), body=body_field(salt, body) | changes))

    def checkpoint_text(self, size: int | None = None, origin: str | None = None) -> str:
        size = len(self.raw) if size is None else size
        return f"{origin or self.origin}\n{size}\n{b64(tree_root(self.leaves[:size]))}\n"

    def checkpoint(self, size: int | None = None, signatures: Iterable[str] | None = None) -> str:
        text = self.checkpoint_text(size)
        return text + "\n" + "".join([LOG.line(text)] if signatures is None else signatures)

    def keys_text(self, number: int = 1, lines: Iterable[str] | None = None, genesis: str | None = None) -> str:
        lines = [f"log {LOG.vkey} from 0"] if lines is None else lines
        head = f"muniment-keys/1\n{self.origin}\n{number}\ngenesis {genesis or self.genesis}\n"
        return head + "".join(f"{line}\n" for line in lines)

    def subtree(self, level: int, start: int) -> str:
        return f"N {level} {b64(tree_root(self.leaves[start : start + (1 << level)]))}"

    def lines(self) -> list[str | bytes]:
        """The whole log as a bundle with its keys note and one checkpoint at the end, without its Z line."""
        made: list[str | bytes] = [f"H muniment-bundle/1 {self.origin}", keys_line(self.keys_text())]
        for seq, raw in enumerate(self.raw):
            made.append(b"E " + raw)
            if seq in self.bodies:
                made.append(f"B {b64(self.bodies[seq])}")
        made.append(f"C {b64(self.checkpoint().encode())}")
        return made


def keys_line(text: str, signer: Signer = ROOT, damage: bool = False) -> str:
    return f"K {b64((text + chr(10) + signer.line(text, damage=damage)).encode())}"


def note_line(letter: str, note: str) -> str:
    return f"{letter} {b64(note.encode())}"


def seal(lines: Iterable[str | bytes]) -> bytes:
    data = b"".join((line.encode() if isinstance(line, str) else line) + b"\n" for line in lines)
    return data + b"Z " + hashlib.sha256(data).hexdigest().encode() + b"\n"


def sample(**hooks: Any) -> Forge:
    """Eight entries: a genesis, five of a numbered source, one with a body, one of an unnumbered source."""
    forge = Forge(**hooks)
    forge.add_genesis()
    for _ in range(3):
        forge.add_numbered()
    forge.add_with_body()
    for _ in range(2):
        forge.add_numbered()
    forge.add(
        event(7, controls=["iso27001-2022:A.5.32"]), controls=["eu-ai-act-2024:Art.12(1)", "iso27001-2022:A.5.32"]
    )
    return forge
