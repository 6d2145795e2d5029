"""`muniment verify` and `muniment known-logs` as a person or a script calls them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from muniment.cli import knownlogs, verify
from muniment.core.entry import entry_hash
from muniment.keys.notes import verifier_of
from muniment.verifier.report import CHECK_NAMES
from tests.verifier.logbook import ORIGIN, Logbook, closed, opened, signer
from tests.verifier.test_bundle_attacks import rewritten


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUNIMENT_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("MUNIMENT_PIN", raising=False)
    monkeypatch.delenv("MUNIMENT_KEY", raising=False)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(verify.command, [str(argument) for argument in arguments])


def edited(log: Logbook) -> bytes:
    """Its bundle with one letter changed, and the closing digest mended."""
    return closed(opened(log.bundle().replace(b"wks-prod-01", b"wks-prod-02", 1)))


def known(*arguments: str | Path, answer: str = "") -> Result:
    return CliRunner().invoke(knownlogs.command, [str(argument) for argument in arguments], input=answer)


@pytest.fixture
def file(tmp_path: Path, log: Logbook) -> Path:
    path = tmp_path / "evidence.bundle"
    path.write_bytes(log.bundle())
    return path


def test_a_first_look_says_self_attested_and_first_use(file: Path) -> None:
    result = run(file)
    assert result.exit_code == 0
    assert "Verified, self-attested only" in result.output
    assert "whoever wrote it chose them" in result.output
    assert "First use" in result.output
    assert "First use" not in run(file).output


def test_against_a_root_key_it_says_what_it_was_held_against(file: Path, log: Logbook) -> None:
    result = run(file, "--root", verifier_of(log.root).vkey, "--no-known-logs")
    assert result.exit_code == 0
    assert "held against the root key of your pins" in result.output
    assert "self-attested" not in result.output


def test_every_check_is_listed_in_order(file: Path) -> None:
    report = json.loads(run(file, "--json", "--no-known-logs").output)
    assert tuple(check["name"] for check in report["checks"]) == CHECK_NAMES
    assert (report["verdict"], report["trust"]) == ("verified", "self-attested")


def test_a_failure_names_the_first_broken_place(file: Path, log: Logbook) -> None:
    file.write_bytes(edited(log))
    result = run(file, "--no-known-logs")
    assert result.exit_code == 1
    assert "Not verified" in result.output
    assert "First broken place: entry 2 (chain)" in result.output
    assert "entry 1: one of the two was changed" in result.output


def test_a_damaged_file_is_malformed(file: Path, log: Logbook) -> None:
    file.write_bytes(log.bundle().replace(b"wks-prod-01", b"wks-prod-02", 1))
    result = run(file, "--no-known-logs")
    assert result.exit_code == 2
    assert "Malformed: " in result.output
    assert "changed or damaged" in result.output


def test_an_origin_can_be_pinned_and_a_pin_required(file: Path, log: Logbook) -> None:
    root = verifier_of(log.root).vkey
    assert run(file, "--no-known-logs", "--origin", ORIGIN).exit_code == 0
    assert run(file, "--no-known-logs", "--origin", ORIGIN, "--require-pin").exit_code == 1
    assert run(file, "--no-known-logs", "--root", root, "--require-pin").exit_code == 0
    other = run(file, "--origin", "log.example/other", "--json")
    assert other.exit_code == 1
    report = json.loads(other.output)
    assert (report["trust"], report["first_broken"]["check"]) == (None, "place")
    assert run(file, "--origin", "No").exit_code == 2


def test_pins_of_another_log_fail_the_place_and_are_no_evidence_of_a_fork(file: Path, tmp_path: Path) -> None:
    assert run(file).exit_code == 0
    result = run(file, "--origin", "log.example/other", "--genesis", "00" * 32)
    assert result.exit_code == 1
    assert "(place)" in result.output
    assert "Two histories" not in result.output
    assert not list((tmp_path / "state").rglob("evidence/*"))


def test_names_of_keys_do_nothing_to_a_terminal(tmp_path: Path) -> None:
    book = Logbook(region=signer("w\x9b2J\u202eitness", 4))
    book.append(3)
    book.seal()
    path = tmp_path / "evil.bundle"
    path.write_bytes(book.bundle())
    for more in ([], ["--json"]):
        result = run(path, "--no-known-logs", *more)
        assert result.exit_code == 0
        assert "itness" in result.output
        assert not {"\x9b", "\u202e"} & set(result.output)


def test_no_report_claims_what_cannot_be_known(file: Path) -> None:
    output = run(file).output.lower()
    for word in ("immutable", "tamper-proof", "guarantee", "provable", "authentic", "trustless"):
        assert word not in output


@pytest.mark.parametrize("data", [b"", b"hello\n", b"H muniment-bundle/2 x\n"])
def test_what_is_no_bundle_exits_with_2(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.bundle"
    path.write_bytes(data)
    result = run(path)
    assert result.exit_code == 2
    assert "Malformed" in result.output


def test_a_missing_file_and_a_bad_pin_are_usage_errors(file: Path, tmp_path: Path) -> None:
    assert run(tmp_path / "none").exit_code == 2
    assert run(file, "--root", "x").exit_code == 2
    assert run(file, "--genesis", "00").exit_code == 2
    assert run(file, "--pin", '{"orign":"x"}').exit_code == 2


def test_of_several_targets_the_worst_failure_decides(file: Path, tmp_path: Path, log: Logbook) -> None:
    other = tmp_path / "bad.bundle"
    other.write_bytes(edited(log))
    nonsense = tmp_path / "nonsense"
    nonsense.write_bytes(b"x")
    assert run(file, other, nonsense, "--no-known-logs").exit_code == 1
    assert run(file, nonsense, "--no-known-logs").exit_code == 2
    assert len(json.loads(run(file, other, "--json", "--no-known-logs").output)) == 2


def test_a_pin_can_be_a_file_inline_json_or_in_the_environment(
    file: Path, tmp_path: Path, log: Logbook, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin = json.dumps(
        {
            "origin": ORIGIN,
            "genesis": entry_hash(log.texts[0]).hex(),
            "root": verifier_of(log.root).vkey,
            "checkpoint": {"size": 5, "root": log.stack(5).root().hex()},
        }
    )
    path = tmp_path / "pin.json"
    path.write_text(pin)
    monkeypatch.setenv("MUNIMENT_STATE", str(tmp_path / "none"))
    for arguments in (["--pin", pin], ["--pin", str(path)]):
        assert "contains the pinned checkpoint of 5 entries" in run(file, "--no-known-logs", *arguments).output
    monkeypatch.setenv("MUNIMENT_PIN", str(path))
    assert "entry 0 is the pinned" in run(file, "--no-known-logs").output


def test_a_kept_checkpoint_note_can_be_pinned(file: Path, tmp_path: Path, log: Logbook) -> None:
    note = tmp_path / "seen.txt"
    note.write_bytes(log.checkpoints[16])
    assert "contains the pinned checkpoint of 16 entries" in run(file, "--checkpoint", note).output
    file.write_bytes(rewritten(log).bundle())
    result = run(file, "--checkpoint", note, "--no-known-logs")
    assert result.exit_code == 1
    assert "not those of the pinned checkpoint" in result.output


def test_a_rewritten_history_is_caught_without_anyone_setting_anything_up(file: Path, log: Logbook) -> None:
    run(file)
    file.write_bytes(rewritten(log).bundle())
    result = run(file)
    assert result.exit_code == 1
    assert "Two histories of one log" in result.output
    assert "evidence of two histories" in known("list").output


def test_a_database_without_the_server_parts_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    result = run("postgresql://u:secret@localhost/x")
    assert result.exit_code == 2
    assert "muniment[server]" in result.output
    assert "secret" not in result.output


def test_known_logs_can_be_listed_and_shown(file: Path) -> None:
    assert "No log is known yet" in known("list").output
    run(file)
    assert f"{ORIGIN}  23 entries" in known("list").output
    assert '"size": 23' in known("show", ORIGIN).output
    assert json.loads(known("list", "--json").output)[0]["origin"] == ORIGIN
    assert known("show", "x.example").exit_code == 2


def test_another_history_is_accepted_only_by_a_human_who_says_so(file: Path, log: Logbook) -> None:
    run(file)
    other = Logbook()
    other.append(1)
    other.append(29, numbered=False)
    other.seal()
    file.write_bytes(other.bundle())
    assert run(file).exit_code == 1
    refused = known("accept", file, answer="n\n")
    assert refused.exit_code == 1
    assert "nobody will notice" in refused.output
    assert run(file).exit_code == 1
    accepted = known("accept", file, answer="y\n")
    assert accepted.exit_code == 0, accepted.output
    assert run(file).exit_code == 0


def test_what_does_not_verify_is_not_accepted(file: Path, log: Logbook) -> None:
    run(file)
    file.write_bytes(edited(log))
    assert known("accept", file, "--yes").exit_code == 1


def test_a_log_is_forgotten_only_when_asked_twice(file: Path) -> None:
    run(file)
    assert known("forget", ORIGIN, answer="n\n").exit_code == 1
    assert ORIGIN in known("list").output
    assert known("forget", ORIGIN, "--yes").exit_code == 0
    assert "No log is known yet" in known("list").output
