"""The embedded database's life, with real servers that are really killed."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from muniment.core.errors import Refused
from muniment.ledger.embedded import EmbeddedPostgres, binaries, reachable_directory
from muniment.ledger.embedded.account import account_for
from muniment.ledger.embedded.postmaster import read_postmaster
from tests.support.databases import Database

pytestmark = pytest.mark.long


@pytest.fixture
def place() -> Iterator[Path]:
    directory = reachable_directory("muniment-embedded-")
    yield directory
    for made in directory.rglob("operation.lock"):
        EmbeddedPostgres(made.parent).stop()
    shutil.rmtree(directory)


@pytest.fixture
def started(place: Path) -> EmbeddedPostgres:
    cluster = EmbeddedPostgres(place / "postgres")
    assert cluster.start() is True
    return cluster


def pid_of(cluster: EmbeddedPostgres) -> int:
    pid = cluster.status().pid
    assert pid is not None
    return pid


def setting(cluster: EmbeddedPostgres, name: str) -> str:
    with psycopg.connect(cluster.url()) as connection:
        row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
    assert row is not None
    return str(row[0])


def test_it_is_made_with_checksums_utf8_and_what_is_acknowledged_goes_to_disk(started: EmbeddedPostgres) -> None:
    wanted = {
        "data_checksums": "on",
        "server_encoding": "UTF8",
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "jit": "off",
        "password_encryption": "scram-sha-256",
        "listen_addresses": "127.0.0.1",
        "log_error_verbosity": "terse",
    }
    assert {name: setting(started, name) for name in wanted} == wanted
    with psycopg.connect(started.url()) as connection:
        row = connection.execute("SELECT datcollate FROM pg_database WHERE datname = 'template1'").fetchone()
    assert row == ("C.UTF-8",)


def test_every_way_in_asks_for_a_scram_password(started: EmbeddedPostgres) -> None:
    with psycopg.connect(started.url()) as connection:
        methods = connection.execute("SELECT DISTINCT auth_method FROM pg_hba_file_rules").fetchall()
    assert methods == [("scram-sha-256",)]
    for host in (f"host={started.directory / 'socket'}", "host=127.0.0.1"):
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(f"{host} port={started.status().port} user=postgres dbname=postgres password=guess")


def test_it_listens_on_loopback_alone(started: EmbeddedPostgres) -> None:
    port = started.status().port
    assert port is not None
    listening = [
        line.split()[1]
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for line in Path(table).read_text().splitlines()[1:]
        if line.split()[3] == "0A" and line.split()[1].endswith(f":{port:04X}")
    ]
    assert listening == [f"0100007F:{port:04X}"]


def test_no_process_of_it_runs_as_root(started: EmbeddedPostgres) -> None:
    owners = {Path(f"/proc/{pid}").stat().st_uid for pid in (pid_of(started), *started.processes())}
    assert owners == {started.data.stat().st_uid}
    assert 0 not in owners


def test_passwords_and_data_are_closed_to_others(started: EmbeddedPostgres) -> None:
    assert stat.S_IMODE((started.directory / "superuser.password").stat().st_mode) == 0o600
    assert stat.S_IMODE(started.data.stat().st_mode) == 0o700
    assert stat.S_IMODE((started.directory / "socket").stat().st_mode) == 0o700


def test_a_second_start_finds_it_running(started: EmbeddedPostgres) -> None:
    before = started.status()
    assert EmbeddedPostgres(started.directory).start() is False
    assert started.status() == before


def test_starting_twice_at_the_same_moment_starts_one_server(place: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from muniment.ledger.embedded import EmbeddedPostgres; "
        "print(EmbeddedPostgres(Path(sys.argv[1])).start())"
    )
    both = [
        subprocess.Popen([sys.executable, "-c", script, str(place / "postgres")], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert sorted(process.communicate(timeout=60)[0].strip() for process in both) == ["False", "True"]


def test_it_keeps_its_port_and_its_data_over_a_restart(started: EmbeddedPostgres) -> None:
    port = started.status().port
    with psycopg.connect(started.url()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    assert started.stop() is True
    assert started.status().state == "stopped"
    assert started.stop() is False
    assert started.start() is True
    assert started.status().port == port
    with psycopg.connect(started.url()) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)


def test_it_moves_when_another_process_has_taken_its_port(started: EmbeddedPostgres) -> None:
    port = started.status().port
    assert port is not None
    started.stop()
    with socket.socket() as thief:
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        thief.bind(("127.0.0.1", port))
        thief.listen()
        assert started.start() is True
        assert started.status().port != port


@pytest.mark.parametrize("victim", ["postmaster", "backend"])
def test_nothing_committed_is_lost_when_a_server_process_is_killed(started: EmbeddedPostgres, victim: str) -> None:
    with psycopg.connect(started.url()) as connection:
        connection.execute("CREATE TABLE written (n bigint)")
    committed: list[int] = []
    enough = threading.Event()

    def write() -> None:
        with psycopg.connect(started.url()) as connection:
            try:
                for number in range(1_000_000):
                    connection.execute("INSERT INTO written VALUES (%s)", [number])
                    connection.commit()
                    committed.append(number)
                    if number == 300:
                        enough.set()
            except psycopg.OperationalError:
                return

    writer = threading.Thread(target=write)
    writer.start()
    assert enough.wait(30)
    if victim == "postmaster":
        os.kill(pid_of(started), signal.SIGKILL)
    else:
        with psycopg.connect(started.url()) as connection:
            row = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            ).fetchone()
        assert row is not None
        os.kill(row[0], signal.SIGKILL)
    writer.join(60)
    assert not writer.is_alive()
    started.start()
    with psycopg.connect(started.url()) as connection:
        found = {row[0] for row in connection.execute("SELECT n FROM written")}
    assert set(committed) <= found


def test_a_pid_file_that_names_a_stranger_does_not_keep_it_from_starting(started: EmbeddedPostgres) -> None:
    pid_file = started.data / "postmaster.pid"
    lines = pid_file.read_text().split("\n")
    os.kill(pid_of(started), signal.SIGKILL)
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]))
    assert started.status().state == "stopped"
    assert started.start() is True


def test_stop_never_signals_a_stranger_that_a_stale_pid_file_names(started: EmbeddedPostgres) -> None:
    pid_file = started.data / "postmaster.pid"
    text = pid_file.read_text()
    started.stop()
    with subprocess.Popen(["sleep", "60"]) as bystander:
        pid_file.write_text("\n".join([str(bystander.pid), *text.split("\n")[1:]]))
        account_for(started.data).own(pid_file)
        assert started.stop() is False
        assert bystander.poll() is None
        bystander.terminate()
    assert started.start() is True


def test_an_empty_pid_file_of_a_full_disk_does_not_keep_it_from_starting(started: EmbeddedPostgres) -> None:
    started.stop()
    (started.data / "postmaster.pid").write_text("")
    account_for(started.data).own(started.data / "postmaster.pid")
    assert read_postmaster(started.data) is None
    assert started.start() is True


def test_no_server_is_started_beside_processes_of_a_killed_one(started: EmbeddedPostgres) -> None:
    """A stopped backend outlives its postmaster: a second server beside it would destroy the data."""
    with psycopg.connect(started.url()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
        connection.commit()
        backend = connection.info.backend_pid
        os.kill(backend, signal.SIGSTOP)
        os.kill(pid_of(started), signal.SIGKILL)
        assert started.start() is True
        assert backend not in started.processes()
    with psycopg.connect(started.url()) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (1,)


def test_a_link_in_place_of_its_files_leads_root_nowhere(started: EmbeddedPostgres, tmp_path: Path) -> None:
    """What the server's account can write, root neither writes through nor believes."""
    started.stop()
    victim = tmp_path / "victim"
    victim.write_text("precious")
    sockets = tmp_path / "sockets"
    sockets.mkdir()
    (sockets / ".s.PGSQL.5432").touch()
    for name in ("muniment.conf", "local.conf", "log/start.log"):
        (started.data / name).unlink(missing_ok=True)
        (started.data / name).symlink_to(victim)
    (started.data / "postmaster.pid").write_text(f"999999\n{started.data}\n1\n5432\n{sockets}\n127.0.0.1\n\nready\n")
    account_for(started.data).own_tree(started.data)
    assert started.start() is True
    assert victim.read_text() == "precious"
    assert (sockets / ".s.PGSQL.5432").exists()


def test_the_operators_own_settings_win(started: EmbeddedPostgres) -> None:
    started.stop()
    with (started.directory / "local.conf").open("a") as local:
        local.write("work_mem = '17MB'\n")
    started.start()
    assert setting(started, "work_mem") == "17MB"


def test_a_first_start_that_was_cut_off_leaves_nothing_in_the_way(place: Path) -> None:
    half = place / "postgres" / "data.new-1"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    cluster = EmbeddedPostgres(place / "postgres")
    assert cluster.start() is True
    assert not half.exists()


def test_a_long_path_gets_its_socket_elsewhere_and_cleans_up(place: Path) -> None:
    cluster = EmbeddedPostgres(place / ("long" * 25))
    cluster.start()
    found = read_postmaster(cluster.data)
    assert found is not None
    sockets = Path(found.socket_directory)
    assert len(str(sockets)) < 90
    assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
    with psycopg.connect(cluster.url()) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    cluster.stop()
    assert not sockets.exists()


def test_the_callers_postgres_variables_do_not_reach_it(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "PGDATA": "/elsewhere",
        "PGPORT": "1",
        "PGOPTIONS": "-c work_mem=1MB",
        "PGHOST": "elsewhere",
    }.items():
        monkeypatch.setenv(name, value)
    cluster = EmbeddedPostgres(place / "postgres")
    cluster.start()
    started_by_hand = Path(f"/proc/{pid_of(cluster)}/environ").read_bytes().split(b"\0")
    assert not [entry for entry in started_by_hand if entry.startswith((b"PGOPTIONS", b"PGPORT", b"PGHOST"))]


def test_a_directory_that_its_account_may_not_enter_is_named_and_left_as_it_is(place: Path) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    cluster = EmbeddedPostgres(closed / "postgres")
    if account_for(cluster.data).switch:
        with pytest.raises(Refused, match=f"may not enter {closed}: set MUNIMENT_HOME"):
            cluster.start()
    else:
        assert cluster.start() is True
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def test_programs_that_its_account_may_not_reach_are_copied(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = binaries.installed_programs()
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    package = installed.parents[1]
    (closed / package.name).symlink_to(package)
    (closed / f"{package.name}.libs").symlink_to(f"{package}.libs")
    monkeypatch.setattr(binaries, "installed_programs", lambda: closed / package.name / "pginstall" / "bin")
    cluster = EmbeddedPostgres(place / "postgres")
    assert cluster.start() is True
    program = Path(f"/proc/{pid_of(cluster)}/exe").resolve()
    assert program.is_relative_to(cluster.directory) is account_for(cluster.data).switch


def test_a_lost_password_file_is_said_plainly(started: EmbeddedPostgres) -> None:
    (started.directory / "superuser.password").write_text("wrong\n")
    with pytest.raises(Refused, match=r"superuser\.password does not hold this database's password"):
        started.start()


def test_a_server_that_cannot_start_says_what_its_log_says(place: Path) -> None:
    cluster = EmbeddedPostgres(place / "postgres", settings={"shared_buffers": "much"})
    with pytest.raises(Refused, match='invalid value for parameter "shared_buffers"'):
        cluster.start()
    assert EmbeddedPostgres(place / "postgres").start() is True


@pytest.mark.parametrize("role", ["migrator", "app", "ingest", "auditor"])
def test_every_role_logs_in_to_a_fresh_database(database: Database, role: str) -> None:
    with database.connect(role) as connection:
        assert connection.execute("SELECT current_user").fetchone() == (f"muniment_{role}",)
