"""The spool: on disk before `record` returns, chained, and whole after every kind of accident."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from muniment.agent.spools import backlog, epoch
from muniment.agent.spools.spool import Spool, SpoolFull
from muniment.agent.state import State
from muniment.core.body import check_body
from muniment.core.errors import Malformed, Refused
from muniment.core.identifiers import EVENT_REFERENCES
from muniment.core.times import MAX_TIME9
from tests.agent.reading_back import events, frames, labels, segments


def program(state: State, code: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh Python with this state directory; `spool` is open."""
    head = (
        "import os, sys, signal, resource\n"
        "from muniment.agent.spools.spool import Spool, SpoolFull\n"
        "spool = Spool('a')\n"
    )
    return subprocess.run(
        [sys.executable, "-c", head + textwrap.dedent(code)],
        env={**os.environ, "MUNIMENT_STATE": str(state.root)},
        capture_output=True,
        text=True,
        timeout=60,
        **options,  # type: ignore[call-overload]
    )


def test_an_event_is_in_the_file_when_record_returns(state: State) -> None:
    spool = Spool("a", state=state)
    reference = spool.record(action="tool.call", payload={"a": 1}, tool="t", outcome="success")
    (event,) = events(state)
    assert reference == f"{spool.source}/{event.id}"
    assert EVENT_REFERENCES.check(reference)
    assert (event.actor.id, event.actor.type, event.tool) == ("agent:a", "agent", "t")
    spool.close()


def test_events_are_numbered_and_linked(state: State) -> None:
    with Spool("a", state=state, segment_bytes=3_000) as spool:
        for number in range(50):
            spool.record(action="tool.call", payload=number)
    assert len(events(state)) == 50
    assert len(segments(state)) > 5


def test_causes_name_events_of_any_source(state: State) -> None:
    with Spool("a", state=state) as one, Spool("b", state=state) as two:
        first = one.record(action="agent.delegate")
        two.record(action="agent.start", causes=[first, first])
    assert [event.causes for event in events(state) if event.causes] == [(first,)]


def test_kill_9_loses_nothing_that_was_recorded(state: State) -> None:
    done = program(
        state,
        """
        for n in range(500):
            spool.record(action='tool.call', payload={'n': n})
        os.kill(os.getpid(), signal.SIGKILL)
        """,
    )
    assert done.returncode == -signal.SIGKILL
    assert len(events(state)) == 500


def test_two_processes_have_one_source_and_two_epochs(state: State) -> None:
    for _ in range(2):
        assert program(state, "spool.record(action='tool.call')").returncode == 0
    found = events(state)
    assert len({event.source.id for event in found}) == 1
    assert len({event.source.epoch for event in found}) == 2


def test_a_forked_child_gets_an_epoch_and_salts_of_its_own(state: State) -> None:
    done = program(
        state,
        """
        spool.record(action='tool.call', payload='before')
        pid = os.fork()
        for n in range(100):
            spool.record(action='tool.call', payload=n)
        spool.close()
        if pid:
            os.waitpid(pid, 0)
        """,
    )
    assert done.returncode == 0, done.stderr
    found = events(state)
    assert len(found) == 201
    assert len({event.source.epoch for event in found}) == 2
    assert len({event.id for event in found}) == 201
    salts = [frame.salt for frame in frames(state)]
    assert len(set(salts)) == 201


def test_a_parent_that_dies_leaves_its_epoch_to_the_shipper_though_its_child_lives(state: State) -> None:
    done = program(
        state,
        """
        spool.record(action='tool.call')
        r, w = os.pipe()
        if os.fork() == 0:
            os.close(w); os.read(0, 1); os._exit(0)
        os._exit(0)
        """,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0
    from muniment.agent.spools.reading import Epoch, Sources

    (source,) = Sources(state.spool).all()
    (path,) = Sources.epochs(source)
    opened = Epoch(path)
    assert opened.orphan
    opened.close()


def test_threads_share_a_spool(state: State) -> None:
    with Spool("a", state=state) as spool:
        threads = [
            threading.Thread(target=lambda: [spool.record(action="tool.call", payload=b"x") for _ in range(200)])
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    found = events(state)
    assert len(found) == 1_600
    assert len({frame.salt for frame in frames(state)}) == 1_600
    ids = [event.id for event in found]
    assert ids == sorted(ids)


def test_durable_waits_for_the_disk(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    real = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda fd: (synced.append(fd), real(fd))[1])
    with Spool("a", state=state, durable=True) as spool:
        spool.record(action="tool.call")
        assert synced
        before = len(synced)
        spool.record(action="tool.call")
        assert len(synced) > before


def test_a_disk_that_does_not_confirm_is_reported_in_durable_mode(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool("a", state=state, durable=True)
    spool.record(action="tool.call")

    def fail(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fdatasync", fail)
        with pytest.raises(SpoolFull, match="did not confirm"):
            spool.record(action="tool.call")
    spool.record(action="tool.call")
    spool.close()
    assert len(events(state)) == 3
    assert len(segments(state)) == 2


def fill_disk(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    def full(_: int, parts: list[bytes]) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(epoch.os, "writev", full)
    return monkeypatch


def test_a_full_disk_is_an_error_in_durable_mode_and_uses_up_no_number(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool("a", state=state)
    spool.record(action="tool.call", tool="one")
    with monkeypatch.context() as patched:
        fill_disk(patched)
        with pytest.raises(SpoolFull, match="No space left"):
            spool.record(action="tool.call", tool="lost", durable=True)
    spool.record(action="tool.call", tool="two", durable=True)
    spool.close()
    assert [event.tool for event in events(state)] == ["one", "two"]


def test_events_wait_in_memory_for_space_and_keep_their_order(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool("a", state=state)
    with monkeypatch.context() as patched:
        fill_disk(patched)
        for number in range(20):
            spool.record(action="tool.call", tool=str(number))
        assert not segments(state) or not frames(state)
    spool.flush()
    spool.close()
    assert [event.tool for event in events(state)] == [str(number) for number in range(20)]


def test_what_exceeds_the_backlog_is_counted_and_reported_once_space_is_back(
    state: State, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(backlog, "BACKLOG_EVENTS", 10)
    spool = Spool("a", state=state)
    with monkeypatch.context() as patched:
        fill_disk(patched)
        for number in range(25):
            spool.record(action="tool.call", tool=str(number))
    assert spool.dropped == 15
    spool.flush()
    spool.close()
    found = events(state)
    assert [event.tool for event in found] == [*map(str, range(10)), None]
    assert found[-1].action == "event.dropped"
    assert labels(found[-1])["dropped.count"] == "15"
    assert labels(found[-1])["dropped.reason"] == "No space left on device"
    assert "cannot be written" in caplog.text


def test_a_real_limit_on_file_size_begins_another_segment_and_loses_nothing(state: State) -> None:
    done = program(
        state,
        """
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        for n in range(100):
            spool.record(action='tool.call', payload={'n': n}, durable=True)
        """,
    )
    assert done.returncode == 0, done.stderr
    assert len(events(state)) == 100
    assert len(segments(state)) > 10


def test_a_real_limit_below_one_event_is_reported(state: State) -> None:
    done = program(
        state,
        """
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
        try:
            spool.record(action='tool.call', durable=True)
        except SpoolFull as error:
            print(error)
        spool.record(action='tool.call')
        """,
    )
    assert "not recorded: " in done.stdout, done.stderr
    assert "1 events could not be written and are lost" in done.stderr
    assert frames(state) == []


def test_a_clock_that_jumps_back_leaves_ids_rising_and_times_as_shown(state: State) -> None:
    times = iter([5_000_000_000, 5_000_000_001, 1_000_000_000, 0, 6_000_000_000])
    with Spool("a", state=state, clock=lambda: next(times)) as spool:
        for _ in range(5):
            spool.record(action="tool.call")
    found = events(state)
    assert [event.occurred_at for event in found] == [5_000_000_000, 5_000_000_001, 1_000_000_000, 0, 6_000_000_000]
    assert [event.id for event in found] == sorted(event.id for event in found)
    assert len({event.id for event in found}) == 5


@pytest.mark.parametrize("now", [-1, MAX_TIME9 + 1, 253_402_300_799_000_000_000])
def test_a_clock_outside_the_format_is_kept_in_a_label(state: State, now: int) -> None:
    with Spool("a", state=state, clock=lambda: now) as spool:
        spool.record(action="tool.call", labels={"env": "x"})
    (event,) = events(state)
    assert labels(event)["clock.raw"] == str(now)
    assert event.occurred_at in (0, MAX_TIME9)


def test_a_signal_handler_that_records_while_an_event_is_being_recorded_loses_nothing(state: State) -> None:
    done = program(
        state,
        """
        def handler(*_):
            spool.record(action='tool.call', tool='signal')
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
        for n in range(3000):
            spool.record(action='tool.call', tool='main', payload=b'x')
        signal.setitimer(signal.ITIMER_REAL, 0)
        """,
    )
    assert done.returncode == 0, done.stderr
    found = events(state)
    assert sum(event.tool == "main" for event in found) == 3_000
    assert any(event.tool == "signal" for event in found)


@pytest.mark.parametrize(("size", "stored"), [(0, b""), (262_144, None), (262_145, b""), (10_000_000, b"")])
def test_a_body_over_the_limit_is_committed_to_and_not_kept(state: State, size: int, stored: bytes | None) -> None:
    body = b"x" * size
    with Spool("a", state=state) as spool:
        spool.record(action="tool.call", payload=body)
    (frame,) = frames(state)
    event = json.loads(frame.event)
    assert event["body"]["len"] == size
    assert frame.body == (body if stored is None else stored)
    assert frame.salt is not None
    check_body(bytes.fromhex(event["body"]["commit"]), size, frame.salt, body)


def test_a_closed_spool_refuses(state: State) -> None:
    spool = Spool("a", state=state)
    spool.close()
    spool.close()
    with pytest.raises(Refused, match="closed"):
        spool.record(action="tool.call")
    assert not list(state.spool.glob("src_*/*/"))


def test_a_spool_whose_directory_was_taken_away_still_closes(state: State, caplog: pytest.LogCaptureFixture) -> None:
    spool = Spool("a", state=state)
    shutil.rmtree(state.root)
    spool.close()
    assert "an empty epoch is left behind" in caplog.text


def test_an_agent_whose_state_directory_is_taken_away_goes_on_and_counts_what_is_lost(
    state: State, caplog: pytest.LogCaptureFixture
) -> None:
    spool = Spool("a", state=state, segment_bytes=2_000)
    spool.record(action="tool.call", payload="x" * 300)
    shutil.rmtree(state.root)
    for _ in range(backlog.BACKLOG_EVENTS + 100):
        spool.record(action="tool.call", payload="x" * 300)
    assert 90 < spool.dropped < 100
    with pytest.raises(SpoolFull, match="No such file"):
        spool.record(action="tool.call", durable=True)
    spool.close()
    assert "events could not be written and are lost" in caplog.text


def test_a_refused_argument_leaves_no_trace(state: State) -> None:
    with Spool("a", state=state) as spool:
        with pytest.raises(Malformed):
            spool.record(action="nonsense")
        spool.record(action="tool.call")
    assert len(events(state)) == 1


def test_a_source_id_is_stable_and_differs_between_agents(state: State) -> None:
    assert state.source_id("a") == state.source_id("a")
    names = ["a", "A", "a/b", "../a", "a b", "ł", "", "x" * 500, "x" * 501, "\ud800"]
    assert len({state.source_id(name) for name in names}) == len(names)
    assert {path.parent for path in state.sources.iterdir()} == {state.sources}


def test_two_processes_that_ask_at_once_get_one_source_id(state: State) -> None:
    code = "from muniment.agent.state import State; print(State.find().source_id('a'))"
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            env={**os.environ, "MUNIMENT_STATE": str(state.root)},
            stdout=subprocess.PIPE,
        )
        for _ in range(6)
    ]
    answers = {process.communicate(timeout=60)[0] for process in running}
    assert len(answers) == 1


def test_a_damaged_source_file_is_refused_by_name(state: State) -> None:
    state.source_id("a")
    (path,) = state.sources.iterdir()
    path.write_text("garbage")
    with pytest.raises(Refused, match="remove the file"):
        state.source_id("a")


def test_bodies_lie_where_only_their_owner_reads(state: State) -> None:
    with Spool("a", state=state) as spool:
        spool.record(action="tool.call", payload="secret")
    (path,) = segments(state)
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


def test_an_unwritable_state_directory_is_an_error_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Refused, match="cannot be read or made"):
        Spool("a", state=State(tmp_path / "file"))
