"""The single-file verifier on the vectors that anybody can test a verifier of the format with."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from muniment.verifier.standalone import muniment_verify as mv

VECTORS = Path(__file__).resolve().parents[1] / "vectors"


def each(name: str) -> Any:
    vectors = json.loads((VECTORS / name).read_bytes())
    return pytest.mark.parametrize("vector", vectors, ids=[vector["name"] for vector in vectors])


def data_of(vector: dict[str, Any]) -> bytes:
    text: str | None = vector.get("text")
    return base64.b64decode(vector["base64"]) if text is None else text.encode()


@each("entries.json")
def test_entries(vector: dict[str, Any]) -> None:
    problem, _ = mv.examine(data_of(vector))
    assert (problem is None) is (vector["expect"] == "accepted"), problem
    if vector["expect"] == "accepted":
        assert mv.sha256(b"\0", data_of(vector)).hex() == vector["hash"]


@each("events.json")
def test_events(vector: dict[str, Any]) -> None:
    raw = data_of(vector)
    try:
        event = mv.read_json(raw)
    except mv.Malformed:
        assert vector["expect"] == "malformed"
        return
    right = mv.EVENT(event) is None and mv.write_json(event).encode() == raw
    assert right is (vector["expect"] == "accepted")
    if right:
        assert mv.sha256(b"muniment/event/1\0", raw).hex() == vector["hash"]


def accepted(read: Any, raw: bytes) -> bool:
    try:
        note = mv.read_note(raw)
        read(note.text)
    except mv.Malformed:
        return False
    return read is mv.read_checkpoint or len(note.signatures) == 1


@each("checkpoints.json")
def test_checkpoints(vector: dict[str, Any]) -> None:
    assert accepted(mv.read_checkpoint, data_of(vector)) is (vector["expect"] == "accepted")


@each("keysnotes.json")
def test_keys_notes(vector: dict[str, Any]) -> None:
    assert accepted(mv.read_keys_note, data_of(vector)) is (vector["expect"] == "accepted")


@each("signatures.json")
def test_signatures(vector: dict[str, Any]) -> None:
    public, signature = bytes.fromhex(vector["public_key"]), bytes.fromhex(vector["signature"])
    assert mv.ed25519_verify(public, vector["message"].encode(), signature) is vector["valid"]
