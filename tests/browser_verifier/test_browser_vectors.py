"""The page on the vectors that anybody can test a verifier of the format with."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from muniment.verifier.pins import Pins, load_pin
from tests.browser_verifier.engine import Engine, Question, agree, failed

VECTORS = Path(__file__).resolve().parents[1] / "vectors"
PINS = load_pin(str(VECTORS / "pins.json"))


def load(name: str) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads((VECTORS / name).read_bytes())
    return loaded


def data_of(vector: dict[str, Any]) -> bytes:
    text: str | None = vector.get("text")
    return base64.b64decode(vector["base64"]) if text is None else text.encode()


BUNDLES = load("bundles.json")


@pytest.mark.parametrize("vector", BUNDLES, ids=[vector["name"] for vector in BUNDLES])
def test_a_bundle_gets_the_verdict_of_its_vector(engine: Engine, vector: dict[str, Any]) -> None:
    (answer,) = engine.verify(Question(data_of(vector), PINS))
    assert answer["verdict"] == vector["verdict"], answer["first_broken"]
    if vector["fails"] is not None:
        assert vector["fails"] in failed(answer)


def test_all_three_verifiers_agree_on_every_bundle_with_and_without_pins(engine: Engine) -> None:
    for pins in (PINS, Pins()):
        agree(engine, [Question(data_of(vector), pins) for vector in BUNDLES])


@pytest.mark.parametrize("step", [1, 7, 512])
def test_the_verdict_does_not_depend_on_how_a_file_is_cut_into_pieces(engine: Engine, step: int) -> None:
    answers = engine.verify(*[Question(data_of(vector), PINS, step=step) for vector in BUNDLES])
    at_once = engine.verify(*[Question(data_of(vector), PINS) for vector in BUNDLES])
    assert [answer["verdict"] for answer in answers] == [vector["verdict"] for vector in BUNDLES]
    assert [failed(answer) for answer in answers] == [failed(answer) for answer in at_once]


@pytest.mark.parametrize("path", sorted((VECTORS / "log").glob("*.bundle")), ids=lambda path: path.name)
def test_the_bundles_of_the_sample_log_are_verified_against_its_pin(engine: Engine, path: Path) -> None:
    assert agree(engine, [Question(path.read_bytes(), PINS)]) == ["verified"]


@pytest.mark.parametrize("what", ["entry", "event"])
def test_entries_and_events_are_accepted_with_their_hash_or_refused(engine: Engine, what: str) -> None:
    vectors = load({"entry": "entries.json", "event": "events.json"}[what])
    for vector, hash_ in zip(vectors, engine.read(what, map(data_of, vectors)), strict=True):
        assert hash_ == (vector["hash"] if vector["expect"] == "accepted" else None), vector["name"]


@pytest.mark.parametrize("what", ["checkpoint", "keysnote", "proof"])
def test_notes_and_proofs_are_read_or_refused(engine: Engine, what: str) -> None:
    vectors = load(f"{what}s.json")
    for vector, value in zip(vectors, engine.read(what, map(data_of, vectors)), strict=True):
        assert (value is None) is (vector["expect"] == "malformed"), vector["name"]


def test_signatures_hold_or_do_not_as_their_vectors_say(engine: Engine) -> None:
    vectors = load("signatures.json")
    asked = [
        (bytes.fromhex(vector["public_key"]), vector["message"].encode(), bytes.fromhex(vector["signature"]))
        for vector in vectors
    ]
    assert engine.signatures(asked) == [vector["valid"] for vector in vectors]
