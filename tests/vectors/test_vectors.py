import base64
import importlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from muniment.core.bundle import MalformedBundle, read_bundle
from muniment.core.checkpoint import parse_signed_checkpoint
from muniment.core.columns import check_entry
from muniment.core.entry import entry_findings, entry_hash, parse_entry
from muniment.core.errors import Malformed, MunimentError, VerificationFailed
from muniment.core.event import event_hash, parse_event
from muniment.core.keysnote import parse_signed_keysnote
from muniment.core.note import parse_vkey, verify_ed25519
from muniment.core.tlogproof import parse_tlogproof
from muniment.verifier.bundle import verify_bundle
from muniment.verifier.pins import Pins
from tests.vectors.make import HERE, files

FILES = files()
EXIT = {"verified": 0, "failed": 1, "malformed": 2}


def load(name: str) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads((HERE / name).read_bytes())
    return loaded


def each(name: str) -> Any:
    vectors = load(name)
    return pytest.mark.parametrize("vector", vectors, ids=[vector["name"] for vector in vectors])


def data_of(vector: dict[str, Any]) -> bytes:
    text: str | None = vector.get("text")
    return base64.b64decode(vector["base64"]) if text is None else text.encode()


def judged(parse: Callable[[bytes], object], vector: dict[str, Any]) -> None:
    data = data_of(vector)
    if vector["expect"] != "malformed":
        parse(data)
        return
    with pytest.raises(Malformed) as caught:
        parse(data)
    if vector["where"] is not None:
        assert caught.value.where == vector["where"]


@pytest.mark.parametrize("name", FILES)
def test_the_files_are_what_the_script_makes(name: str) -> None:
    assert (HERE / name).read_bytes() == FILES[name], "run: python -m tests.vectors.make"


def test_no_file_is_left_over() -> None:
    kept = {str(path.relative_to(HERE)) for path in HERE.rglob("*") if path.suffix in {".json", ".bundle", ".note"}}
    assert kept == set(FILES)


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith("s.json") and name != "pins.json"])
def test_every_vector_has_a_name_of_its_own(name: str) -> None:
    names = [vector["name"] for vector in load(name)]
    assert len(set(names)) == len(names)


@each("entries.json")
def test_entries(vector: dict[str, Any]) -> None:
    judged(parse_entry, vector)
    judged(check_entry, vector)
    assert bool(entry_findings(data_of(vector))) is (vector["expect"] == "malformed")
    if vector["expect"] == "accepted":
        assert entry_hash(data_of(vector)).hex() == vector["hash"]


@each("events.json")
def test_events(vector: dict[str, Any]) -> None:
    judged(parse_event, vector)
    if vector["expect"] == "accepted":
        assert event_hash(data_of(vector)).hex() == vector["hash"]


@each("checkpoints.json")
def test_checkpoints(vector: dict[str, Any]) -> None:
    judged(parse_signed_checkpoint, vector)


@each("keysnotes.json")
def test_keys_notes(vector: dict[str, Any]) -> None:
    judged(parse_signed_keysnote, vector)


@each("proofs.json")
def test_proofs(vector: dict[str, Any]) -> None:
    judged(parse_tlogproof, vector)
    if vector["expect"] == "accepted":
        parse_tlogproof(data_of(vector)).verify(bytes.fromhex(vector["leaf"]))
    elif vector["expect"] == "failed":
        with pytest.raises(MunimentError):
            parse_tlogproof(data_of(vector)).verify(bytes.fromhex(vector["leaf"]))


@each("signatures.json")
def test_signatures(vector: dict[str, Any]) -> None:
    given = [bytes.fromhex(vector["public_key"]), bytes.fromhex(vector["signature"]), vector["message"].encode()]
    if vector["valid"]:
        verify_ed25519(*given)
    else:
        with pytest.raises(VerificationFailed):
            verify_ed25519(*given)


@each("bundles.json")
def test_the_form_of_bundles(vector: dict[str, Any]) -> None:
    def read(data: bytes) -> None:
        list(read_bundle(io.BytesIO(data)))

    if vector["verdict"] == "malformed":
        with pytest.raises(MalformedBundle):
            read(data_of(vector))
    else:
        read(data_of(vector))


PINNED = json.loads((HERE / "pins.json").read_bytes())


@each("bundles.json")
def test_bundles_before_the_verifier_of_the_package(vector: dict[str, Any]) -> None:
    pins = Pins(PINNED["origin"], bytes.fromhex(PINNED["genesis"]), parse_vkey(PINNED["root"]))
    report = verify_bundle(io.BytesIO(data_of(vector)), pins, workers=1)
    assert report.exit_code == EXIT[vector["verdict"]]
    if vector["fails"] is not None:
        assert vector["fails"] in [check.name for check in report.checks if check.state == "failed"]


@each("bundles.json")
def test_bundles_before_the_single_file_verifier(
    vector: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    standalone = importlib.import_module("muniment.verifier.standalone.muniment_verify")
    path = tmp_path / "a.bundle"
    path.write_bytes(data_of(vector))
    options = [f"--{name}={value}" for name, value in PINNED.items()]
    code = standalone.main([str(path), *options, "--json"])
    assert code == EXIT[vector["verdict"]]
    if vector["fails"] is not None:
        checks = json.loads(capsys.readouterr().out)["checks"]
        assert vector["fails"] in [check["name"] for check in checks if check["state"] == "failed"]
