"""The background frame and the places of an installation."""

import os
import socket
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from muniment.core.errors import Refused
from muniment.server.background import Background, Job, PartlyFailed
from muniment.server.runtime import JobState, Places, Server, ServerLock, read_jobs, read_server, write_server
from muniment.server.runtime_http import DEFAULT_PORT, listening_socket
from tests.support.databases import Database


@pytest.fixture
def places(tmp_path: Path) -> Places:
    made = Places(tmp_path / "home", tmp_path / "keys", tmp_path / "heads")
    made.make()
    return made


def wait_for(true: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def state_of(places: Places, background: Background, name: str) -> JobState:
    background.publish()
    return next(job for job in read_jobs(places) if job.name == name)


def test_a_job_that_fails_is_seen_to_fail_and_works_again_by_itself(places: Places, database: Database) -> None:
    broken = threading.Event()
    broken.set()

    def once(connection: psycopg.Connection) -> str:
        connection.execute("SELECT 1")
        if broken.is_set():
            raise RuntimeError("the disk is full")
        return "did it"

    background = Background(places, [Job("work", 0.01, database.url("app"), once)])
    background.start()
    wait_for(lambda: state_of(places, background, "work").failures >= 2)
    assert state_of(places, background, "work").error == "RuntimeError: the disk is full"
    assert background.alive()
    broken.clear()
    background.wake("work")
    wait_for(lambda: state_of(places, background, "work").failures == 0)
    assert state_of(places, background, "work").note == "did it"
    background.stop(5.0)


def test_a_job_outlives_the_loss_of_its_connection(places: Places, database: Database) -> None:
    rounds: list[int] = []

    def once(connection: psycopg.Connection) -> str:
        row = connection.execute("SELECT pg_backend_pid()").fetchone()
        assert row is not None
        rounds.append(row[0])
        return ""

    background = Background(places, [Job("work", 0.01, database.url("app"), once)])
    background.start()
    wait_for(lambda: len(rounds) > 1)
    with database.connect() as connection:
        connection.execute("SELECT pg_terminate_backend(%s)", [rounds[0]])
    wait_for(lambda: len(set(rounds)) == 2)
    background.stop(5.0)


def test_a_partial_failure_is_shown_and_does_not_slow_the_job_down(places: Places, database: Database) -> None:
    rounds: list[float] = []

    def once(connection: psycopg.Connection) -> str:
        rounds.append(time.monotonic())
        raise PartlyFailed("log a was refused")

    background = Background(places, [Job("work", 0.01, database.url("app"), once)])
    background.start()
    wait_for(lambda: len(rounds) >= 12)
    assert state_of(places, background, "work").error == "log a was refused"
    background.stop(5.0)


def test_one_job_that_hangs_holds_up_neither_the_others_nor_the_end(places: Places, database: Database) -> None:
    rounds: list[int] = []
    release = threading.Event()

    def hang(connection: psycopg.Connection) -> str:
        release.wait(30)
        return ""

    def work(connection: psycopg.Connection) -> str:
        rounds.append(1)
        return ""

    url = database.url("app")
    background = Background(places, [Job("hangs", 0.01, url, hang), Job("works", 0.01, url, work)])
    background.start()
    wait_for(lambda: len(rounds) > 5)
    background.stop(0.1)
    release.set()


def test_an_unreachable_database_is_an_error_of_the_job_not_its_end(places: Places) -> None:
    url = "postgresql://x@127.0.0.1:1/x?connect_timeout=1"
    background = Background(places, [Job("work", 0.01, url, lambda connection: "")])
    background.start()
    wait_for(lambda: state_of(places, background, "work").failures > 0)
    assert "OperationalError" in state_of(places, background, "work").error
    assert background.alive()
    background.stop(5.0)


def test_only_one_process_is_the_server_and_its_word_ends_with_it(places: Places) -> None:
    lock = ServerLock.take(places)
    assert lock is not None
    assert ServerLock.take(places) is None
    server = Server(os.getpid(), "http://127.0.0.1:1", 1.0, "0")
    write_server(places, server)
    assert read_server(places) == server
    lock.release()
    assert read_server(places) is None


def test_everything_private_is_closed_to_others(places: Places) -> None:
    for path in (places.keys, places.heads, places.urls, places.run, places.log.parent):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    lock = ServerLock.take(places)
    assert lock is not None
    write_server(places, Server(1, "", 1.0, ""))
    lock.release()
    for file in places.run.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_home_that_stands_is_not_opened_to_others(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    Places(home, home / "keys", home / "heads").make()
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_places_follow_their_variables() -> None:
    given = Places.of({"MUNIMENT_HOME": "/a", "MUNIMENT_HEADS": "/c", "HOME": "/h"})
    assert (given.home, given.keys, given.heads) == (Path("/a"), Path("/a/keys"), Path("/c"))
    default = Places.of({"HOME": "/h"}).home
    assert default == (Path("/var/lib/muniment") if os.geteuid() == 0 else Path("/h/.local/share/muniment"))


def test_a_home_that_cannot_be_made_says_what_to_do() -> None:
    with pytest.raises(Refused, match=r"cannot make /proc/none.*set MUNIMENT_HOME"):
        Places(Path("/proc/none"), Path("/proc/none/keys"), Path("/proc/none/heads")).make()


def test_the_default_port_gives_way_and_a_chosen_one_does_not() -> None:
    with listening_socket(None) as first, listening_socket(None) as second:
        one, two = first.getsockname(), second.getsockname()
        assert (one[0], two[0]) == ("127.0.0.1", "127.0.0.1")
        assert DEFAULT_PORT <= one[1] < two[1]
        with pytest.raises(Refused, match=f"port {one[1]} on 127.0.0.1 is taken: choose another with --port"):
            listening_socket(one[1])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free: int = probe.getsockname()[1]
    with listening_socket(free) as chosen:
        assert chosen.getsockname()[1] == free


def test_an_installation_of_another_user_is_not_mixed_with_ours(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    if os.geteuid() == 0:
        os.chown(home, 65534, 65534)
    else:
        home = Path("/usr")
    with pytest.raises(Refused, match=r"belongs to user id .* run it as that user"):
        Places(home, home / "keys", home / "heads").make()
    assert not (home / "keys").exists()
