"""Three verifiers, written apart from one page of prose, come to the same conclusion."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from muniment.core.entry import entry_hash
from muniment.core.note import parse_vkey
from muniment.verifier.options import Options
from muniment.verifier.pins import Pins
from muniment.verifier.target import verify_target
from tests.browser_verifier.engine import Engine, Question, agree, failed
from tests.standalone.forge import ROOT, seal
from tests.standalone.test_standalone_named_gaps import STRANGER, forged
from tests.verifier.logbook import Logbook, closed, in_base64, opened
from tests.verifier.test_bundle_attacks import book_bundle, rewritten
from tests.verifier.test_differential import _ODD, every_pin, sealed
from tests.verifier.test_proof import proof

PIECES = range(4)


def mutations(seed: int) -> Iterator[bytes]:
    """Fifty bundles with one thing wrong, or with none, the same in every run."""
    dice = random.Random(seed)
    book = sealed()
    lines = opened(book.bundle(show=[*range(5), *range(6, 12)], tokens=True))
    for _ in range(50):
        changed = list(lines)
        row, other = dice.randrange(len(changed)), dice.randrange(len(changed))
        match dice.randrange(5):
            case 0:
                at = dice.randrange(len(changed[row]) or 1)
                changed[row] = changed[row][:at] + bytes([dice.randrange(256)]) + changed[row][at + 1 :]
            case 1:
                del changed[row]
            case 2:
                changed.insert(other, changed[row])
            case 3:
                changed[row], changed[other] = changed[other], changed[row]
            case _:
                yield odd_entries(book, dice)
                continue
        yield closed(changed)


def odd_entries(book: Logbook, dice: random.Random) -> bytes:
    """Entries that were sealed as they are, though they are odd, and some of them hidden."""
    odd = Logbook(texts=list(book.texts), bodies=book.bodies)
    for _ in range(dice.randint(1, 3)):
        at, (old, new) = dice.randrange(len(odd.texts)), dice.choice(_ODD)
        odd.texts[at] = odd.texts[at].replace(old, new, 1)
    odd.seal()
    lines = opened(book_bundle(odd))
    for at in [at for at, line in enumerate(lines) if line[:1] == b"E" and dice.random() < 0.2]:
        lines[at] = b"N 0 " + in_base64(entry_hash(lines[at][2:]))
    return closed(lines)


@pytest.mark.parametrize("piece", PIECES)
def test_all_agree_on_changed_bundles_under_every_pin(engine: Engine, piece: int) -> None:
    pins = every_pin(sealed())
    questions = [Question(data, pins[at % len(pins)]) for at, data in enumerate(mutations(piece))]
    assert len(set(agree(engine, questions))) > 1


@pytest.mark.parametrize("show", [None, [0], [5, 6, 9], [11], []], ids=str)
def test_all_agree_on_good_bundles_under_every_pin(engine: Engine, show: list[int] | None) -> None:
    book = sealed()
    questions = []
    for pins in every_pin(book):
        sizes = [pins.checkpoint.size] if pins.checkpoint else []
        questions.append(Question(book.bundle(show=show, tokens=True, boundaries=sizes), pins))
    assert set(agree(engine, questions)) == {"verified"}
    agree(engine, [Question(book.bundle(show=show), pins) for pins in every_pin(book)])


def test_all_agree_on_a_rewritten_log_a_smaller_one_and_one_without_keys(engine: Engine) -> None:
    book = sealed()
    short = Logbook(texts=book.texts[:4], bodies=book.bodies)
    short.checkpoints = {4: book.checkpoints[4]}
    for bundle in (rewritten(book).bundle(), short.bundle(), book.bundle(keys=[])):
        verdicts = agree(engine, [Question(bundle, pins) for pins in every_pin(book)])
        assert "failed" in verdicts


def test_all_agree_on_keys_notes_of_another_log_root_or_genesis(engine: Engine) -> None:
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
        agree(engine, [Question(closed(lines), pins) for pins in every_pin(book)])


def test_all_agree_that_a_changed_pin_fails(engine: Engine) -> None:
    book = sealed()
    pins = book.pins(4)
    assert pins.checkpoint is not None
    wrong = (
        replace(pins, checkpoint=replace(pins.checkpoint, root=b"\1" * 32)),
        replace(pins, genesis=b"\1" * 32),
        replace(pins, origin="log.example/other"),
        book.pins(3),
    )
    assert agree(engine, [Question(book.bundle(), one) for one in wrong[:3]]) == ["failed"] * 3
    agree(engine, [Question(book.bundle(show=[11]), one) for one in wrong])


def test_all_agree_on_gaps_with_a_name_with_a_wrong_one_and_with_none(engine: Engine) -> None:
    hidden = forged()
    lines = hidden.lines()
    lines[-2] = hidden.subtree(0, len(hidden.raw) - 1)
    bundles = [
        seal(forged().lines()),
        seal(forged(early=True).lines()),
        seal(forged("0" * 64).lines()),
        seal(forged(by=STRANGER).lines()),
        seal(lines),
    ]
    pins = Pins(root=parse_vkey(ROOT.vkey))
    assert agree(engine, [Question(bundle, pins) for bundle in bundles]) == [
        "verified",
        "verified",
        "failed",
        "failed",
        "verified",
    ]


def test_an_entry_at_the_limit_of_its_size_is_read_and_a_longer_one_is_not(engine: Engine) -> None:
    for size in (65_535, 65_536):
        book = Logbook()
        book.append(2)
        book.texts[1] = book.texts[1][:-1] + b"," + b" " * (size - len(book.texts[1]) - 1) + b"}"
        book.seal()
        agree(engine, [Question(book_bundle(book), book.pins())])


def by_the_package(
    folder: Path, log: Logbook, index: int, pins: Pins, entry: bytes, keys: bytes | None
) -> tuple[str, ...]:
    path = folder / "one.tlog-proof"
    path.write_bytes(proof(log, index))
    path.with_suffix(".entry").write_bytes(entry)
    path.with_suffix(".keys").unlink(missing_ok=True)
    if keys is not None:
        path.with_suffix(".keys").write_bytes(keys)
    report = verify_target(str(path), Options(pins=pins, known=None, now=0, workers=1))
    return (report.verdict, report.trust or "", *report.failed)


@pytest.fixture
def log() -> Logbook:
    book = Logbook()
    book.append(9)
    book.append(14, numbered=False)
    book.seal()
    return book


@pytest.mark.parametrize("index", [0, 1, 7, 16, 22])
def test_a_proof_gets_the_verdict_of_the_package(engine: Engine, log: Logbook, index: int, tmp_path: Path) -> None:
    entries = [log.texts[index], log.texts[index] + b"\n", log.texts[5], log.texts[index].replace(b"2026", b"2025")]
    keys = [log.keys(), None]
    pins = [log.pins(23), log.pins(5), log.pins(), Pins(), replace(log.pins(), origin="log.example/other")]
    cases = [(entry, note, pin) for entry in entries for note in keys for pin in pins]
    answers = engine.verify(*[Question(proof(log, index), pin, entry, note) for entry, note, pin in cases])
    for (entry, note, pin), answer in zip(cases, answers, strict=True):
        found = (answer["verdict"], answer["trust"] or "", *failed(answer))
        assert found == by_the_package(tmp_path, log, index, pin, entry, note)


def test_a_proof_without_its_entry_or_beyond_its_tree_is_malformed(engine: Engine, log: Logbook) -> None:
    beyond = proof(log, 7).replace(b"index 7", b"index 23")
    alone, outside = engine.verify(Question(proof(log, 7)), Question(beyond, entry=log.texts[7], keys=log.keys()))
    assert (alone["verdict"], outside["verdict"]) == ("malformed", "malformed")
    assert "without the entry" in alone["first_broken"]["reason"]
