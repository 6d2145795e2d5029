"""Asking the verifier's page, and holding its answers against those of the Python verifiers."""

from __future__ import annotations

import base64
import io
import json
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page

from muniment.verifier.bundle import verify_bundle
from muniment.verifier.pins import Pins
from muniment.verifier.standalone import muniment_verify as standalone

_VERIFY = """(asked) => {
  const bytes = (text) => text === null ? undefined : Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  return asked.map(([data, pin, entry, keys, step]) => muniment.verify(bytes(data), {
    pin, step: step ?? undefined, entry: bytes(entry), keys: bytes(keys),
  }));
}"""
_READ = """([name, given]) => given.map((text) => {
  const raw = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  const hash = (...parts) => [...muniment.sha256(...parts)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const prefix = new TextEncoder().encode("muniment/event/1\\0");
  try {
    if (name === "entry") return muniment.examineEntry(raw).problem === null ? hash(Uint8Array.of(0), raw) : null;
    if (name === "event") {
      const problem = muniment.eventProblem(muniment.readObject(raw));
      return problem === null && muniment.isCanonical() ? hash(prefix, raw) : null;
    }
    if (name === "proof") return muniment.readProof(raw).index;
    const note = muniment.readNote(raw);
    if (name === "checkpoint") return muniment.readCheckpoint(note.text).size;
    return note.signatures.length === 1 ? muniment.readKeysNote(note.text).number : null;
  } catch (error) {
    if (!(error instanceof muniment.Malformed)) throw error;
    return null;
  }
})"""
_SIGNATURES = """(asked) => {
  const bytes = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  return asked.map((parts) => muniment.verifyEd25519(...parts.map(bytes)));
}"""


NO_PINS = Pins()


@dataclass(frozen=True, slots=True)
class Question:
    """A bundle, or a proof with its entry, and what is pinned; `step` is how many bytes are read at once."""

    data: bytes
    pins: Pins = NO_PINS
    entry: bytes | None = None
    keys: bytes | None = None
    step: int | None = None

    def for_the_page(self) -> list[object]:
        entry, keys = (None if part is None else encoded(part) for part in (self.entry, self.keys))
        return [encoded(self.data), pin_text(self.pins), entry, keys, self.step]


@dataclass(frozen=True, slots=True)
class Engine:
    """What the page offers to programs."""

    page: Page

    def verify(self, *questions: Question) -> list[dict[str, Any]]:
        answers: list[dict[str, Any]] = self.page.evaluate(_VERIFY, [one.for_the_page() for one in questions])
        return answers

    def read(self, what: str, texts: Iterable[bytes]) -> list[Any]:
        """Per text what was read of it (for an entry or event its hash), or None where it is malformed."""
        values: list[Any] = self.page.evaluate(_READ, [what, [encoded(text) for text in texts]])
        return values

    def signatures(self, asked: Iterable[tuple[bytes, bytes, bytes]]) -> list[bool]:
        """Whether each (public key, message, signature) holds."""
        values: list[bool] = self.page.evaluate(_SIGNATURES, [[encoded(part) for part in parts] for parts in asked])
        return values


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def pin_text(pins: Pins) -> str:
    """Pins as MUNIMENT_PIN holds them; empty if there are none."""
    value: dict[str, object] = {}
    if pins.origin is not None:
        value["origin"] = pins.origin
    if pins.genesis is not None:
        value["genesis"] = pins.genesis.hex()
    if pins.root is not None:
        value["root"] = pins.root.vkey
    if pins.checkpoint is not None:
        value["checkpoint"] = {"size": pins.checkpoint.size, "root": pins.checkpoint.root.hex()}
    return json.dumps(value) if value else ""


def failed(answer: dict[str, Any]) -> tuple[str, ...]:
    return tuple(check["name"] for check in answer["checks"] if check["state"] == "failed")


def states(answer: dict[str, Any]) -> dict[str, str]:
    return {check["name"]: check["state"] for check in answer["checks"]}


def by_the_single_file(data: bytes, pins: Pins) -> dict[str, Any]:
    checkpoint = None
    if pins.checkpoint is not None:
        origin = pins.origin or data[20:].partition(b"\n")[0].decode("latin-1")
        checkpoint = standalone.Checkpoint(origin, pins.checkpoint.size, pins.checkpoint.root)
    made = standalone.Pins(
        origin=pins.origin,
        genesis=pins.genesis.hex() if pins.genesis else None,
        root=standalone.read_vkey(pins.root.vkey, 1) if pins.root else None,
        checkpoint=checkpoint,
    )
    with tempfile.NamedTemporaryFile(suffix=".bundle") as file:
        file.write(data)
        file.flush()
        return standalone.verify(file.name, made)


def agree(engine: Engine, questions: Sequence[Question]) -> list[str]:
    """Hold the page's answers to bundles against those of both Python verifiers; gives the verdicts."""
    answers = engine.verify(*questions)
    for question, answer in zip(questions, answers, strict=True):
        package = verify_bundle(io.BytesIO(question.data), question.pins, workers=1)
        single = by_the_single_file(question.data, question.pins)
        what = (question.data, answer["first_broken"], single["first_broken"])
        assert (answer["verdict"], answer["trust"]) == (package.verdict, package.trust), what
        assert (answer["verdict"], answer["trust"]) == (single["verdict"], single["trust"]), what
        assert answer["exit_code"] == package.exit_code
        assert failed(answer) == failed(single), what
        if answer["verdict"] == "malformed":
            continue  # how far each reads before it stops is its own affair
        assert failed(answer) == package.failed, what
        assert answer["gaps"] == single["gaps"]
        assert answer["named_gaps"] == single["named_gaps"]
        if answer["verdict"] == "verified":
            assert states(answer) == states(single) == {check.name: check.state for check in package.checks}
    return [answer["verdict"] for answer in answers]
