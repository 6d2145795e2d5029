"""Every way to change a bundle, and the check that catches it."""

from __future__ import annotations

import io
from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace

import pytest

from muniment.core.entry import entry_hash, parse_entry
from muniment.core.keysnote import LogKey, Revocation
from muniment.core.note import parse_note
from muniment.keys.notes import verifier_of
from muniment.verifier.bundle import verify_bundle
from muniment.verifier.pins import PinnedCheckpoint, Pins
from muniment.verifier.report import Report
from muniment.verifier.scan import scan
from tests.verifier.logbook import (
    MALLORY,
    ORIGIN,
    OTHER_SOURCE,
    ROOT,
    START,
    Logbook,
    closed,
    in_base64,
    opened,
    signer,
)

PINNED = 5


def check(data: bytes, pins: Pins | None) -> Report:
    return verify_bundle(io.BytesIO(data), pins, workers=1)


def lines_of(lines: list[bytes], letter: bytes) -> list[int]:
    return [index for index, line in enumerate(lines) if line[:1] == letter]


def test_an_untouched_bundle_is_verified_against_pins(log: Logbook) -> None:
    report = check(log.bundle(tokens=True), log.pins(PINNED))
    assert (report.verdict, report.trust, report.failed) == ("verified", "pinned", ())
    made = [name.name for name in report.checks if name.state == "passed"]
    assert made == [
        "form", "entries", "place", "chain", "time", "tree", "genesis", "keys", "signatures", "cosignatures", "pin",
        "bodies", "sources",
    ]  # fmt: skip


def test_a_bundle_without_pins_is_self_attested_only(log: Logbook) -> None:
    report = check(log.bundle(), None)
    assert (report.verdict, report.trust) == ("verified", "self-attested")
    assert report.check("keys").state == "not_made"


def test_an_origin_and_a_genesis_alone_are_no_trust(log: Logbook) -> None:
    pins = Pins(origin=ORIGIN, genesis=entry_hash(log.texts[0]))
    assert check(log.bundle(), pins).trust == "self-attested"


def test_a_checkpoint_pin_is_worth_nothing_beyond_its_size(log: Logbook) -> None:
    pins = Pins(checkpoint=PinnedCheckpoint(PINNED, log.stack(PINNED).root()))
    report = check(log.bundle(), pins)
    assert (report.trust, report.check("pin").state) == ("self-attested", "passed")
    whole = Pins(checkpoint=PinnedCheckpoint(23, log.stack(23).root()))
    assert check(log.bundle(), whole).trust == "pinned"


def test_a_partial_bundle_says_which_pairs_it_cannot_compare(log: Logbook) -> None:
    report = check(log.bundle(show=[7, 8, 20], boundaries=[PINNED]), log.pins(PINNED))
    assert (report.verdict, report.entries, report.size) == ("verified", 3, 23)
    # Entry 7 follows on a hash; 8 on 7; 20 on a hash.
    assert report.check("chain").count + int(report.check("chain").reason.split("not made for ")[1].split()[0]) == 22
    assert report.check("genesis").state == "not_made"
    assert report.check("sources").state == "not_made"


def test_a_pin_hidden_inside_a_subtree_fails(log: Logbook) -> None:
    log.checkpoints.pop(5)
    report = check(log.bundle(show=[20]), log.pins(7))
    assert (report.verdict, report.trust, report.failed) == ("failed", None, ("pin",))
    assert "ask for a file that shows it" in report.check("pin").reason


def test_a_known_size_inside_a_subtree_is_not_made(log: Logbook) -> None:
    log.checkpoints.pop(5)
    known = log.pins(7).checkpoint
    report = check(log.bundle(show=[20]), Pins(known=known))
    assert (report.verdict, report.trust, report.check("pin").state) == ("verified", "self-attested", "not_made")


def test_a_pinned_checkpoint_of_another_log_fails_the_place_and_is_not_compared(log: Logbook) -> None:
    report = check(log.bundle(), replace(log.pins(7), origin="log.example/other"))
    assert report.failed == ("place",)
    assert report.check("pin").state == "not_made"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"labels": ()}, "log.root"),
        ({"labels": ("log.root=a+00000000", "log.seal-within=1")}, "log.tenant"),
        ({"labels": ("log.root=a+00000000", "log.seal-within=x", "log.tenant=t")}, "log.seal-within"),
        ({"labels": ("log.root=a+0000000g", "log.seal-within=1", "log.tenant=t")}, "log.root"),
        ({"labels": ("log.root=a+00000000", "log.root=b+00000000", "log.seal-within=1", "log.tenant=t")}, "log.root"),
        ({"action": "log.start"}, "log.create"),
        ({"resource": None}, "resource"),
    ],
)
def test_an_entry_0_that_creates_no_log_fails_without_a_pin(change: dict[str, object], reason: str) -> None:
    book = Logbook()
    book.add(replace(book.creation(), **change))  # type: ignore[arg-type]
    book.append(3)
    book.seal()
    report = check(book.bundle(), Pins())
    assert report.failed == ("genesis",)
    assert reason in report.check("genesis").reason


def test_an_entry_0_that_names_another_root_key_than_the_pinned_one_fails() -> None:
    book = Logbook()
    book.add(replace(book.creation(), labels=("log.root=a+00000000", "log.seal-within=1", "log.tenant=t")))
    book.append(3)
    book.seal()
    assert check(book.bundle(), book.pins()).failed == ("genesis",)
    assert check(book.bundle(), Pins()).verdict == "verified"


def test_a_commitment_in_capitals_is_no_readable_one(log: Logbook) -> None:
    at = log.texts[1].index(b'"commit":"') + 10
    text = log.texts[1][:at] + log.texts[1][at : at + 64].upper() + log.texts[1][at + 64 :]
    assert {"entries", "bodies"} <= set(scan([text], 1, ORIGIN, {0: log.bodies[1]}).failures)


# --- lines dropped, doubled, exchanged, added -------------------------------------------------------------------------


def test_a_dropped_entry_breaks_place_chain_and_tree(log: Logbook) -> None:
    lines = opened(log.bundle(bodies=False))
    del lines[lines_of(lines, b"E")[9]]
    report = check(closed(lines), log.pins())
    assert {"place", "chain", "tree"} <= set(report.failed)
    assert report.first_broken is not None
    assert report.first_broken.where == "entry 9"


def test_a_doubled_entry_breaks_place_chain_and_tree(log: Logbook) -> None:
    lines = opened(log.bundle(bodies=False))
    at = lines_of(lines, b"E")[9]
    lines.insert(at, lines[at])
    assert {"place", "chain", "tree"} <= set(check(closed(lines), log.pins()).failed)


def test_exchanged_entries_break_place_chain_time_and_tree(log: Logbook) -> None:
    lines = opened(log.bundle(bodies=False))
    one, other = lines_of(lines, b"E")[8:10]
    lines[one], lines[other] = lines[other], lines[one]
    assert {"place", "chain", "time", "tree"} <= set(check(closed(lines), log.pins()).failed)


def test_a_cut_tail_fails_the_pin_of_the_longer_log(log: Logbook) -> None:
    pins = log.pins(23)
    log.checkpoints.pop(23)
    report = check(log.bundle(), pins)
    assert report.failed == ("pin",)
    assert report.exit_code == 1


def test_a_hidden_entry_behind_a_subtree_still_has_to_fold(log: Logbook) -> None:
    lines = opened(log.bundle(bodies=False))
    at = lines_of(lines, b"E")[9]
    lines[at] = b"N 0 " + in_base64(b"\7" * 32)
    assert check(closed(lines), log.pins()).failed == ("chain", "tree")


def test_an_entry_must_link_to_the_hash_before_it() -> None:
    book = Logbook()
    book.append(3)
    book.add(book.event(3), prev=bytes(32))
    book.seal()
    report = check(book.bundle(show=[3]), None)
    assert report.failed == ("chain",)


def test_an_entry_hidden_by_its_own_hash_is_said_to_be_absent(log: Logbook) -> None:
    lines = opened(log.bundle(bodies=False))
    at = lines_of(lines, b"E")[9]
    lines[at] = b"N 0 " + in_base64(entry_hash(lines[at][2:]))
    report = check(closed(lines), log.pins())
    assert report.verdict == "verified"
    assert "not made for 1 pair" in report.check("chain").reason


def test_a_misplaced_subtree_fails_the_tree(log: Logbook) -> None:
    lines = opened(log.bundle(bodies=False))
    lines[lines_of(lines, b"E")[9]] = b"N 3 " + in_base64(bytes(32))
    assert "tree" in check(closed(lines), log.pins()).failed


def test_a_missing_checkpoint_at_the_end_is_malformed(log: Logbook) -> None:
    lines = opened(log.bundle())
    del lines[-1]
    assert check(closed(lines), log.pins()).verdict == "malformed"


# --- bytes flipped in each kind of line -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("letter", "expected"),
    [(b"E", {"chain", "tree"}), (b"B", {"bodies"}), (b"N", {"tree"}), (b"C", {"signatures"})],
)
def test_a_flipped_byte_is_caught_by_the_check_of_its_line(log: Logbook, letter: bytes, expected: set[str]) -> None:
    lines = opened(log.bundle(show=[*range(5), *range(8, 23)]))
    at = lines_of(lines, letter)[1]
    kind, _, rest = lines[at].partition(b" ")
    if letter == b"E":
        changed = rest.replace(b"wks-prod-01", b"wks-prod-02")
    elif letter == b"N":
        level, _, encoded = rest.partition(b" ")
        hash_ = bytearray(b64decode(encoded))
        hash_[3] ^= 1
        changed = level + b" " + in_base64(bytes(hash_))
    else:
        data = bytearray(b64decode(rest))
        data[-12 if letter == b"C" else 40] ^= 1
        changed = in_base64(bytes(data))
    assert changed != rest
    lines[at] = kind + b" " + changed
    report = check(closed(lines), log.pins())
    assert report.verdict in ("failed", "malformed")
    if report.verdict == "failed":
        assert expected <= set(report.failed) or (letter == b"C" and "cosignatures" in report.failed)


def test_a_flipped_byte_without_a_new_digest_fails_the_form_too(log: Logbook) -> None:
    report = check(log.bundle().replace(b"wks-prod-01", b"wks-prod-02", 1), log.pins())
    assert {"form", "chain", "tree"} <= set(report.failed)


def test_an_entry_that_is_not_canonical_is_a_finding_and_the_rest_stands(log: Logbook) -> None:
    book = Logbook()
    book.append(2)
    spaced = book.texts[1].replace(b'"v":3', b'"v": 3')
    book.texts[1] = spaced
    book.last.clear()
    book.append(2, numbered=False)
    book.seal()
    lines = opened(book_bundle(book))
    report = check(closed(lines), book.pins())
    assert report.failed == ("entries",)
    assert report.findings[0].where == "entry 1"


def test_an_unknown_version_is_never_fine(log: Logbook) -> None:
    book = Logbook()
    book.append(2)
    book.texts[1] = book.texts[1].replace(b'"v":3', b'"v":4')
    book.append(1, numbered=False)
    book.seal()
    assert "entries" in check(closed(opened(book_bundle(book))), book.pins()).failed


def book_bundle(book: Logbook) -> bytes:
    """A bundle of all entries, written without the writer's own checks."""
    lines = [b"H muniment-bundle/1 " + book.origin.encode(), b"K " + in_base64(book.keys())]
    for seq, text in enumerate(book.texts, 1):
        lines.append(b"E " + text)
        if seq in book.checkpoints:
            lines.append(b"C " + in_base64(book.checkpoints[seq]))
    return closed(lines)


# --- history rewritten ------------------------------------------------------------------------------------------------


def rewritten(log: Logbook, seed: str = "log") -> Logbook:
    """The log with entry 3 changed, everything after it chained again and sealed again."""
    other = Logbook(seed=seed, root=log.root)
    for seq, text in enumerate(log.texts):
        entry = parse_entry(text)
        event = replace(entry.event, outcome="denied") if seq == 3 else entry.event
        other.add(event, controls=entry.controls, by=entry.by)
        if seq + 1 in log.checkpoints:
            other.seal()
    other.bodies = log.bodies
    return other


def test_a_rewritten_and_resealed_history_fails_the_pinned_checkpoint(log: Logbook) -> None:
    report = check(rewritten(log).bundle(), log.pins(PINNED))
    assert "pin" in report.failed
    assert not {"chain", "tree", "signatures", "keys"} & set(report.failed)


def test_a_rewritten_history_shows_in_the_sources_own_numbering(log: Logbook) -> None:
    assert "sources" in check(rewritten(log).bundle(), log.pins()).failed


def test_a_history_sealed_with_another_key_fails_the_signatures(log: Logbook) -> None:
    other = rewritten(log, seed="mallory")
    report = check(other.bundle(keys=[log.keys()]), log.pins())
    assert "signatures" in report.failed


def test_a_keys_note_by_another_root_is_no_keys_note(log: Logbook) -> None:
    other = rewritten(log, seed="mallory")
    report = check(other.bundle(keys=[other.keys(by=MALLORY)]), log.pins())
    assert "keys" in report.failed
    assert report.check("signatures").state == "not_made"
    assert report.verdict == "failed"


def test_a_keys_note_that_only_borrows_the_roots_name_fails(log: Logbook) -> None:
    note = parse_note(log.keys(by=MALLORY))
    line = replace(note.signatures[0], key_id=verifier_of(ROOT).key_id)
    forged = replace(note, signatures=(line,)).encoded()
    assert check(log.bundle(keys=[forged]), log.pins()).failed[:1] == ("keys",)


def test_a_replaced_genesis_fails_genesis_and_keys(log: Logbook) -> None:
    other = Logbook()
    other.add(replace(other.creation(), labels=("log.root=example.org/root+00000000", "log.tenant=tnt_2")))
    other.append(4)
    other.seal()
    report = check(other.bundle(keys=[log.keys()]), log.pins())
    assert {"genesis", "keys"} <= set(report.failed)


def test_a_checkpoint_of_another_log_fails_place_and_signatures(log: Logbook) -> None:
    other = Logbook(origin="log.example/eu1/ffff")
    other.texts = list(log.texts)
    lines = opened(log.bundle(bodies=False))
    lines[lines_of(lines, b"C")[-1]] = b"C " + in_base64(other.seal())
    report = check(closed(lines), log.pins())
    assert {"place", "signatures"} <= set(report.failed)


def test_entries_of_another_log_fail_the_place(log: Logbook) -> None:
    report = check(log.bundle(), replace(log.pins(), origin="log.example/eu1/ffff"))
    assert "place" in report.failed


def test_time_that_runs_backwards_is_named(log: Logbook) -> None:
    book = Logbook()
    book.append(3)
    book.add(book.event(3), recorded_at=START + 1000)
    book.append(1)
    book.seal()
    report = check(book.bundle(), book.pins())
    assert report.failed == ("time",)
    assert report.first_broken is not None
    assert report.first_broken.where == "entry 3"


# --- keys and cosignatures --------------------------------------------------------------------------------------------


def test_a_missing_cosignature_fails_where_a_cosigner_is_named() -> None:
    book = Logbook()
    book.append(3)
    book.seal(cosigned_at=None)
    assert check(book.bundle(), book.pins()).failed == ("cosignatures",)
    assert check(book.bundle(keys=[book.keys(cosigner=False)]), book.pins()).verdict == "verified"


def test_a_cosignature_from_before_the_cosigners_time_does_not_count() -> None:
    book = Logbook()
    book.append(3)
    book.seal(cosigned_at=START // 1_000_000 - 1)
    assert check(book.bundle(), book.pins()).failed == ("cosignatures",)


def test_a_forged_cosignature_fails(log: Logbook) -> None:
    lines = opened(log.bundle(bodies=False))
    at = lines_of(lines, b"C")[-1]
    note = parse_note(b64decode(lines[at][2:]))
    forged = replace(note.signatures[1], signature=note.signatures[1].signature[:8] + bytes(64))
    lines[at] = b"C " + in_base64(replace(note, signatures=(note.signatures[0], forged)).encoded())
    assert check(closed(lines), log.pins()).failed == ("cosignatures",)


def test_a_stranger_may_sign_beside_and_changes_nothing(log: Logbook) -> None:
    lines = opened(log.bundle(bodies=False))
    at = lines_of(lines, b"C")[-1]
    note = parse_note(b64decode(lines[at][2:]))
    stranger = replace(note.signatures[0], name="witness.example/w")
    lines[at] = b"C " + in_base64(replace(note, signatures=(*note.signatures, stranger)).encoded())
    assert check(closed(lines), log.pins()).verdict == "verified"


def test_a_revoked_log_key_counts_only_with_an_older_cosignature() -> None:
    book = Logbook()
    book.append(3)
    book.seal(cosigned_at=START // 1_000_000 + 10)
    key = verifier_of(book.key)
    late = book.keys(2, revoked=[Revocation(key, START // 1_000_000 + 100)])
    early = book.keys(2, revoked=[Revocation(key, START // 1_000_000 + 5)])
    assert check(book.bundle(keys=[book.keys(), late]), book.pins()).verdict == "verified"
    assert check(book.bundle(keys=[book.keys(), early]), book.pins()).failed == ("signatures",)


def test_an_old_keys_note_does_not_hold_against_a_newer_one_that_was_seen() -> None:
    book = Logbook()
    book.append(3)
    book.seal()
    newer = book.keys(2, revoked=[Revocation(verifier_of(book.key), START // 1_000_000 + 5)])
    replayed = book.bundle(keys=[book.keys(1)])
    assert check(replayed, book.pins()).verdict == "verified"
    assert check(replayed, replace(book.pins(), keys_note=newer)).failed == ("signatures",)


def test_after_a_rotation_only_the_new_key_signs_and_only_from_its_size() -> None:
    book = Logbook()
    book.append(3)
    book.seal()
    book.append(3)
    rotated = signer(ORIGIN, seed="rotated")
    book.seal(key=rotated)
    logs = [LogKey(verifier_of(book.key), 0), LogKey(verifier_of(rotated), 4)]
    assert check(book.bundle(keys=[book.keys(), book.keys(2, logs=logs)]), book.pins()).verdict == "verified"
    wrong = [LogKey(verifier_of(book.key), 0), LogKey(verifier_of(rotated), 2)]
    assert check(book.bundle(keys=[book.keys(2, logs=wrong)]), book.pins()).failed == ("signatures",)


# --- bodies and sources -----------------------------------------------------------------------------------------------


def test_a_body_of_another_entry_fails(log: Logbook) -> None:
    lines = opened(log.bundle())
    one, other = lines_of(lines, b"B")[:2]
    lines[one], lines[other] = lines[other], lines[one]
    report = check(closed(lines), log.pins())
    assert report.failed == ("bodies",)
    assert report.check("bodies").count == 2


def test_a_body_for_an_event_without_one_fails(log: Logbook) -> None:
    lines = opened(log.bundle())
    lines.insert(lines_of(lines, b"E")[0] + 1, b"B " + in_base64(bytes(40)))
    assert check(closed(lines), log.pins()).failed == ("bodies",)


def test_undisclosed_bodies_are_counted(log: Logbook) -> None:
    report = check(log.bundle(bodies=False), log.pins())
    assert report.check("bodies").state == "not_made"
    assert "22 bodies not disclosed" in report.check("bodies").reason


def test_a_withheld_event_of_a_numbered_source_is_a_named_gap() -> None:
    book = Logbook()
    book.append(3)
    book.event(3)
    book.append(2)
    book.seal()
    report = check(book.bundle(bodies=False), book.pins())
    assert report.failed == ("sources",)
    assert "numbers 2 are missing" in report.check("sources").reason


def test_a_gap_that_may_lie_in_hidden_entries_is_not_made(log: Logbook) -> None:
    report = check(log.bundle(show=[1, 2, 4, 22]), log.pins())
    assert report.verdict == "verified"
    assert report.check("sources").state == "not_made"


def test_sources_without_numbers_are_counted_and_named(log: Logbook) -> None:
    (remark,) = check(log.bundle(), log.pins()).remarks
    assert "4 events" in remark
    assert OTHER_SOURCE not in remark


# --- the file itself --------------------------------------------------------------------------------------------------


def _doubled_header(lines: list[bytes]) -> list[bytes]:
    return [lines[0], *lines]


def _keys_later(lines: list[bytes]) -> list[bytes]:
    return [lines[0], lines[2], lines[1], *lines[3:]]


def _stray_body(lines: list[bytes]) -> list[bytes]:
    return [*lines[:2], b"B " + in_base64(bytes(40)), *lines[2:]]


def _unknown_letter(lines: list[bytes]) -> list[bytes]:
    return [*lines, b"Q x"]


def _empty_line(lines: list[bytes]) -> list[bytes]:
    return [*lines[:3], b"", *lines[3:]]


def _carriage_return(lines: list[bytes]) -> list[bytes]:
    return [*lines[:2], lines[2] + b"\r", *lines[3:]]


def _stray_token(lines: list[bytes]) -> list[bytes]:
    return [*lines[:3], b"T AAAA", *lines[3:]]


def _lax_base64(lines: list[bytes]) -> list[bytes]:
    return [*lines[:-1], lines[-1] + b"="]


def _long_line(lines: list[bytes]) -> list[bytes]:
    return [*lines[:2], b"E " + b"x" * 524_288, *lines[2:]]


def _entries_after_the_last_checkpoint(lines: list[bytes]) -> list[bytes]:
    return [*lines, lines[2]]


def _inner_end(lines: list[bytes]) -> list[bytes]:
    return [*lines[:3], b"Z " + b"0" * 64, *lines[3:]]


def _twice_the_same_keys(lines: list[bytes]) -> list[bytes]:
    return [*lines[:2], *lines[1:]]


def _doubled_checkpoint(lines: list[bytes]) -> list[bytes]:
    return [*lines, lines[-1]]


@pytest.mark.parametrize(
    "change",
    [
        _doubled_header, _keys_later, _stray_body, _unknown_letter, _empty_line, _carriage_return, _stray_token,
        _lax_base64, _long_line, _entries_after_the_last_checkpoint, _inner_end, _twice_the_same_keys,
        _doubled_checkpoint,
    ],
)  # fmt: skip
def test_what_is_no_bundle_is_malformed(log: Logbook, change: Callable[[list[bytes]], list[bytes]]) -> None:
    report = check(closed(change(opened(log.bundle()))), log.pins())
    assert report.verdict == "malformed"
    assert report.exit_code == 2


@pytest.mark.parametrize("cut", [0, 1, 30, 700, 5000, -1, -2, -67, -68])
def test_a_cut_file_is_malformed(log: Logbook, cut: int) -> None:
    assert check(log.bundle()[:cut], log.pins()).verdict == "malformed"


@pytest.mark.parametrize("more", [b"\n", b"x", b"E {}\n", b"Z " + b"0" * 64 + b"\n"])
def test_bytes_after_the_end_are_malformed(log: Logbook, more: bytes) -> None:
    assert check(log.bundle() + more, log.pins()).verdict == "malformed"


def test_a_wrong_digest_alone_fails_the_form(log: Logbook) -> None:
    data = log.bundle()
    other = data[:-2] + (b"0" if data[-2:-1] != b"0" else b"1") + b"\n"
    assert check(other, log.pins()).failed == ("form",)


def test_positions_beyond_the_largest_tree_are_malformed(log: Logbook) -> None:
    lines = opened(log.bundle(bodies=False))
    huge = [b"N %d " % level + in_base64(bytes(32)) for level in range(52, -1, -1)]
    report = check(closed([*lines[:2], *huge, *lines[2:]]), log.pins())
    assert report.verdict == "malformed"
    twice = [b"N 52 " + in_base64(bytes(32))] * 3
    assert check(closed([*lines[:2], *twice, *lines[2:]]), log.pins()).verdict == "malformed"


def test_the_number_of_a_malformed_line_is_named(log: Logbook) -> None:
    lines = opened(log.bundle())
    report = check(closed([*lines[:17], b"Q x", *lines[17:]]), log.pins())
    assert report.check("form").reason.startswith("line 18: ")
