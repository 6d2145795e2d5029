"""The single-file verifier on whole bundles, on parts of them, and on every mutation that docs/format.md forbids."""

import base64
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from muniment.verifier.standalone import muniment_verify as mv
from tests.standalone.conftest import Check
from tests.standalone.forge import (
    EPOCH,
    LOG,
    LOG_2,
    ORIGIN,
    PLAIN_SOURCE,
    ROOT,
    SOURCE,
    STRANGER,
    WITNESS,
    ZERO,
    Forge,
    Signer,
    b64,
    body_field,
    canonical,
    event,
    keys_line,
    note_line,
    sample,
    seal,
    sha256,
    tree_root,
)  # fmt: skip

# ---- what must pass


def test_a_whole_log_is_verified_against_the_root_key(check: Check, forge: Forge) -> None:
    answer = check(seal(forge.lines()), origin=ORIGIN, genesis=forge.genesis)
    assert (answer["verdict"], answer["trust"], answer["first_broken"]) == ("verified", "pinned", None)
    passed = {"form", "entries", "place", "chain", "time", "tree", "genesis", "keys", "signatures", "bodies", "sources"}
    assert {name for name, state in answer.states.items() if state == "passed"} == passed
    assert answer["entries"] == answer["size"] == 8


def test_the_checks_have_the_names_and_order_of_the_format(check: Check, forge: Forge) -> None:
    names = "form entries place chain time tree genesis keys signatures cosignatures pin bodies sources columns head"
    assert list(check(seal(forge.lines())).states) == [*names.split(), "anchors"]


def test_without_a_pin_the_answer_is_self_attested_only(check: Check, forge: Forge) -> None:
    answer = check(seal(forge.lines()), root=None)
    assert (answer["verdict"], answer["trust"]) == ("verified", "self-attested")
    assert answer.states["keys"] == "not_made"
    assert "whoever wrote this chose these keys" in answer.reason("signatures")


def test_origin_and_genesis_alone_leave_it_self_attested(check: Check) -> None:
    forge = sample()
    thief = Signer(ORIGIN, seed="thief")
    text = forge.checkpoint_text()
    lines = forge.lines()
    lines[1] = keys_line(forge.keys_text(lines=[f"log {thief.vkey} from 0"]), STRANGER)
    lines[-1] = note_line("C", text + "\n" + thief.line(text))
    answer = check(seal(lines), root=None, origin=ORIGIN, genesis=forge.genesis)
    assert (answer["verdict"], answer["trust"]) == ("verified", "self-attested")


def test_a_checkpoint_that_the_bundle_ends_in_is_a_pin(check: Check, forge: Forge) -> None:
    answer = check(seal(forge.lines()), root=None, checkpoint=forge.checkpoint().encode())
    assert (answer["verdict"], answer["trust"], answer.states["pin"]) == ("verified", "pinned", "passed")


def test_an_older_pinned_checkpoint_does_not_speak_for_what_came_after(check: Check, forge: Forge) -> None:
    answer = check(seal(forge.lines()), root=None, checkpoint=forge.checkpoint(5).encode())
    assert (answer["verdict"], answer["trust"], answer.states["pin"]) == ("verified", "self-attested", "passed")


@pytest.mark.parametrize("size", range(1, 18))
def test_logs_of_every_small_size_fold_to_their_root(check: Check, size: int) -> None:
    forge = Forge()
    forge.add_genesis()
    for _ in range(size - 1):
        forge.add_numbered()
    assert check(seal(forge.lines()))["verdict"] == "verified"


def partial(forge: Forge) -> list[str | bytes]:
    """Entries 4 to 6 of eight, with subtrees for the rest."""
    lines = forge.lines()[:2]
    lines += [forge.subtree(2, 0), *(b"E " + raw for raw in forge.raw[4:7]), forge.subtree(0, 7)]
    return [*lines, note_line("C", forge.checkpoint())]


def test_a_part_of_a_log_is_verified_with_subtrees_for_the_rest(check: Check, forge: Forge) -> None:
    answer = check(seal(partial(forge)), genesis=forge.genesis)
    assert (answer["verdict"], answer["trust"], answer["entries"], answer["size"]) == ("verified", "pinned", 3, 8)
    assert "2 pairs of neighbours link; 1 more" in answer.reason("chain")
    assert answer.states["genesis"] == "not_made"
    assert answer.states["sources"] == "not_made"
    assert answer.states["bodies"] == "not_made"


def test_a_pinned_size_hidden_inside_a_subtree_fails(check: Check, forge: Forge) -> None:
    answer = check(seal(partial(forge)), checkpoint=forge.checkpoint(3).encode())
    assert (answer["verdict"], answer["trust"], answer.failed) == ("failed", None, {"pin"})
    assert "ask for a file that shows it" in answer.reason("pin")


def test_a_genesis_that_the_file_does_not_show_is_said_not_to_be_compared(check: Check, forge: Forge) -> None:
    answer = check(seal(partial(forge)), genesis=forge.genesis)
    assert (answer["verdict"], answer["pins_not_compared"]) == ("verified", ["genesis"])
    assert "did not let it be compared: genesis" in mv.show(answer)


def test_the_hash_of_the_entry_before_is_as_good_as_the_entry(check: Check, forge: Forge) -> None:
    lines = forge.lines()
    lines[4] = forge.subtree(0, 2)
    assert "7 pairs" not in check(seal(lines)).reason("chain")
    wrong = sample(change=lambda seq, entry: entry.update(prev="ab" * 32) if seq == 3 else None)
    lines = wrong.lines()
    lines[4] = wrong.subtree(0, 2)
    assert check(seal(lines)).failed == {"chain"}


GENESIS = {
    "by": lambda e: e.update(by="key:x"),
    "action": lambda e: e["event"].update(action="log.start"),
    "resource type": lambda e: e["event"]["resource"].update(type="tool"),
    "resource id": lambda e: e["event"]["resource"].update(id="example.org/other"),
    "no resource": lambda e: e["event"].pop("resource"),
    "no labels": lambda e: e["event"].pop("labels"),
    "no tenant": lambda e: e["event"]["labels"].pop(),
    "a second tenant": lambda e: e["event"]["labels"].append("log.tenant=tnt_2"),
    "seconds that are no number": lambda e: e["event"]["labels"].__setitem__(1, "log.seal-within=1e3"),
    "a root key without id": lambda e: e["event"]["labels"].__setitem__(0, "log.root=example.org/root"),
}


@pytest.mark.parametrize("change", GENESIS.values(), ids=GENESIS.keys())
def test_an_entry_0_that_creates_no_log_fails_with_and_without_a_pin(
    check: Check, change: Callable[[dict[str, Any]], Any]
) -> None:
    forge = sample(change=lambda seq, entry: change(entry) if seq == 0 else None)
    for root in (ROOT.vkey, None):
        assert check(seal(forge.lines()), root=root).failed == {"genesis"}


def test_an_entry_0_that_names_another_root_key_fails_against_a_pinned_one(check: Check) -> None:
    named = f"log.root={STRANGER.name}+{STRANGER.id.hex()}"
    forge = sample(change=lambda seq, e: e["event"]["labels"].__setitem__(0, named) if seq == 0 else None)
    assert check(seal(forge.lines())).failed == {"genesis"}
    assert check(seal(forge.lines()), root=None)["verdict"] == "verified"


def test_who_the_cosigners_are_is_said_and_does_nothing_to_a_terminal(check: Check, forge: Forge) -> None:
    evil = Signer("w\x9b2J\u202eitness", kind=4)
    text = forge.checkpoint_text()
    lines = forge.lines()
    lines[1] = keys_line(forge.keys_text(lines=[f"log {LOG.vkey} from 0", f"cosigner {evil.vkey} from 0"]))
    lines[-1] = note_line("C", text + "\n" + LOG.line(text) + evil.line(text, 5))
    answer = check(seal(lines))
    assert (answer["verdict"], evil.name in answer.reason("cosignatures")) == ("verified", True)
    shown = mv.show(answer)
    assert all(character.isprintable() for line in shown.split("\n") for character in line)
    assert "w\\x9b2J\\u202eitness" in shown


def test_two_checkpoints_of_one_file_are_consistent(check: Check, forge: Forge) -> None:
    lines = forge.lines()
    lines.insert(5, note_line("C", forge.checkpoint(3)))
    lines.insert(6, "T " + b64(b"0\0"))
    answer = check(seal(lines))
    assert (answer["verdict"], answer["checkpoints"]) == ("verified", 2)
    assert answer.reason("anchors") == "1 tokens not checked: no timestamp root is pinned"


def test_a_rotated_log_key_signs_from_its_size_on(check: Check, forge: Forge) -> None:
    text = forge.checkpoint_text()
    lines = forge.lines()
    lines[1] = keys_line(forge.keys_text(lines=[f"log {LOG.vkey} from 0", f"log {LOG_2.vkey} from 5"]))
    lines.insert(6, note_line("C", forge.checkpoint(4)))
    lines[-1] = note_line("C", text + "\n" + LOG_2.line(text))
    assert check(seal(lines))["verdict"] == "verified"
    lines[-1] = note_line("C", text + "\n" + LOG.line(text))
    assert check(seal(lines)).failed == {"signatures"}


def cosigned(forge: Forge, keys: list[str], *times: int, signatures: tuple[str, ...] = ()) -> bytes:
    text = forge.checkpoint_text()
    lines = forge.lines()
    lines[1] = keys_line(forge.keys_text(lines=[f"log {LOG.vkey} from 0", *keys]))
    made = "".join([LOG.line(text), *(WITNESS.line(text, time) for time in times), *signatures])
    lines[-1] = note_line("C", text + "\n" + made)
    return seal(lines)


def test_a_cosignature_counts_from_its_first_second_to_its_revocation(check: Check, forge: Forge) -> None:
    keys = [f"cosigner {WITNESS.vkey} from 1000", f"revoked {WITNESS.vkey} since 2000"]
    assert check(cosigned(forge, keys, 1000)).states["cosignatures"] == "passed"
    assert check(cosigned(forge, keys, 1999)).states["cosignatures"] == "passed"
    assert check(cosigned(forge, keys, 999, 1999)).states["cosignatures"] == "passed"
    for time in (0, 999, 2000, 2**63, 2**64 - 1):
        assert check(cosigned(forge, keys, time)).failed == {"cosignatures"}
    assert check(cosigned(forge, keys[:1], 2**63)).failed == {"cosignatures"}
    assert check(cosigned(forge, keys)).failed == {"cosignatures"}


def test_a_cosignature_beyond_the_last_second_is_a_bad_one_even_beside_a_good_one(check: Check, forge: Forge) -> None:
    keys = [f"cosigner {WITNESS.vkey} from 0"]
    assert check(cosigned(forge, keys, 5, 2**63 - 1))["verdict"] == "verified"
    assert check(cosigned(forge, keys, 5, 2**63)).failed == {"cosignatures"}


def test_a_revoked_log_key_needs_an_older_cosignature(check: Check, forge: Forge) -> None:
    keys = [f"cosigner {WITNESS.vkey} from 0", f"revoked {LOG.vkey} since 1500"]
    assert check(cosigned(forge, keys, 1499))["verdict"] == "verified"
    assert check(cosigned(forge, keys, 1500)).failed == {"signatures"}
    assert check(cosigned(forge, keys)).failed == {"signatures", "cosignatures"}
    assert check(cosigned(forge, keys[1:])).failed == {"signatures"}


def test_a_signature_by_an_unknown_key_is_ignored(check: Check, forge: Forge) -> None:
    text = forge.checkpoint_text()
    same_name = Signer(ORIGIN, seed="unknown")
    extra = (STRANGER.line(text, damage=True), same_name.line(text, damage=True))
    assert check(cosigned(forge, [], signatures=extra))["verdict"] == "verified"


def test_the_highest_keys_note_of_the_root_holds_and_others_are_hints(check: Check, forge: Forge) -> None:
    lines = forge.lines()
    thief = Signer(ORIGIN, seed="thief")
    lines.insert(2, keys_line(forge.keys_text(9, [f"log {thief.vkey} from 0"]), STRANGER))
    answer = check(seal(lines))
    assert (answer["verdict"], answer["keys_note"]) == ("verified", 1)
    lines[2] = keys_line(forge.keys_text(9, [f"log {thief.vkey} from 0"]))
    answer = check(seal(lines))
    assert (answer.failed, answer["keys_note"]) == ({"signatures"}, 9)


def test_unnumbered_sources_are_named(check: Check, forge: Forge) -> None:
    answer = check(seal(forge.lines()))
    assert answer["unnumbered_sources"] == [PLAIN_SOURCE]
    assert "1 numbered sources and epochs, 1 unnumbered" in answer.reason("sources")


# ---- files that cannot be read


def replace(at: int, line: str | bytes) -> Callable[[list[str | bytes]], list[str | bytes]]:
    return lambda lines: [*lines[:at], line, *(lines[at + 1 :] if at != -1 else [])]


def insert(at: int, *new: str | bytes) -> Callable[[list[str | bytes]], list[str | bytes]]:
    return lambda lines: [*lines[:at], *new, *lines[at:]]


GOOD_B = "B " + b64(bytes(32))
GOOD_N = "N 0 " + b64(bytes(32))
KEYS_TEXT = sample().keys_text()
UNREADABLE = {
    "no header": lambda lines: lines[1:],
    "two headers": insert(1, f"H muniment-bundle/1 {ORIGIN}"),
    "another version": replace(0, f"H muniment-bundle/2 {ORIGIN}"),
    "an origin in capitals": replace(0, f"H muniment-bundle/1 {ORIGIN.upper()}"),
    "no origin": replace(0, "H muniment-bundle/1 "),
    "an origin of 256 bytes": replace(0, "H muniment-bundle/1 " + "a" * 256),
    "an empty line": insert(2, ""),
    "an unknown letter": insert(2, "X 1"),
    "a small letter": insert(2, "e {}"),
    "no space after the letter": insert(2, "E{}"),
    "two letters": insert(2, "EE {}"),
    "a carriage return": lambda lines: [f"{lines[0]}\r", *lines[1:]],  # type: ignore[str-bytes-safe]
    "a carriage return within an entry": insert(2, b'E {"a":"\r"}'),
    "a keys note after an entry": insert(3, keys_line(sample().keys_text(2))),
    "the same keys note twice": insert(2, keys_line(KEYS_TEXT)),
    "keys notes that descend": lambda lines: [
        lines[0], keys_line(sample().keys_text(2)), keys_line(KEYS_TEXT), *lines[2:]],
    "a keys note with number 0": replace(1, keys_line(sample().keys_text(0))),
    "a keys note with two signatures": replace(
        1, note_line("K", KEYS_TEXT + "\n" + ROOT.line(KEYS_TEXT) + ROOT.line(KEYS_TEXT))),
    "base64 without padding": replace(1, keys_line(KEYS_TEXT).rstrip("=")[:-1]),
    "a body before any entry": insert(2, GOOD_B),
    "a second body": insert(7, GOOD_B, GOOD_B),
    "a body after a subtree": insert(2, GOOD_N, GOOD_B),
    "a body of 31 bytes": insert(4, "B " + b64(bytes(31))),
    "a body of 262,177 bytes": insert(4, "B " + b64(bytes(262_177))),
    "an empty body line": insert(4, "B "),
    "a subtree of level 53": insert(2, "N 53 " + b64(bytes(32))),
    "a subtree of level 00": insert(2, "N 00 " + b64(bytes(32))),
    "a subtree of level -1": insert(2, "N -1 " + b64(bytes(32))),
    "a subtree of an Arabic-Indic level": insert(2, "N \u0661 " + b64(bytes(32))),
    "a subtree with a short hash": insert(2, "N 0 " + b64(bytes(31))),
    "a subtree with a hash in hex": insert(2, "N 0 " + "00" * 32),
    "a subtree with two spaces": insert(2, "N 0  " + b64(bytes(32))),
    "a token before any checkpoint": insert(3, "T MAA="),
    "an empty token": lambda lines: [*lines, "T "],
    "a token that is not base64": lambda lines: [*lines, "T ****"],
    "a checkpoint before any entry": insert(2, note_line("C", sample().checkpoint())),
    "the same checkpoint twice": lambda lines: [*lines, lines[-1]],
    "an entry after the last checkpoint": lambda lines: [*lines, lines[2]],
    "a subtree after the last checkpoint": lambda lines: [*lines, GOOD_N],
    "no checkpoint": lambda lines: lines[:-1],
    "a checkpoint that is no note": replace(-1, note_line("C", "hello\n")),
    "a checkpoint without signature lines": replace(-1, note_line("C", sample().checkpoint_text() + "\n")),
    "a checkpoint with an extension line": replace(-1, note_line(
        "C", sample().checkpoint_text() + "more\n\n" + LOG.line(sample().checkpoint_text() + "more\n"))),
    "a checkpoint with 17 signatures": replace(-1, note_line(
        "C", sample().checkpoint() + STRANGER.line("") * 16)),
    "a checkpoint with a tab": replace(-1, note_line("C", sample().checkpoint().replace("\n", "\t\n", 1))),
    "a checkpoint of 131,073 bytes": replace(-1, note_line(
        "C", sample().checkpoint() + f"— x {b64(bytes(98_304))}\n")),
    "a checkpoint with a size of 17 digits": replace(-1, note_line(
        "C", sample().checkpoint().replace("\n8\n", "\n10000000000000008\n"))),
    "a checkpoint with a leading zero": replace(-1, note_line("C", sample().checkpoint().replace("\n8\n", "\n08\n"))),
    "a checkpoint with a short root": replace(-1, note_line("C", f"{ORIGIN}\n8\nAAAA\n\n" + LOG.line("x"))),
    "a signature line with a hyphen": replace(-1, note_line("C", sample().checkpoint().replace("— ", "- "))),
    "a signature line with a name with a plus": replace(-1, note_line(
        "C", sample().checkpoint() + STRANGER.line("").replace("stranger.", "stranger+"))),
    "a signature line with a no-break space": replace(-1, note_line(
        "C", sample().checkpoint() + STRANGER.line("").replace("stranger.", "stranger\u00a0"))),
    "a checkpoint in Latin-1": replace(-1, "C " + b64(sample().checkpoint().encode("utf-8").replace(b"\xe2", b"\xe9"))),
    "a line of 524,289 bytes": insert(2, "E " + "x" * 524_287),
}  # fmt: skip


@pytest.mark.parametrize("mutation", UNREADABLE, ids=str)
def test_a_file_that_breaks_the_grammar_is_malformed(check: Check, forge: Forge, mutation: str) -> None:
    answer = check(seal(UNREADABLE[mutation](forge.lines())))  # type: ignore[no-untyped-call]
    assert answer["verdict"] == "malformed"
    assert answer["trust"] is None
    assert answer.states["form"] == "failed"


def test_a_line_of_exactly_the_limit_is_read(check: Check, forge: Forge) -> None:
    answer = check(seal(insert(2, "E " + "x" * 524_286)(forge.lines())))
    assert answer["verdict"] == "failed"


KEYS_LINES: dict[str, list[str]] = {
    "no log line": [],
    "a first log line not from 0": [f"log {LOG.vkey} from 1"],
    "log lines of one size": [f"log {LOG.vkey} from 0", f"log {LOG_2.vkey} from 0"],
    "log lines that descend": [f"log {LOG.vkey} from 0", f"log {LOG_2.vkey} from 9", f"log {LOG.vkey} from 5"],
    "a log key twice": [f"log {LOG.vkey} from 0", f"log {LOG.vkey} from 5"],
    "a log key of another name": [f"log {STRANGER.vkey} from 0"],
    "a log key of type 4": [f"log {Signer(ORIGIN, 4).vkey} from 0"],
    "a cosigner of type 1": [f"log {LOG.vkey} from 0", f"cosigner {STRANGER.vkey} from 0"],
    "a cosigner twice": [f"log {LOG.vkey} from 0", *[f"cosigner {WITNESS.vkey} from {t}" for t in (0, 1)]],
    "a revoked line before a cosigner": [
        f"log {LOG.vkey} from 0", f"revoked {LOG.vkey} since 0", f"cosigner {WITNESS.vkey} from 0"],
    "a log line after a cosigner": [f"cosigner {WITNESS.vkey} from 0", f"log {LOG.vkey} from 0"],
    "an unknown line": [f"log {LOG.vkey} from 0", f"friend {LOG.vkey} from 0"],
    "an empty line": [f"log {LOG.vkey} from 0", ""],
    "since in a log line": [f"log {LOG.vkey} since 0"],
    "from in a revoked line": [f"log {LOG.vkey} from 0", f"revoked {LOG.vkey} from 0"],
    "two spaces": [f"log {LOG.vkey}  from 0"],
    "a size of 17 digits": [f"log {LOG.vkey} from 0", f"log {LOG_2.vkey} from 10000000000000000"],
    "a wrong key id": [f"log {ORIGIN}+00000000+{b64(LOG.material)} from 0"],
    "a key id in capitals": [f"log {ORIGIN}+{LOG.id.hex().upper()}+{b64(LOG.material)} from 0"],
    "a short public key": [f"log {ORIGIN}+{sha256(ORIGIN.encode(), b'@1', bytes(31))[:4].hex()}+AQ== from 0"],
    "a public key of small order": [
        f"log {ORIGIN}+{sha256(ORIGIN.encode(), b'@', bytes([1, 1]), bytes(31))[:4].hex()}"
        f"+{b64(bytes([1, 1]) + bytes(31))} from 0".replace("@", "\n")],
}  # fmt: skip


@pytest.mark.parametrize("mutation", KEYS_LINES, ids=str)
def test_a_keys_note_that_breaks_its_grammar_is_malformed(check: Check, forge: Forge, mutation: str) -> None:
    lines = forge.lines()
    lines[1] = keys_line(forge.keys_text(lines=KEYS_LINES[mutation]))
    answer = check(seal(lines))
    assert (answer["verdict"], answer["first_broken"]["where"]) == ("malformed", "line 2")


@pytest.mark.parametrize(("old", "new"), [
    ("muniment-keys/1", "muniment-keys/2"), (ORIGIN + "\n1", ORIGIN + "\n01"), ("genesis ", "Genesis "),
    ("genesis ", "genesis 0"), (ORIGIN + "\n1", ORIGIN.upper() + "\n1"), ("\n1\n", "\n\n1\n")])  # fmt: skip
def test_a_keys_note_with_a_broken_head_is_malformed(check: Check, forge: Forge, old: str, new: str) -> None:
    lines = forge.lines()
    lines[1] = keys_line(forge.keys_text().replace(old, new, 1))
    assert check(seal(lines))["verdict"] == "malformed"


@pytest.mark.parametrize("cut", ["", "H", "H muniment-bundle/1 example.org/agents\n"])
def test_a_file_of_next_to_nothing_is_malformed(check: Check, cut: str) -> None:
    assert check(cut.encode())["verdict"] == "malformed"


def test_a_file_that_is_cut_anywhere_is_malformed(check: Check, forge: Forge) -> None:
    whole = seal(forge.lines())
    for end in {*range(0, len(whole), 251), len(whole) - 1, len(whole) - 68}:
        assert check(whole[:end])["verdict"] == "malformed"


@pytest.mark.parametrize("tail", [b"\n", b" ", b"E {}\n", b"Z " + b"0" * 64 + b"\n"])
def test_bytes_after_the_last_line_are_malformed(check: Check, forge: Forge, tail: bytes) -> None:
    assert check(seal(forge.lines()) + tail)["verdict"] == "malformed"


def test_a_last_line_in_capitals_is_malformed(check: Check, forge: Forge) -> None:
    whole = seal(forge.lines())
    assert check(whole[:-65] + whole[-65:].upper())["verdict"] == "malformed"


def test_a_damaged_file_is_malformed(check: Check, forge: Forge) -> None:
    whole = seal(forge.lines())
    answer = check(whole[:-65] + b"0" * 64 + b"\n")
    assert (answer["verdict"], answer["trust"], answer.failed) == ("malformed", None, {"form"})


# ---- files that can be read and are wrong


def test_an_entry_that_was_changed_breaks_the_tree(check: Check, forge: Forge) -> None:
    lines = forge.lines()
    lines[4] = b"E " + forge.raw[2].replace(b"success", b"failure")
    answer = check(seal(lines))
    assert answer.failed == {"chain", "tree", "sources"}
    assert answer["first_broken"]["check"] == "chain"
    assert answer["first_broken"]["where"] == "line 6"


def test_an_entry_that_was_removed_is_missed(check: Check, forge: Forge) -> None:
    lines = forge.lines()
    answer = check(seal([*lines[:4], *lines[5:]]))
    assert answer["first_broken"]["check"] == "place"
    assert answer.failed == {"place", "chain", "tree", "sources"}


def test_entries_that_were_swapped_are_out_of_place(check: Check, forge: Forge) -> None:
    lines = forge.lines()
    lines[3], lines[4] = lines[4], lines[3]
    assert {"place", "chain", "tree", "time"} <= check(seal(lines)).failed


def test_an_entry_that_is_repeated_is_out_of_place(check: Check, forge: Forge) -> None:
    lines = forge.lines()
    lines.insert(4, lines[3])
    assert {"place", "chain", "tree"} <= check(seal(lines)).failed


def test_a_subtree_off_its_place_breaks_the_tree(check: Check, forge: Forge) -> None:
    lines = forge.lines()
    lines[3:5] = [forge.subtree(1, 1)]
    assert check(seal(lines)).failed == {"tree"}


def test_subtrees_off_their_place_never_pile_up(check: Check, forge: Forge) -> None:
    lines = [*forge.lines()[:2], *[GOOD_N, "N 1 " + b64(bytes(32))] * 500, forge.lines()[-1]]
    assert check(seal(lines)).failed == {"tree"}


def test_a_subtree_with_another_hash_breaks_the_tree(check: Check, forge: Forge) -> None:
    lines = partial(forge)
    lines[2] = "N 2 " + b64(bytes(32))
    assert check(seal(lines)).failed == {"tree"}


@pytest.mark.parametrize("size", [0, 7, 9, 2**53 - 1])
def test_a_checkpoint_of_another_size_breaks_the_tree(check: Check, forge: Forge, size: int) -> None:
    text = forge.checkpoint_text().replace("\n8\n", f"\n{size}\n")
    assert check(seal(replace(-1, note_line("C", text + "\n" + LOG.line(text)))(forge.lines()))).failed == {"tree"}


def test_sizes_and_positions_beyond_2_53_are_malformed(check: Check, forge: Forge) -> None:
    text = forge.checkpoint_text().replace("\n8\n", f"\n{2**53}\n")
    assert (
        check(seal(replace(-1, note_line("C", text + "\n" + LOG.line(text)))(forge.lines())))["verdict"] == "malformed"
    )
    lines = forge.lines()
    lines[2:2] = [f"N 52 {b64(bytes(32))}"] * 2
    answer = check(seal(lines))
    assert (answer["verdict"], answer["first_broken"]["where"]) == ("malformed", "line 4")


def test_a_checkpoint_with_another_root_breaks_the_tree(check: Check, forge: Forge) -> None:
    text = f"{ORIGIN}\n8\n{b64(bytes(32))}\n"
    assert check(seal(replace(-1, note_line("C", text + "\n" + LOG.line(text)))(forge.lines()))).failed == {"tree"}


def test_a_checkpoint_of_another_log_is_out_of_place(check: Check, forge: Forge) -> None:
    text = forge.checkpoint_text(origin="example.org/other")
    assert check(seal(replace(-1, note_line("C", text + "\n" + LOG.line(text)))(forge.lines()))).failed == {"place"}


def signed_with(forge: Forge, *signatures: str) -> bytes:
    return seal(replace(-1, note_line("C", forge.checkpoint(None, signatures)))(forge.lines()))


def test_a_bad_signature_by_a_known_key_rejects_the_checkpoint(check: Check, forge: Forge) -> None:
    text = forge.checkpoint_text()
    assert check(signed_with(forge, LOG.line(text, damage=True))).failed == {"signatures"}
    assert check(signed_with(forge, LOG.line(text), LOG.line(text, damage=True))).failed == {"signatures"}
    assert check(signed_with(forge, LOG.line(text, damage=True), LOG.line(text))).failed == {"signatures"}
    assert check(signed_with(forge, LOG.line(forge.checkpoint_text(7)))).failed == {"signatures"}


def test_a_known_key_with_a_signature_of_another_length_rejects_the_checkpoint(check: Check, forge: Forge) -> None:
    short = f"— {LOG.name} {b64(LOG.id + b'x')}\n"
    assert check(signed_with(forge, LOG.line(forge.checkpoint_text()), short)).failed == {"signatures"}


def test_a_checkpoint_without_the_logs_signature_fails(check: Check, forge: Forge) -> None:
    assert check(signed_with(forge, STRANGER.line(forge.checkpoint_text()))).failed == {"signatures"}


def test_a_bad_cosignature_of_a_known_cosigner_fails(check: Check, forge: Forge) -> None:
    text, keys = forge.checkpoint_text(), [f"cosigner {WITNESS.vkey} from 0"]
    bad = (WITNESS.line(text, 5), WITNESS.line(text, 6, damage=True))
    assert check(cosigned(forge, keys, signatures=bad)).failed == {"cosignatures"}
    other_time = WITNESS.line(text, 5).split(" ")[2]
    raw = bytearray(base64.b64decode(other_time))
    raw[11] ^= 1
    assert check(cosigned(forge, keys, signatures=(f"— {WITNESS.name} {b64(bytes(raw))}\n",))).failed == {
        "cosignatures"
    }


def test_a_cosigners_plain_signature_is_not_a_cosignature(check: Check, forge: Forge) -> None:
    text, keys = forge.checkpoint_text(), [f"cosigner {WITNESS.vkey} from 0"]
    plain = f"— {WITNESS.name} {b64(WITNESS.id + WITNESS.private.sign(text.encode()))}\n"
    assert check(cosigned(forge, keys, signatures=(plain,))).failed == {"cosignatures"}


def test_a_keys_note_that_the_root_did_not_sign_does_not_count(check: Check, forge: Forge) -> None:
    answer = check(seal(replace(1, keys_line(forge.keys_text(), STRANGER))([*forge.lines()])))
    assert answer.failed == {"keys"}
    assert answer.states["signatures"] == "not_made"
    assert answer["verdict"] == "failed"


def test_a_keys_note_with_a_bad_signature_of_the_root_fails(check: Check, forge: Forge) -> None:
    assert check(seal(replace(1, keys_line(forge.keys_text(), damage=True))(forge.lines()))).failed == {"keys"}


def test_a_keys_note_of_another_log_fails(check: Check, forge: Forge) -> None:
    other = Signer("example.org/other")
    text = forge.keys_text(lines=[f"log {other.vkey} from 0"]).replace(ORIGIN, "example.org/other", 1)
    for root in (ROOT.vkey, None):
        assert check(seal(replace(1, keys_line(text))(forge.lines())), root=root).failed == {"keys"}


def test_a_keys_note_of_another_genesis_fails(check: Check, forge: Forge) -> None:
    lines = replace(1, keys_line(forge.keys_text(genesis="ab" * 32)))(forge.lines())
    assert check(seal(lines)).failed == {"keys"}
    assert check(seal(lines), root=None).failed == {"keys"}
    lines = replace(1, keys_line(forge.keys_text(genesis="ab" * 32)))(partial(forge))
    assert check(seal(lines), genesis=forge.genesis).failed == {"keys"}


def test_no_keys_note_is_never_verified(check: Check, forge: Forge) -> None:
    lines = [line for line in forge.lines() if not str(line).startswith("K ")]
    assert check(seal(lines)).failed == {"keys"}
    answer = check(seal(lines), root=None)
    assert (answer["verdict"], answer.failed, answer["first_broken"]["check"]) == ("failed", set(), "signatures")


def test_another_origin_than_the_pinned_one_fails(check: Check, forge: Forge) -> None:
    assert check(seal(forge.lines()), origin="example.org/other").failed == {"place"}
    lines = replace(0, "H muniment-bundle/1 example.org/other")(forge.lines())
    assert {"place", "keys"} <= check(seal(lines)).failed


def test_another_genesis_than_the_pinned_one_fails(check: Check, forge: Forge) -> None:
    assert check(seal(forge.lines()), genesis="00" * 32).failed == {"genesis", "keys"}


def test_a_log_that_does_not_contain_the_pinned_checkpoint_fails(check: Check, forge: Forge) -> None:
    other = Forge()
    other.add_genesis()
    for _ in range(9):
        other.add(event(99))
    for size in (3, 8, 10):
        assert check(seal(forge.lines()), checkpoint=other.checkpoint(size).encode()).failed == {"pin"}
    elsewhere = forge.checkpoint().replace(ORIGIN, "example.org/other").encode()
    answer = check(seal(forge.lines()), checkpoint=elsewhere)
    assert (answer.failed, answer.states["pin"]) == ({"place"}, "not_made")


def test_a_log_that_is_smaller_than_the_pinned_checkpoint_fails(check: Check, forge: Forge) -> None:
    pinned = forge.checkpoint().encode()
    lines = forge.lines()[:6]
    answer = check(seal([*lines, note_line("C", forge.checkpoint(4))]), checkpoint=pinned)
    assert answer.failed == {"pin"}


@pytest.mark.parametrize("changed", [b"\0" * 32 + b'{"a":1}', b'{"a":1}' + b"\0" * 32, b"\0" * 32])
def test_a_body_that_is_not_the_committed_one_fails(check: Check, forge: Forge, changed: bytes) -> None:
    forge.bodies[4] = changed
    assert check(seal(forge.lines())).failed == {"bodies"}


def test_a_body_of_another_length_than_committed_fails(check: Check) -> None:
    forge = Forge()
    forge.add_genesis()
    forge.add_with_body(len=8)
    assert check(seal(forge.lines())).failed == {"bodies"}


def test_a_body_for_an_entry_that_has_none_fails(check: Check, forge: Forge) -> None:
    assert check(seal(insert(3, GOOD_B)(forge.lines()))).failed == {"bodies"}


def test_an_empty_body_may_be_disclosed(check: Check) -> None:
    forge = Forge()
    forge.add_genesis()
    forge.add_with_body(b"")
    assert check(seal(forge.lines())).states["bodies"] == "passed"


def test_a_time_that_decreases_fails(check: Check) -> None:
    def back(seq: int, entry: dict[str, Any]) -> None:
        if seq == 5:
            entry["recorded_at"] = "2026-03-01T11:59:59.999999Z"

    forge = sample(change=back)
    assert check(seal(forge.lines())).failed == {"time"}
    assert check(seal(partial(forge))).failed == {"time"}


def test_a_link_to_another_entry_fails_the_chain_alone(check: Check) -> None:
    forge = sample(change=lambda seq, entry: entry.update(prev="ab" * 32) if seq == 5 else None)
    assert check(seal(forge.lines())).failed == {"chain"}


def test_a_first_entry_with_a_link_fails_the_chain(check: Check) -> None:
    forge = sample(change=lambda seq, entry: entry.update(prev="ab" * 32) if seq == 0 else None)
    assert check(seal(forge.lines())).failed == {"chain", "genesis"}


@pytest.mark.parametrize(("fields", "gap"), [
    ({"seq": 2}, True), ({"seq": 0, "prev": ZERO}, True), ({"prev": "ab" * 32}, False)])  # fmt: skip
def test_a_source_that_skips_repeats_or_does_not_link_fails(check: Check, fields: dict[str, Any], gap: bool) -> None:
    forge = Forge()
    forge.add_genesis()
    forge.add_numbered()
    forge.add_numbered(**fields)
    answer = check(seal(forge.lines()))
    assert answer.failed == {"sources"}
    assert bool(answer["gaps"]) == gap


@pytest.mark.parametrize("fields", [{"seq": 1}, {"prev": "ab" * 32}])
def test_a_source_whose_first_event_is_missing_or_links_fails(check: Check, fields: dict[str, Any]) -> None:
    forge = Forge()
    forge.add_genesis()
    forge.add_numbered(**fields)
    assert check(seal(forge.lines())).failed == {"sources"}


def test_a_new_epoch_begins_again(check: Check, forge: Forge) -> None:
    forge.numbered.clear()
    forge.add_numbered(epoch="ff" * 16)
    assert check(seal(forge.lines())).states["sources"] == "passed"


def test_a_gap_that_a_subtree_may_fill_is_not_made(check: Check, forge: Forge) -> None:
    lines = forge.lines()
    lines[4] = forge.subtree(0, 2)
    answer = check(seal(lines))
    assert (answer["verdict"], answer.states["sources"]) == ("verified", "not_made")


# ---- entries whose hash is right and whose form is not


def on_third(change: Callable[[dict[str, Any]], Any]) -> Callable[[int, dict[str, Any]], None]:
    def apply(seq: int, entry: dict[str, Any]) -> None:
        if seq == 3:
            change(entry)

    return apply


ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
TOO_MANY = sorted(f"a:{letter}" for letter in "abcdefghijklmnopq")
FINDINGS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "an unknown key": lambda e: e.update(extra="x"),
    "an unknown key in the event": lambda e: e["event"].update(extra="x"),
    "an unknown key in the actor": lambda e: e["event"]["actor"].update(extra="x"),
    "no by": lambda e: e.pop("by"),
    "no map": lambda e: e.pop("map"),
    "no action": lambda e: e["event"].pop("action"),
    "an event that is a string": lambda e: e.update(event="x"),
    "a by without a kind": lambda e: e.update(by="ak_1"),
    "a by with a newline": lambda e: e.update(by="key:a\n"),
    "a by of 129 bytes": lambda e: e.update(by="key:" + "a" * 125),
    "a map in capitals": lambda e: e.update(map="A"),
    "a map of 65 bytes": lambda e: e.update(map="a" * 65),
    "an action of one word": lambda e: e["event"].update(action="call"),
    "an action of 65 bytes": lambda e: e["event"].update(action="a." + "b" * 63),
    "an actor of another type": lambda e: e["event"].update(actor={"id": "a", "type": "robot"}),
    "an actor with an empty id": lambda e: e["event"].update(actor={"id": "", "type": "agent"}),
    "an actor with a control character": lambda e: e["event"].update(actor={"id": "a\x85", "type": "agent"}),
    "an actor with an escaped control character": lambda e: e["event"].update(actor={"id": "a\x01", "type": "agent"}),
    "an actor of 257 bytes": lambda e: e["event"].update(actor={"id": "é" * 128 + "a", "type": "agent"}),
    "an id in small letters": lambda e: e["event"].update(id="evt_" + ULID.lower()),
    "an id beyond 128 bits": lambda e: e["event"].update(id="evt_8" + ULID[1:]),
    "an id with a letter outside the alphabet": lambda e: e["event"].update(id="evt_" + ULID[:-1] + "U"),
    "a date that does not exist": lambda e: e["event"].update(occurred_at="2026-02-29T00:00:00.000000000Z"),
    "a leap second": lambda e: e["event"].update(occurred_at="2026-06-30T23:59:60.000000000Z"),
    "the hour 24": lambda e: e["event"].update(occurred_at="2026-06-30T24:00:00.000000000Z"),
    "the year 1969": lambda e: e["event"].update(occurred_at="1969-12-31T23:59:59.999999999Z"),
    "the year 2262": lambda e: e["event"].update(occurred_at="2262-01-01T00:00:00.000000000Z"),
    "eight digits of a second": lambda e: e["event"].update(occurred_at="2026-06-30T23:59:59.00000000Z"),
    "an unknown outcome": lambda e: e["event"].update(outcome="fine"),
    "controls that are empty": lambda e: e.update(controls=[]),
    "controls out of order": lambda e: e.update(controls=["b:1", "a:1"]),
    "controls twice": lambda e: e.update(controls=["a:1", "a:1"]),
    "controls of a wrong form": lambda e: e.update(controls=["A:1"]),
    "controls that are numbers": lambda e: e.update(controls=[1]),
    "seventeen controls": lambda e: e.update(controls=TOO_MANY),
    "a control of 65 bytes": lambda e: e.update(controls=["a:" + "b" * 63]),
    "an event's control that the entry leaves out": lambda e: (
        e["event"].update(controls=["a:1"]), e.update(controls=["b:1"])),
    "a cause without a source": lambda e: e["event"].update(causes=[f"evt_{ULID}"]),
    "a label without a value": lambda e: e["event"].update(labels=["a="]),
    "a label with a name of 64": lambda e: e["event"].update(labels=["a" * 64 + "=b"]),
    "a label with a value of 257": lambda e: e["event"].update(labels=["a=" + "b" * 257]),
    "a label that is not ASCII": lambda e: e["event"].update(labels=["a=é"]),
    "thirty-three labels": lambda e: e["event"].update(labels=[f"a{i:02d}=b" for i in range(33)]),
    "a body with another scheme": lambda e: e["event"].update(body=body_field(b"", b"") | {"scheme": 2}),
    "a body with a media parameter": lambda e: e["event"].update(body=body_field(b"", b"") | {"type": "a/b;c=d"}),
    "a body without a length": lambda e: e["event"].update(body={"commit": ZERO, "scheme": 1, "type": "a/b"}),
    "a resource of type in capitals": lambda e: e["event"].update(resource={"id": "x", "type": "Log"}),
    "a resource of 1,025 bytes": lambda e: e["event"].update(resource={"id": "x" * 1025, "type": "log"}),
    "a tool of 257 bytes": lambda e: e["event"].update(tool="x" * 257),
    "an empty tool": lambda e: e["event"].update(tool=""),
    "a trace in capitals": lambda e: e["event"].update(trace={"id": "AB" * 16}),
    "a span of 15": lambda e: e["event"].update(trace={"id": "ab" * 16, "span": "a" * 15}),
    "a workspace with a slash": lambda e: e["event"].update(workspace="a/b"),
    "a workspace with a final newline": lambda e: e["event"].update(workspace="a\n"),
}  # fmt: skip


@pytest.mark.parametrize("finding", FINDINGS, ids=str)
def test_an_entry_against_the_table_is_a_finding_and_no_broken_chain(check: Check, finding: str) -> None:
    forge = sample(change=on_third(FINDINGS[finding]))
    forge.raw, forge.numbered = forge.raw[:4], {}
    forge.change = lambda seq, entry: None
    answer = check(seal(forge.lines()))
    assert answer.failed - {"sources"} == {"entries"}
    assert answer["verdict"] == "failed"
    assert "(finding)" in answer.reason("entries")


SOURCES: dict[str, dict[str, Any]] = {
    "an epoch alone": {"id": SOURCE, "epoch": EPOCH},
    "a number without an epoch": {"id": SOURCE, "prev": ZERO, "seq": 0},
    "an epoch of 31": {"id": SOURCE, "epoch": EPOCH[1:], "prev": ZERO, "seq": 0},
    "a negative number": {"id": SOURCE, "epoch": EPOCH, "prev": ZERO, "seq": -1},
    "a number that is text": {"id": SOURCE, "epoch": EPOCH, "prev": ZERO, "seq": "0"},
    "another id": {"id": "x"},
}


@pytest.mark.parametrize("case", SOURCES, ids=str)
def test_a_source_against_the_table_is_a_finding(check: Check, case: str) -> None:
    forge = Forge()
    forge.add_genesis()
    forge.add(event(1, source=SOURCES[case]))
    assert check(seal(forge.lines())).failed == {"entries"}


BYTES: dict[str, Callable[[bytes], bytes]] = {
    "a space": lambda raw: raw.replace(b'"v":3', b'"v": 3'),
    "a key out of order": lambda raw: raw.replace(b',"v":3}', b"}").replace(b"{", b'{"v":3,', 1),
    "an escaped slash": lambda raw: raw.replace(b"example.org/", b"example.org\\/"),
    "an escaped letter": lambda raw: raw.replace(b"agent-", b"agent\\u002d"),
    "an accent escaped": lambda raw: raw.replace("é".encode(), b"\\u00e9"),
}


@pytest.mark.parametrize("case", BYTES, ids=str)
def test_an_entry_that_is_not_canonical_is_a_finding_and_no_broken_chain(check: Check, case: str) -> None:
    forge = sample(damage=lambda seq, raw: BYTES[case](raw) if seq == 3 else raw)
    assert forge.raw[3] != canonical(json.loads(forge.raw[3]))
    answer = check(seal(forge.lines()))
    assert answer.failed == {"entries"}
    assert "canonical" in answer.reason("entries")


UNREADABLE_ENTRIES: dict[str, Callable[[bytes], bytes]] = {
    "a key twice": lambda raw: raw.replace(b"{", b'{"v":3,', 1),
    "a key twice after unescaping": lambda raw: raw.replace(b"{", b'{"\\u0076":3,', 1),
    "version 4": lambda raw: raw.replace(b'"v":3', b'"v":4'),
    "version 3.0": lambda raw: raw.replace(b'"v":3', b'"v":3.0'),
    "version true": lambda raw: raw.replace(b'"v":3', b'"v":true'),
    "version 3 as text": lambda raw: raw.replace(b'"v":3', b'"v":"3"'),
    "no version": lambda raw: raw.replace(b',"v":3', b""),
    "null": lambda raw: raw.replace(b'"seq":3', b'"seq":null'),
    "an exponent": lambda raw: raw.replace(b'"seq":3', b'"seq":3e0'),
    "minus zero": lambda raw: raw.replace(b'"seq":3', b'"seq":-0'),
    "an integer of 2^53": lambda raw: raw.replace(b'"seq":3', b'"seq":9007199254740992'),
    "an integer of 5,000 digits": lambda raw: raw.replace(b'"seq":3', b'"seq":' + b"9" * 5000),
    "NaN": lambda raw: raw.replace(b'"seq":3', b'"seq":NaN'),
    "a lone surrogate": lambda raw: raw.replace(b"agent-", b"agent\\ud800"),
    "a NUL": lambda raw: raw.replace(b"agent-", b"agent\\u0000"),
    "bad UTF-8": lambda raw: raw.replace(b"agent-", b"agent\xff"),
    "a surrogate in UTF-8": lambda raw: raw.replace(b"agent-", b"agent\xed\xa0\x80"),
    "a byte-order mark": lambda raw: b"\xef\xbb\xbf" + raw,
    "a space before": lambda raw: b" " + raw,
    "a space after": lambda raw: raw + b" ",
    "a second object": lambda raw: raw + b"{}",
    "nothing": lambda raw: b"",
    "an array": lambda raw: b"[]",
    "65,536 bytes": lambda raw: raw.replace(b"agent-", b"agent-" + b"x" * (65_536 - len(raw))),
    "deep nesting": lambda raw: raw.replace(b'"seq":3', b'"seq":' + b"[" * 6 + b"]" * 6),
    "very deep nesting": lambda raw: raw.replace(b'"seq":3', b'"seq":' + b"[" * 30_000 + b"]" * 30_000),
    "deep nesting that is never closed": lambda raw: b'{"a":' + b"[" * 60_000 + b"}",
}


@pytest.mark.parametrize("case", UNREADABLE_ENTRIES, ids=str)
def test_an_entry_that_cannot_be_read_fails_even_with_the_right_hash(check: Check, case: str) -> None:
    forge = sample(damage=lambda seq, raw: UNREADABLE_ENTRIES[case](raw) if seq == 3 else raw)
    answer = check(seal(forge.lines()))
    assert answer["verdict"] == "failed"
    assert answer.failed == {"entries"}
    assert "(finding)" not in answer.reason("entries")
    assert {answer.states[name] for name in ("place", "chain", "time")} == {"not_made"}


def test_an_entry_of_exactly_65_535_bytes_is_read(check: Check, forge: Forge) -> None:
    length = len(forge.raw[7])
    forge.raw[7] = forge.raw[7].replace(b"agent-", b"agent-" + b"x" * (65_535 - length))
    answer = check(seal(forge.lines()))
    assert "actor.id is longer than 256 bytes" in answer.reason("entries")


@pytest.mark.parametrize(("change", "failed"), [
    ({"log": "example.org/other"}, {"place"}), ({"log": 5}, {"place", "entries"}), ({"seq": 4}, {"place"}),
    ({"seq": "3"}, {"place", "entries"}), ({"prev": 5}, {"chain", "entries"}), ({"prev": None}, {"chain", "entries"}),
    ({"recorded_at": "2026-03-01T12:00:03.00000Z"}, {"time", "entries"}),
    ({"recorded_at": "2026-02-30T12:00:03.000000Z"}, {"time", "entries"})])  # fmt: skip
def test_an_entry_out_of_place_link_or_time_fails_those_checks(
    check: Check, change: dict[str, Any], failed: set[str]
) -> None:
    forge = sample(change=on_third(lambda entry: entry.update(change)))
    assert check(seal(forge.lines())).failed == failed


# ---- the command


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-I", str(mv.__file__), *arguments],
                          capture_output=True, text=True, timeout=60, env={"LC_ALL": "C"}, check=False)  # fmt: skip


def test_the_command_answers_in_words_and_in_json(tmp_path: Path, forge: Forge) -> None:
    path = tmp_path / "bundle"
    path.write_bytes(seal(forge.lines()))
    plain = command(str(path))
    assert plain.returncode == 0
    assert "self-attested only" in plain.stdout.split("\n")[0]
    rooted = command(str(path), "--root", ROOT.vkey, "--genesis", forge.genesis, "--origin", ORIGIN, "--json")
    assert (rooted.returncode, json.loads(rooted.stdout)["trust"]) == (0, "pinned")
    quiet = command(str(path), "--root", ROOT.vkey, "--quiet")
    assert quiet.stdout == "VERIFIED against what you pinned\n"
    path.write_bytes(seal(replace(0, "H muniment-bundle/1 example.org/other")(forge.lines())))
    wrong = command(str(path))
    assert wrong.returncode == 1
    assert "First broken: keys, at line 2" in wrong.stdout
    path.write_bytes(b"\xff\xfe\n")
    assert command(str(path)).returncode == 2


def test_a_kept_checkpoint_may_be_the_bare_three_lines(tmp_path: Path, forge: Forge) -> None:
    (tmp_path / "bundle").write_bytes(seal(forge.lines()))
    (tmp_path / "pinned").write_text(forge.checkpoint_text())
    answer = command(str(tmp_path / "bundle"), "--checkpoint", str(tmp_path / "pinned"), "--json")
    assert json.loads(answer.stdout)["trust"] == "pinned"


@pytest.mark.parametrize("arguments", [
    [], ["b", "--genesis", "00"], ["b", "--root", "x"], ["b", "--root", WITNESS.vkey], ["b", "--origin", "A B"],
    ["b", "--checkpoint", "/nowhere"], ["/nowhere"], ["/"], ["https://[::"],
    ["http://127.0.0.1:1/logs/a"]])  # fmt: skip
def test_wrong_usage_ends_with_2_and_no_traceback(arguments: list[str]) -> None:
    done = command(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_the_forge_and_the_verifier_agree_on_the_tree(forge: Forge) -> None:
    fold = mv.Fold()
    for count, leaf in enumerate(forge.leaves, 1):
        fold.push(0, leaf)
        assert fold.root() == tree_root(forge.leaves[:count])
