"""Known logs: what a machine remembers, and what it will not let pass any more."""

from __future__ import annotations

import io
import json
import multiprocessing
from dataclasses import replace
from pathlib import Path

import pytest

from muniment.core.errors import Refused
from muniment.keys.notes import verifier_of
from muniment.verifier.bundle import check_bundle
from muniment.verifier.checker import LogChecker
from muniment.verifier.knownlog import MalformedKnownLog
from muniment.verifier.knownlogs import KnownLogs, Learned
from muniment.verifier.pins import MalformedPin, Pins
from muniment.verifier.report import Report
from tests.verifier.logbook import ORIGIN, Logbook
from tests.verifier.test_bundle_attacks import rewritten

NOW = 1_772_374_999_000_000


@pytest.fixture
def known(tmp_path: Path) -> KnownLogs:
    return KnownLogs(tmp_path / "known-logs")


def verify(known: KnownLogs, data: bytes, pins: Pins | None = None, *, live: bool = False) -> tuple[Learned, Report]:
    checker, report = check(known, data, pins, live=live)
    return known.learn(checker, report, NOW), report


def check(known: KnownLogs, data: bytes, pins: Pins | None = None, *, live: bool = False) -> tuple[LogChecker, Report]:
    given = pins or Pins()
    return check_bundle(io.BytesIO(data), lambda origin: given.merged(known.pins(origin, live=live)), workers=1)


def test_the_first_verification_is_reported_as_first_use(known: KnownLogs, log: Logbook) -> None:
    assert verify(known, log.bundle())[0] == "first use"
    (met,) = known.all()
    assert (met.origin, met.checkpoint.size, met.root) == (ORIGIN, 23, None)
    assert met.note == log.checkpoints[23]


def test_a_log_that_grew_advances_only_with_a_proof(known: KnownLogs, log: Logbook) -> None:
    verify(known, log.bundle())
    log.append(4)
    log.seal()
    log.checkpoints = {27: log.checkpoints[27]}
    assert verify(known, log.bundle(show=[26]))[0] == "unproven"
    assert known.all()[0].checkpoint.size == 23
    assert verify(known, log.bundle(show=[26], boundaries=[23]))[0] == "advanced"
    assert known.all()[0].checkpoint.size == 27


def test_the_same_state_changes_nothing(known: KnownLogs, log: Logbook) -> None:
    verify(known, log.bundle())
    assert verify(known, log.bundle())[0] == "unchanged"


def test_an_older_file_is_behind_and_no_failure(known: KnownLogs, log: Logbook) -> None:
    verify(known, log.bundle())
    log.checkpoints = {5: log.checkpoints[5]}
    learned, report = verify(known, log.bundle())
    assert (learned, report.verdict, report.check("pin").state) == ("behind", "verified", "not_made")
    assert known.all()[0].checkpoint.size == 23


def test_a_live_log_that_is_behind_fails(known: KnownLogs, log: Logbook) -> None:
    verify(known, log.bundle())
    log.checkpoints = {5: log.checkpoints[5]}
    learned, report = verify(known, log.bundle(), live=True)
    assert report.failed == ("pin",)
    assert learned == "nothing"
    assert known.all()[0].checkpoint.size == 23


def test_a_rewritten_history_is_found_out_without_any_pin_and_kept_as_evidence(known: KnownLogs, log: Logbook) -> None:
    verify(known, log.bundle())
    other = rewritten(log)
    other.append(5, numbered=False)
    other.seal()
    learned, report = verify(known, other.bundle())
    assert learned == "fork"
    assert "pin" in report.failed
    (directory,) = known.evidence()
    notes = {path.name: path.read_bytes() for path in directory.iterdir()}
    assert notes == {"known-23.note": log.checkpoints[23], "offered-28.note": other.checkpoints[28]}
    assert known.all()[0].note == log.checkpoints[23]


def test_a_log_with_another_entry_0_does_not_become_a_second_known_log(known: KnownLogs, log: Logbook) -> None:
    verify(known, log.bundle())
    other = Logbook()
    other.add(replace(other.creation(), labels=(*other.creation().labels[:2], "log.tenant=tnt_2")))
    other.append(30)
    other.seal()
    learned, report = verify(known, other.bundle())
    assert learned == "fork"
    assert {"genesis", "pin"} <= set(report.failed)
    assert len(known.all()) == 1


def test_damage_is_no_fork(known: KnownLogs, log: Logbook) -> None:
    verify(known, log.bundle())
    damaged = log.bundle().replace(b"wks-prod-01", b"wks-prod-02", 1)
    assert verify(known, damaged)[0] == "nothing"
    assert known.evidence() == []


def test_without_a_root_the_log_key_is_remembered_as_ssh_remembers_a_host(known: KnownLogs, log: Logbook) -> None:
    verify(known, log.bundle())
    mallory = Logbook(seed="mallory")
    mallory.texts, mallory.bodies, mallory.last = list(log.texts), log.bodies, dict(log.last)
    mallory.append(2)
    mallory.seal()
    learned, report = verify(known, mallory.bundle(boundaries=[23]))
    assert report.failed == ("signatures",)
    assert learned == "nothing"
    log.append(2)
    log.seal()
    assert verify(known, log.bundle())[1].trust == "pinned"


def test_a_root_that_was_pinned_once_is_remembered(known: KnownLogs, log: Logbook) -> None:
    verify(known, log.bundle(), Pins(root=verifier_of(log.root)))
    _, report = verify(known, log.bundle())
    assert (report.trust, report.check("keys").state) == ("pinned", "passed")
    assert "known logs" in report.trust_reason


def test_another_root_than_the_known_one_is_a_contradiction_to_be_solved_first(known: KnownLogs, log: Logbook) -> None:
    verify(known, log.bundle(), Pins(root=verifier_of(log.root)))
    with pytest.raises(MalformedPin, match="known-logs"):
        check(known, log.bundle(), Pins(root=replace(verifier_of(log.root), public_key=b"\5" * 32)))


def test_what_does_not_verify_is_never_learnt(known: KnownLogs, log: Logbook) -> None:
    assert verify(known, log.bundle().replace(b"wks-prod-01", b"wks-prod-02", 1))[0] == "nothing"
    assert verify(known, b"nonsense")[0] == "nothing"
    assert known.all() == []


def test_a_human_can_accept_another_history_and_the_old_one_is_retired(known: KnownLogs, log: Logbook) -> None:
    verify(known, log.bundle())
    pins = Pins(known=known.all()[0].checkpoint, known_fails=False)
    book = Logbook()
    book.add(replace(book.creation(), labels=(*book.creation().labels[:2], "log.tenant=tnt_2")))
    book.append(30)
    book.seal()
    checker, report = check_bundle(io.BytesIO(book.bundle()), lambda _: pins, workers=1)
    known.accept(checker, report, NOW)
    current, retired = known.all()
    assert (current.retired, retired.retired) == (False, True)
    assert current.checkpoint.size == 31
    assert verify(known, book.bundle())[0] == "unchanged"
    assert known.evidence()


def test_a_log_that_continues_the_known_one_is_nothing_to_accept(known: KnownLogs, log: Logbook) -> None:
    verify(known, log.bundle())
    checker, report = check(known, log.bundle())
    with pytest.raises(Refused):
        known.accept(checker, report, NOW)


def test_what_does_not_verify_is_not_accepted(known: KnownLogs, log: Logbook) -> None:
    verify(known, log.bundle())
    checker, report = check(known, log.bundle().replace(b"wks-prod-01", b"wks-prod-02", 1))
    with pytest.raises(Refused):
        known.accept(checker, report, NOW)


def test_a_forgotten_log_is_learnt_anew(known: KnownLogs, log: Logbook) -> None:
    verify(known, log.bundle())
    assert known.forget(ORIGIN) == 1
    assert verify(known, log.bundle())[0] == "first use"


def test_a_damaged_file_is_an_error_and_not_an_unknown_log(known: KnownLogs, log: Logbook) -> None:
    verify(known, log.bundle())
    (path,) = known.directory.glob("*.json")
    value = json.loads(path.read_text())
    path.write_text(json.dumps(value | {"size": -1}))
    with pytest.raises(MalformedKnownLog):
        known.get(ORIGIN)


def test_files_are_for_their_owner_only(known: KnownLogs, log: Logbook) -> None:
    verify(known, log.bundle())
    (path,) = known.directory.glob("*.json")
    assert path.stat().st_mode & 0o777 == 0o600
    assert known.directory.stat().st_mode & 0o777 == 0o700


def _learn(directory: Path, size: int) -> None:
    book = Logbook()
    book.append(5)
    for _ in range(5, size):
        book.append(1)
    book.seal()
    known = KnownLogs(directory)
    for _ in range(3):
        verify(known, book.bundle(boundaries=range(5, size)))


def test_processes_at_the_same_time_never_lower_what_is_known(known: KnownLogs) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_learn, args=(known.directory, size)) for size in (9, 14, 12)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    _learn(known.directory, 14)
    assert known.all()[0].checkpoint.size == 14
