"""Two verifiers, written apart from one page of prose, come to the same conclusion."""

from __future__ import annotations

import io
import json
import tempfile
from base64 import b64decode
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from muniment.core.entry import entry_hash
from muniment.verifier.bundle import verify_bundle
from muniment.verifier.pins import Pins, load_pin
from muniment.verifier.standalone import muniment_verify as standalone
from tests.verifier.logbook import ORIGIN, OTHER_SOURCE, Logbook, closed, in_base64, opened
from tests.verifier.test_bundle_attacks import book_bundle, rewritten

VECTORS = Path(__file__).resolve().parents[1] / "vectors"


def theirs(data: bytes, pins: Pins) -> dict[str, object]:
    """What the single-file verifier says."""
    checkpoint = None
    if pins.checkpoint is not None:
        checkpoint = standalone.Checkpoint(pins.origin or ORIGIN, pins.checkpoint.size, pins.checkpoint.root)
    given_pins = standalone.Pins(
        origin=pins.origin,
        genesis=pins.genesis.hex() if pins.genesis else None,
        root=standalone.read_vkey(pins.root.vkey, 1) if pins.root else None,
        checkpoint=checkpoint,
    )
    with tempfile.NamedTemporaryFile(suffix=".bundle") as file:
        file.write(data)
        file.flush()
        return standalone.verify(file.name, given_pins)


def agree(data: bytes, pins: Pins) -> str:
    """Hold both against each other; gives the verdict."""
    mine = verify_bundle(io.BytesIO(data), pins, workers=1)
    other = theirs(data, pins)
    checks = {str(check["name"]): str(check["state"]) for check in other["checks"]}  # type: ignore[attr-defined]
    assert other["trust"] == mine.trust
    assert other["verdict"] == mine.verdict, (mine.findings[:3], other["first_broken"])
    if mine.malformed:
        # How far each has come before it stopped is its own affair.
        return mine.verdict
    failed = tuple(name for name, state in checks.items() if state == "failed")
    assert failed == mine.failed, (mine.findings[:5], other["failures"])
    if mine.verdict == "verified":
        assert checks == {check.name: check.state for check in mine.checks}
    return mine.verdict


@lru_cache(maxsize=1)
def sealed() -> Logbook:
    book = Logbook()
    book.append(4)
    book.seal()
    book.append(3, source=OTHER_SOURCE)
    book.append(3, numbered=False)
    book.append(2)
    book.seal()
    return book


def every_pin(book: Logbook) -> list[Pins]:
    full = book.pins(4)
    return [
        full,
        Pins(),
        Pins(root=full.root),
        Pins(genesis=full.genesis),
        Pins(origin=full.origin, checkpoint=full.checkpoint),
        book.pins(12),
        book.pins(3),
    ]


@pytest.mark.parametrize("show", [None, [0], [5, 6, 9], [11], []])
def test_both_agree_on_good_bundles_under_every_pin(show: list[int] | None) -> None:
    book = sealed()
    for pins in every_pin(book):
        sizes = [pins.checkpoint.size] if pins.checkpoint else []
        assert agree(book.bundle(show=show, tokens=True, boundaries=sizes), pins) == "verified"
        agree(book.bundle(show=show), pins)


def test_both_agree_that_a_rewritten_history_fails() -> None:
    book = sealed()
    for pins in every_pin(book):
        agree(rewritten(book).bundle(), pins)
    assert agree(rewritten(book).bundle(), book.pins(4)) == "failed"


def test_both_agree_on_a_smaller_log_and_on_one_without_keys() -> None:
    book = sealed()
    assert agree(book.bundle(keys=[]), book.pins()) == "failed"
    assert agree(book.bundle(keys=[]), Pins()) == "failed"
    pins = book.pins(12)
    short = Logbook(texts=book.texts[:4], bodies=book.bodies)
    short.checkpoints = {4: book.checkpoints[4]}
    assert agree(short.bundle(), pins) == "failed"


@given(st.data())
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_both_agree_on_any_log_that_was_sealed_with_changed_entries_and_partly_hidden(data: st.DataObject) -> None:
    book = sealed()
    odd = Logbook(texts=list(book.texts), bodies=book.bodies)
    for _ in range(data.draw(st.integers(0, 2))):
        at = data.draw(st.integers(0, len(odd.texts) - 1))
        text = odd.texts[at]
        place = data.draw(st.integers(0, len(text) - 1))
        odd.texts[at] = text[:place] + bytes([data.draw(st.integers(32, 126))]) + text[place + 1 :]
    odd.seal()
    shown = data.draw(st.sets(st.integers(0, len(odd.texts) - 1)))
    lines = opened(book_bundle(odd))
    hidden = {at for at, line in enumerate(lines) if line[:1] == b"E"}
    for place, at in enumerate(sorted(hidden)):
        if place not in shown:
            lines[at] = b"N 0 " + in_base64(entry_hash(lines[at][2:]))
    agree(closed(lines), data.draw(st.sampled_from(every_pin(book))))


@given(st.data())
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_both_agree_on_any_changed_byte(data: st.DataObject) -> None:
    book = sealed()
    lines = opened(book.bundle(show=[*range(5), *range(6, 12)]))
    row = data.draw(st.integers(0, len(lines) - 1))
    at = data.draw(st.integers(0, max(0, len(lines[row]) - 1)))
    byte = data.draw(st.integers(0, 255))
    lines[row] = lines[row][:at] + bytes([byte]) + lines[row][at + 1 :]
    agree(closed(lines), data.draw(st.sampled_from(every_pin(book))))


@given(st.data())
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_both_agree_on_any_moved_doubled_or_dropped_line(data: st.DataObject) -> None:
    book = sealed()
    lines = opened(book.bundle(show=[*range(5), *range(6, 12)], tokens=True))
    for _ in range(data.draw(st.integers(1, 3))):
        row = data.draw(st.integers(0, len(lines) - 1))
        other = data.draw(st.integers(0, len(lines) - 1))
        match data.draw(st.sampled_from(["drop", "double", "swap"])):
            case "drop" if len(lines) > 1:
                del lines[row]
            case "double":
                lines.insert(other, lines[row])
            case _:
                lines[row], lines[other] = lines[other], lines[row]
    agree(closed(lines), data.draw(st.sampled_from(every_pin(book))))


_ODD = (
    (b'"v":3', b'"v": 3'),
    (b'"v":3', b'"v":4'),
    (b'"v":3', b'"v":3,"x":1'),
    (b'"success"', b'"sucess"'),
    (b'"tool":"http_request"', b'"tool":"a\\"b"'),
    (b'"tool":"http_request"', b'"tool":"\\u0041"'),
    (b'"tool":"http_request"', b'"tool":"\\ud800"'),
    (b'"tool":"http_request"', '"tool":"zażółć\u2028"'.encode()),
    (b'"tool":"http_request"', b'"tool":"\xff"'),
    (b'"tool":"http_request"', b'"tool":"' + b"x" * 257 + b'"'),
    (b'"tool":"http_request"', b'"tool":["x"]'),
    (b'"env=prod"', b'"env=prod","a=b"'),
    (b'"env=prod"', b""),
    (b"2026-03-01T", b"2026-02-30T"),
    (b'"len":', b'"len":-'),
    (b'"len":', b'"len":1.'),
    (b'"seq":', b'"seq":9'),
    (b'"seq":', b'"seq":99999999999999999999'),
    (b'"epoch"', b'"epoc"'),
    (b'"epoch":"', b'"epoch":"A'),
    (b'"source":{', b'"source":{"id":"x",'),
    (b'"event":{', b'"event":[{'),
    (b'"prev":"', b'"prev":"A'),
    (b'"recorded_at":"', b'"recorded_at":"1'),
    (b'"log":', b'"log":1,"log":'),
    (b'"by":"key:', b'"by":"KEY:'),
    (b"{", b""),
    (b"{", b" {"),
    (b"}", b"}}"),
)


@given(st.lists(st.tuples(st.integers(0, 11), st.sampled_from(_ODD)), min_size=1, max_size=3), st.integers(0, 6))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_both_agree_on_odd_entries_that_were_sealed_as_they_are(
    changes: list[tuple[int, tuple[bytes, bytes]]], pin: int
) -> None:
    book = sealed()
    odd = Logbook(texts=list(book.texts))
    for at, (old, new) in changes:
        odd.texts[at] = odd.texts[at].replace(old, new, 1)
    odd.seal()
    agree(book_bundle(odd), every_pin(book)[pin])


def test_both_agree_on_entries_at_the_limit_of_their_size() -> None:
    for size in (65_535, 65_536):
        book = Logbook()
        book.append(2)
        book.texts[1] = book.texts[1][:-1] + b"," + b" " * (size - len(book.texts[1]) - 1) + b"}"
        book.seal()
        agree(book_bundle(book), book.pins())


def test_both_agree_on_keys_notes_of_another_log_root_or_genesis() -> None:
    book = sealed()
    other = Logbook(origin="log.example/eu1/ffff", texts=list(book.texts))
    for notes in (
        [other.keys()],
        [book.keys(), other.keys(2)],
        [book.keys(genesis=b"\1" * 32)],
        [book.keys(), book.keys(2, genesis=b"\1" * 32)],
    ):
        lines = opened(book.bundle())
        lines[1:2] = [b"K " + in_base64(note) for note in notes]
        for pins in every_pin(book):
            agree(closed(lines), pins)


def test_both_agree_on_every_vector_and_with_what_it_says() -> None:
    pins = load_pin(str(VECTORS / "pins.json"))
    for vector in json.loads((VECTORS / "bundles.json").read_text()):
        data = vector["text"].encode() if "text" in vector else b64decode(vector["base64"])
        assert agree(data, pins) == vector["verdict"], vector["name"]
        agree(data, Pins())
    for path in sorted((VECTORS / "log").glob("*.bundle")):
        assert agree(path.read_bytes(), pins) == "verified"


def test_both_agree_that_a_changed_pin_fails() -> None:
    book = sealed()
    pins = book.pins(4)
    assert pins.checkpoint is not None
    wrong = replace(pins, checkpoint=replace(pins.checkpoint, root=b"\1" * 32))
    assert agree(book.bundle(), wrong) == "failed"
    assert agree(book.bundle(), replace(pins, genesis=b"\1" * 32)) == "failed"
    assert agree(book.bundle(), replace(pins, origin="log.example/other")) == "failed"
