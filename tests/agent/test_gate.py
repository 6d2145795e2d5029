"""The gate: nothing that needs the ledger's word goes on without it, and what was recorded is never lost for it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from muniment.agent.gate import DIRECTORY, Acceptance, NotAccepted, accepted, ask, socket_path
from muniment.agent.shipping.binding import Binding, write_binding
from muniment.agent.shipping.client import LedgerClient
from muniment.agent.shipping.gatekeeper import Gatekeeper
from muniment.agent.shipping.shipper import Shipper
from muniment.agent.spools.spool import Spool, SpoolFull
from muniment.agent.state import State
from muniment.core.errors import Malformed, Refused
from tests.agent.fake_ledger import KEY, KEY_ID, FakeLedger
from tests.agent.reading_back import events

Make = Callable[..., Shipper]
OTHER_KEY = "mk_01KAY9M2Z7Q4WXYH3J8V5T6R0D_" + "s" * 43


@pytest.fixture
def spool(state: State) -> Iterator[Spool]:
    with Spool("a", state=state) as opened:
        yield opened


@pytest.fixture
def keeper(state: State, ledger: FakeLedger) -> Iterator[Gatekeeper]:
    client = LedgerClient(ledger.url, KEY, timeout=10)
    serving = Gatekeeper(state, client)
    assert serving.serve()
    yield serving
    serving.close()
    client.close()


def refusal(spool: Spool, seconds: float = 10.0) -> NotAccepted:
    with pytest.raises(NotAccepted) as caught:
        accepted(spool, seconds, action="config.change", tool="dangerous")
    return caught.value


def ship_follow(state: State, url: str) -> subprocess.Popen[bytes]:
    """A standing shipper; returns once it serves the gate."""
    running = subprocess.Popen(
        [sys.executable, "-m", "muniment", "ship", "--follow"],
        env={**os.environ, "MUNIMENT_STATE": str(state.root), "MUNIMENT_URL": url, "MUNIMENT_KEY": KEY},
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while not list((state.root / DIRECTORY).glob("*.sock")) and time.monotonic() < deadline:
        assert running.poll() is None
        time.sleep(0.05)
    return running


def test_it_returns_the_ledgers_receipt_for_this_very_event(
    spool: Spool, ledger: FakeLedger, keeper: Gatekeeper
) -> None:
    for number in range(20):
        spool.record(action="tool.call", tool=f"before-{number}")
    written = spool.write(action="config.change", payload={"a": 1}, durable=True)
    receipt = ask(spool, written)
    assert isinstance(receipt, Acceptance)
    assert (receipt.log, receipt.seq) == (ledger.log.origin, 21)
    entry = json.loads(ledger.log.texts[receipt.seq])
    assert written.reference.endswith(entry["event"]["id"])
    assert [event.get("tool") for event in ledger.parsed()] == [f"before-{number}" for number in range(20)] + [None]
    assert ledger.bodies[21] == b'{"a":1}'


def test_it_can_be_asked_about_the_same_event_again(spool: Spool, ledger: FakeLedger, keeper: Gatekeeper) -> None:
    written = [spool.write(action="tool.call") for _ in range(3)]
    first = [ask(spool, one) for one in written]
    assert [ask(spool, one) for one in reversed(written)] == first[::-1]
    keeper._progress.clear()
    assert [ask(spool, one) for one in written] == first
    assert len(ledger.parsed()) == 3


def test_what_passed_the_gate_is_shipped_proven_and_freed_like_anything_else(
    state: State, ledger: FakeLedger, keeper: Gatekeeper, shipper: Make
) -> None:
    with Spool("b", state=state) as spool:
        for _ in range(3):
            spool.record(action="tool.call")
            accepted(spool, action="config.change")
    one = shipper()
    one.run_pass()
    assert one.proven == 6
    assert len(ledger.parsed()) == 6
    assert not list(state.spool.glob("src_*/*/"))


def test_many_threads_may_ask_at_once(spool: Spool, ledger: FakeLedger, keeper: Gatekeeper, shipper: Make) -> None:
    refused: list[BaseException] = []

    def act() -> None:
        try:
            for _ in range(5):
                accepted(spool, 60.0, action="config.change")
        except BaseException as error:
            refused.append(error)

    threads = [threading.Thread(target=act) for _ in range(8)]
    for thread in threads:
        thread.start()
    one = shipper()
    for _ in range(3):
        one.run_pass()
    for thread in threads:
        thread.join()
    assert not refused
    assert len(ledger.parsed()) == 40
    numbers = [event["source"]["seq"] for event in ledger.parsed()]  # type: ignore[index]
    assert numbers == sorted(numbers)


def test_without_a_shipper_it_refuses_at_once_and_says_what_to_start(spool: Spool, state: State) -> None:
    error = refusal(spool, 3_600.0)
    assert error.kind == "no-shipper"
    assert "muniment ship --follow" in str(error)
    assert isinstance(error, Refused)
    (event,) = events(state)
    assert error.reference is not None
    assert error.reference.endswith(event.id)


def test_a_socket_that_a_dead_shipper_left_is_no_shipper(spool: Spool, state: State, keeper: Gatekeeper) -> None:
    home = state.root / DIRECTORY
    left = socket.socket(socket.AF_UNIX)
    descriptor = os.open(home, os.O_PATH)
    left.bind(socket_path(descriptor, "ak_0.sock"))
    left.close()
    os.close(descriptor)
    assert accepted(spool, action="tool.call").seq == 0
    keeper.close()
    assert refusal(spool).kind == "no-shipper"


def test_a_new_shipper_takes_over_a_socket_that_was_left(
    spool: Spool, state: State, ledger: FakeLedger, tmp_path: Path
) -> None:
    running = ship_follow(state, ledger.url)
    running.kill()
    running.wait()
    (left,) = (state.root / DIRECTORY).glob("*.sock")
    assert refusal(spool).kind == "no-shipper"
    client = LedgerClient(ledger.url, KEY, timeout=10)
    again = Gatekeeper(state, client)
    assert again.serve()
    assert accepted(spool, action="tool.call")
    assert left.stat().st_mode & 0o777 == 0o600
    assert left.parent.stat().st_mode & 0o777 == 0o700
    again.close()
    client.close()


def test_of_two_shippers_with_one_key_the_first_serves_and_the_second_takes_over(
    spool: Spool, state: State, ledger: FakeLedger, keeper: Gatekeeper
) -> None:
    client = LedgerClient(ledger.url, KEY, timeout=10)
    second = Gatekeeper(state, client)
    assert not second.serve()
    keeper.close()
    assert refusal(spool).kind == "no-shipper"
    assert second.serve()
    assert accepted(spool, action="tool.call")
    second.close()
    client.close()


def test_a_ledger_that_is_down_is_a_no(spool: Spool, state: State, ledger: FakeLedger, keeper: Gatekeeper) -> None:
    ledger.down = True
    assert refusal(spool).kind == "unavailable"
    ledger.down = False
    assert accepted(spool, action="tool.call")
    assert [event["action"] for event in ledger.parsed()] == ["config.change", "tool.call"]


def test_an_event_that_the_ledger_refuses_is_a_no_and_goes_to_the_dead_letters(
    spool: Spool, state: State, ledger: FakeLedger, keeper: Gatekeeper, shipper: Make
) -> None:
    ledger.refuse = lambda event: "not this one" if event.get("tool") == "dangerous" else None
    error = refusal(spool)
    assert error.kind == "refused"
    assert "not this one" in str(error)
    assert accepted(spool, action="tool.call")
    shipper().run_pass()
    assert len(list(state.dead_letter.glob("src_*/*/*.json"))) == 1


def test_a_revoked_key_is_a_no(spool: Spool, state: State, ledger: FakeLedger) -> None:
    client = LedgerClient(ledger.url, OTHER_KEY, timeout=10)
    serving = Gatekeeper(state, client)
    assert serving.serve()
    error = refusal(spool)
    assert error.kind == "refused"
    assert "401" in str(error)
    assert not ledger.parsed()
    serving.close()
    client.close()


def test_a_shipper_of_another_key_does_not_ship_this_source(
    spool: Spool, state: State, ledger: FakeLedger, keeper: Gatekeeper
) -> None:
    write_binding(state.spool / spool.source, Binding("ak_01KAY9M2Z7Q4WXYH3J8V5T6R0Z"))
    assert refusal(spool).kind == "not-ours"
    assert not ledger.parsed()


def test_the_shipper_of_the_right_key_is_found_among_several(
    spool: Spool, state: State, ledger: FakeLedger, keeper: Gatekeeper
) -> None:
    client = LedgerClient(ledger.url, OTHER_KEY, timeout=10)
    other = Gatekeeper(state, client)
    assert other.serve()
    write_binding(state.spool / spool.source, Binding(KEY_ID, ledger.log.origin))
    assert accepted(spool, action="tool.call")
    other.close()
    client.close()


def test_a_ledger_that_answers_as_another_log_is_a_no(
    spool: Spool, state: State, ledger: FakeLedger, keeper: Gatekeeper
) -> None:
    write_binding(state.spool / spool.source, Binding(KEY_ID, "log.example/other"))
    assert refusal(spool).kind == "broken"


class Upstream:
    """Listens where a ledger should, and answers nothing."""

    def __enter__(self) -> Upstream:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def wait_for_a_request(self) -> None:
        self._socket.settimeout(60)
        self._connection, _ = self._socket.accept()
        assert self._connection.recv(10)


def test_a_ledger_that_does_not_answer_in_time_is_a_no(spool: Spool, state: State) -> None:
    with Upstream() as silent:
        client = LedgerClient(silent.url, KEY, timeout=10)
        serving = Gatekeeper(state, client)
        assert serving.serve()
        error = refusal(spool, 0.3)
        assert error.kind == "timeout"
        assert "0.3 s" in str(error)
        serving.close()
        client.close()
    assert len(events(state)) == 1


def test_a_shipper_killed_while_it_is_asked_is_a_no_and_loses_nothing(
    spool: Spool, state: State, ledger: FakeLedger, shipper: Make
) -> None:
    with Upstream() as silent:
        running = ship_follow(state, silent.url)
        caught: list[NotAccepted] = []
        asking = threading.Thread(target=lambda: caught.append(refusal(spool, 60.0)))
        asking.start()
        silent.wait_for_a_request()
        running.send_signal(signal.SIGKILL)
        asking.join(60)
        running.wait()
    assert [error.kind for error in caught] == ["unavailable"]
    shipper().run_pass()
    assert [event["action"] for event in ledger.parsed()] == ["config.change"]


def test_a_standing_shipper_serves_the_gate_and_ships_it_all(spool: Spool, state: State, ledger: FakeLedger) -> None:
    running = ship_follow(state, ledger.url)
    try:
        for _ in range(5):
            spool.record(action="tool.call")
            assert accepted(spool, 60.0, action="config.change")
    finally:
        running.kill()
        running.wait()
    assert len(ledger.parsed()) == 10


def impostor(state: State, answer: str, uid: int, owner: int) -> subprocess.Popen[bytes]:
    """A process of another user behind a socket where the gate's should be."""
    home = state.root / DIRECTORY
    home.mkdir(parents=True, mode=0o700)
    code = f"""
import os, socket, sys
descriptor = os.open({str(home)!r}, os.O_PATH)
listener = socket.socket(socket.AF_UNIX)
listener.bind("/proc/self/fd/%d/ak_0.sock" % descriptor)
os.chown({str(home / "ak_0.sock")!r}, {owner}, -1)
if {uid}:
    os.setuid({uid})
listener.listen()
print("ready", flush=True)
while True:
    connection, _ = listener.accept()
    if connection.recv(9000):
        connection.sendall({answer!r}.encode())
    connection.close()
"""
    running = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert running.stdout is not None
    assert running.stdout.readline() == b"ready\n"
    return running


@pytest.mark.parametrize(("uid", "owner", "words"), [(65_534, 0, "another user"), (0, 65_534, "not a socket of")])
def test_a_socket_or_a_process_of_another_user_is_not_believed(
    spool: Spool, state: State, uid: int, owner: int, words: str
) -> None:
    assert os.geteuid() == 0, "this test changes users"
    running = impostor(state, '{"v":1,"state":"accepted"}\n', uid, owner)
    error = refusal(spool)
    running.kill()
    running.communicate()
    assert error.kind == "broken"
    assert words in str(error)


@pytest.mark.parametrize(
    "answer",
    [
        "garbage\n",
        "[]\n",
        '{"v":1,"state":"accepted"}\n',
        '{"v":1,"state":"accepted","event":"evt_01KAY9M2Z7Q4WXYH3J8V5T6R0C","log":"l","seq":1,"entry_hash":"%s"}\n'
        % ("0" * 64),
        '{"v":1,"state":"yes"}\n',
        "x" * 100_000,
    ],
)
def test_an_answer_that_is_not_the_receipt_of_this_event_is_a_no(spool: Spool, state: State, answer: str) -> None:
    running = impostor(state, answer, 0, os.geteuid())
    error = refusal(spool)
    running.kill()
    running.communicate()
    assert error.kind == "broken"


def test_an_answer_that_ends_half_way_is_a_no(spool: Spool, state: State) -> None:
    running = impostor(state, '{"v":1,"state":"acc', 0, os.geteuid())
    error = refusal(spool)
    running.kill()
    running.communicate()
    assert error.kind == "unavailable"


@pytest.mark.parametrize(("mode", "said"), [(0o700, "Permission denied"), (0o755, "b''")])
def test_a_process_of_another_user_gets_no_answer_even_if_the_directory_lets_it_in(
    ledger: FakeLedger, mode: int, said: str
) -> None:
    assert os.geteuid() == 0, "this test changes users"
    with tempfile.TemporaryDirectory(prefix="muniment-gate-") as directory:
        state = State(Path(directory) / "state")
        client = LedgerClient(ledger.url, KEY, timeout=10)
        serving = Gatekeeper(state, client)
        assert serving.serve()
        path = state.root / DIRECTORY / f"{KEY_ID}.sock"
        path.chmod(0o777)
        for above in (path.parent, state.root, Path(directory)):
            above.chmod(mode)
        code = f"""
import os, socket
connection = socket.socket(socket.AF_UNIX)
os.setuid(65534)
try:
    connection.connect({str(path)!r})
    connection.sendall(b"{{}}" + b"\\n")
    print(connection.recv(100))
except (BrokenPipeError, ConnectionResetError):
    print(b"")
"""
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
        serving.close()
        client.close()
    assert said in done.stdout + done.stderr


@pytest.mark.parametrize(
    "question",
    [
        b"\n",
        b"{}\n",
        b'{"source":"src_../..","epoch":"x","seq":0,"event":"e","seconds":1}\n',
        b'{"source":"src_01KAY9M2Z7Q4WXYH3J8V5T6R0C","epoch":"../../../../../../../../etc/passwd\\u0000aa","seq":0,'
        b'"event":"evt_01KAY9M2Z7Q4WXYH3J8V5T6R0C","seconds":1}\n',
        b"x" * 9_000,
    ],
)
def test_a_malformed_question_is_answered_and_harms_nothing(
    spool: Spool, state: State, keeper: Gatekeeper, question: bytes
) -> None:
    descriptor = os.open(state.root / DIRECTORY, os.O_PATH)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(socket_path(descriptor, f"{KEY_ID}.sock"))
        connection.sendall(question)
        assert json.loads(connection.recv(9_000))["state"] == "broken"
    os.close(descriptor)
    assert accepted(spool, action="tool.call")


def test_what_is_not_even_on_disk_is_a_no(
    spool: Spool, keeper: Gatekeeper, ledger: FakeLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.agent.test_spool import fill_disk

    with monkeypatch.context() as patched:
        fill_disk(patched)
        assert refusal(spool).kind == "not-recorded"
        spool.record(action="tool.call")
        with pytest.raises(SpoolFull):
            spool.record(action="tool.call", durable=True)
    assert not ledger.parsed()


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf"), 3_601.0])
def test_a_time_limit_out_of_range_is_refused(spool: Spool, keeper: Gatekeeper, seconds: float) -> None:
    with pytest.raises(Malformed, match="timeout"):
        accepted(spool, seconds, action="tool.call")


@pytest.mark.parametrize("text", ["0", "-1", "nan", "soon", "1e9"])
def test_a_time_limit_that_cannot_be_read_is_named(
    spool: Spool, keeper: Gatekeeper, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("MUNIMENT_GATE_TIMEOUT", text)
    with pytest.raises(Malformed, match="MUNIMENT_GATE_TIMEOUT"):
        accepted(spool, action="tool.call")
