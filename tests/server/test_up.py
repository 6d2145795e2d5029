"""`muniment up` and its relatives: real processes, really killed."""

import json
import os
import re
import signal
import socket
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from muniment.keys import KeyRing
from muniment.ledger.registry import TenantLog, tenant_logs
from muniment.server.runtime import read_jobs, server_is_running
from muniment.verifier.pins import load_pin
from tests.support.databases import running_cluster
from tests.support.installations import Installation, Prepared, append, installation, printed_key, wait_for

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[Installation, str]]:
    """An installation that tests share which neither stop nor break it, and what its first start said."""
    with installation() as made:
        yield made, made.up()


def free_port() -> int:
    """A port that nobody has, far from those that installations try first."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def command_of(pid: int) -> bytes:
    """What a process was started with; nothing for one that has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def default_log(of: Installation) -> TenantLog:
    """The log of the tenant that the first start makes."""
    with psycopg.connect(of.places.database_url("app"), autocommit=True) as connection:
        return next(log for log in tenant_logs(connection) if log.slug == "default")


def walked_since(of: Installation, asked: float) -> bool:
    """Whether a walk over the default tenant's log ended well after a moment."""
    log = default_log(of)
    return log.walked_at is not None and log.walked_at.timestamp() > asked and log.walk_ok is True


def entries(of: Installation) -> set[int]:
    with psycopg.connect(of.places.database_url("migrator")) as connection:
        connection.execute("SET ROLE muniment_owner")
        connection.execute("SELECT set_config('muniment.tenant', %s, false)", [str(default_log(of).log.tenant_id)])
        return {row[0] for row in connection.execute("SELECT seq FROM ledger.entries")}


class Load:
    """Writers that append until they are told to stop, and keep what was acknowledged to them."""

    def __init__(self, of: Installation, key: str, writers: int = 4) -> None:
        self._of = of
        self._key = key
        self._url = of.server().url
        self._stop = threading.Event()
        self.acknowledged: list[int] = []
        self.refused: list[str] = []
        self._threads = [threading.Thread(target=self._write) for _ in range(writers)]
        for thread in self._threads:
            thread.start()

    def _write(self) -> None:
        with httpx.Client(verify=False, base_url=self._url, timeout=10, trust_env=False) as client:
            while not self._stop.is_set():
                try:
                    answer = append(client, self._key)
                except httpx.TransportError:
                    time.sleep(0.05)
                    continue
                if answer.status_code == 201:
                    self.acknowledged.append(answer.json()["seq"])
                elif answer.status_code != 503:
                    self.refused.append(answer.text)

    def at_least(self, more: int) -> None:
        wanted = len(self.acknowledged) + more
        wait_for(lambda: len(self.acknowledged) >= wanted, f"{more} more acknowledged appends")

    def stop(self) -> set[int]:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)
        assert self.refused == []
        assert len(set(self.acknowledged)) == len(self.acknowledged), "one place in the log was acknowledged twice"
        return set(self.acknowledged)


def test_the_first_start_prints_keys_that_work_and_keeps_no_copy(shared: tuple[Installation, str]) -> None:
    of, said = shared
    key = printed_key(said, "append")
    with httpx.Client(verify=False, base_url=of.server().url, trust_env=False) as client:
        assert append(client, key).status_code == 201
    secret = key.split("_", 2)[2].encode()
    kept = [path for path in of.home.rglob("*") if path.is_file() and secret in path.read_bytes()]
    assert kept == []
    assert "WARNING   the root key is still here" in said
    pin = re.search(r"export MUNIMENT_PIN='(.*)'\n", said)
    assert pin is not None
    pins = load_pin(pin[1])
    assert pins.root == KeyRing(of.places.keys).root_verifier()
    assert None not in (pins.origin, pins.genesis)


def test_the_printed_command_works_as_it_stands(shared: tuple[Installation, str]) -> None:
    _, said = shared
    address = re.search(r"export MUNIMENT_URL=(\S+)", said)
    body = re.search(r"-d '(\{.*\})' \$MUNIMENT_URL/api/events", said)
    assert address is not None
    assert body is not None
    answer = httpx.post(
        f"{address[1]}/api/events",
        content=body[1],
        headers={"authorization": f"Bearer {printed_key(said, 'append')}", "content-type": "application/json"},
        trust_env=False,
    )
    assert answer.status_code == 201, answer.text


def test_secrets_are_files_of_the_owner_alone(shared: tuple[Installation, str]) -> None:
    of, _ = shared
    secrets = [*of.places.keys.rglob("*.key"), *of.places.urls.iterdir(), of.places.postgres / "superuser.password"]
    assert len(secrets) >= 8
    assert {stat.S_IMODE(path.stat().st_mode) for path in secrets} == {0o600}


def test_passwords_stand_in_no_command_line(shared: tuple[Installation, str]) -> None:
    of, _ = shared
    passwords = [path.read_text().split(":")[2].split("@")[0].encode() for path in of.places.urls.iterdir()]
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            command = command_of(int(entry.name))
            assert not any(password in command for password in passwords)


def test_the_server_process_does_not_know_the_migrators_password(shared: tuple[Installation, str]) -> None:
    of, _ = shared
    password = (of.places.urls / "migrator.url").read_text().split(":")[2].split("@")[0].encode()
    assert password not in Path(f"/proc/{of.server().pid}/environ").read_bytes()


def test_everything_listens_on_loopback_alone(shared: tuple[Installation, str]) -> None:
    of, _ = shared
    port = int(of.server().url.rpartition(":")[2])
    listening = [
        line.split()[1]
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for line in Path(table).read_text().splitlines()[1:]
        if line.split()[3] == "0A" and line.split()[1].endswith(f":{port:04X}")
    ]
    assert listening == [f"0100007F:{port:04X}"]


def test_a_second_up_finds_it_running(shared: tuple[Installation, str]) -> None:
    of, _ = shared
    before = of.server()
    for arguments in (("up",), ("up", "--detach")):
        assert f"Muniment runs already in {of.home}: {before.url}" in of.run(*arguments)
    assert of.server() == before


def test_what_is_appended_is_sealed_within_seconds_and_walked(shared: tuple[Installation, str]) -> None:
    of, said = shared
    with httpx.Client(verify=False, base_url=of.server().url, trust_env=False) as client:
        seq = append(client, printed_key(said, "append")).json()["seq"]

    def sealed() -> int:
        return default_log(of).log.sealed

    wait_for(lambda: sealed() > seq, "a checkpoint over the entry")
    asked, log = time.time(), default_log(of)
    with psycopg.connect(of.places.database_url("app"), autocommit=True) as connection:
        connection.execute("SELECT pg_notify('muniment_walk', %s)", [str(log.log.log_id)])
    wait_for(lambda: walked_since(of, asked), "the walk that was asked for")
    assert log.log.size > seq


def test_status_tells_what_runs_and_warns_of_the_root_key(shared: tuple[Installation, str]) -> None:
    of, _ = shared
    wait_for(lambda: all(job.good_at for job in read_jobs(of.places)), "a first round of every job")
    found = json.loads(of.run("status", "--json"))
    assert found["problems"] == []
    assert found["server"]["pid"] == of.server().pid
    assert {job["name"] for job in found["jobs"]} >= {
        *("sealing", "partitions", "walks", "anchoring", "roles"),
        *("reminders", "mail", "anomalies", "exceptions", "risks"),
    }
    assert found["logs"][0]["sealed"] > 0
    assert "the root key is still in" in found["warnings"][0]
    assert "last audit walk" in of.run("status")


def test_a_lost_head_stops_sealing_visibly_until_it_is_adopted(once: Prepared, stopped: Installation) -> None:
    key = printed_key(once.said, "append")
    for path in stopped.places.heads.glob("*.head"):
        path.unlink()
    stopped.up()
    with httpx.Client(verify=False, base_url=stopped.server().url, trust_env=False) as client:
        assert append(client, key).status_code == 201
    wait_for(
        lambda: any(job.failures for job in read_jobs(stopped.places) if job.name == "sealing"),
        "the sealer's complaint",
    )
    assert "the last signed head is missing" in stopped.run("status", code=1)
    assert "the last signed head is now that of size" in stopped.run("logs", "adopt-head", "--yes")
    # The head of every log was lost; the installation's own grows with the audit walks over it.
    assert "the last signed head is now that of size" in stopped.run(
        "logs", "adopt-head", "--tenant", "installation", "--yes"
    )
    wait_for(lambda: not any(job.failures for job in read_jobs(stopped.places)), "sealing")
    assert "is not replaced" in stopped.run("logs", "adopt-head", "--yes", code=1)


def test_keys_are_made_listed_and_revoked(shared: tuple[Installation, str]) -> None:
    of, _ = shared
    said = of.run("keys", "create", "append", "--label", "robot", "--tenant", "default")
    token = said.split("\n")[0]
    key_id = f"ak_{token.split('_')[1]}"
    with httpx.Client(verify=False, base_url=of.server().url, trust_env=False) as client:
        assert append(client, token).status_code == 201
        assert f"{key_id}  append" in of.run("keys", "list", "--tenant", "default")
        assert "is revoked" in of.run("keys", "revoke", key_id, "--tenant", "default")
        wait_for(lambda: append(client, token).status_code == 401, "the revoked key's refusal")
    assert "was revoked before" in of.run("keys", "revoke", key_id, "--tenant", "default")
    listed = of.run("keys", "list", "--tenant", "default")
    assert re.search(rf"{key_id}  append .* revoked .* robot", listed)
    assert token.split("_", 2)[2] not in listed
    assert "name it by its id" in of.run("keys", "revoke", token, code=1)


def test_a_key_with_a_role_does_what_the_role_allows_and_is_recorded(shared: tuple[Installation, str]) -> None:
    of, _ = shared
    more = ("--tenant", "default", "--role")
    assert "an append key appends" in of.run("keys", "create", "append", *more, "analyst", code=1)
    assert "there is no role boss" in of.run("keys", "create", "read", *more, "boss", code=1)
    assert "a key has no end" in of.run("keys", "create", "read", *more, "auditor", code=1)
    token = of.run("keys", "create", "read", *more, "analyst", "--label", "packets").split("\n")[0]
    assert "choose another label" in of.run("keys", "create", "read", *more, "viewer", "--label", "packets", code=1)
    with httpx.Client(base_url=of.server().url, headers={"authorization": f"Bearer {token}"}, timeout=30) as client:
        trail = client.get("/api/entries", params={"action": "service.change", "order": "newest", "limit": 1})
        (made,) = trail.json()["entries"]
        assert made["entry"]["by"] == "system:muniment"
        # Members are listed for who has member.read, which no plain read key has.
        assert client.get("/api/members").status_code == 200


def test_a_tenants_log_gets_another_key_and_seals_on(shared: tuple[Installation, str]) -> None:
    of, _ = shared
    made = of.run("tenants", "create", "acme", "--name", "Acme")
    key = re.search(r"append +(mk_\S+)", made)
    assert key is not None
    assert "there is a tenant acme already" in of.run("tenants", "create", "acme", code=1)
    assert "a slug has lower-case letters" in of.run("tenants", "create", "No Slug", code=1)
    assert "name it with --tenant: acme, default" in of.run("keys", "list", code=1)
    assert "public verification of acme is off" in of.run("tenants", "set", "acme", "--public-verify", "off")
    assert re.search(r"acme .* public verify off", of.run("tenants", "list"))
    assert "keys note 2" in of.run("logs", "rotate-key", "--tenant", "acme", "--revoke")
    with httpx.Client(verify=False, base_url=of.server().url, trust_env=False) as client:
        seq = append(client, key[1]).json()["seq"]

    def sealed() -> int:
        with psycopg.connect(of.places.database_url("app"), autocommit=True) as connection:
            return next(log.log.sealed for log in tenant_logs(connection) if log.slug == "acme")

    wait_for(lambda: sealed() > seq, "a checkpoint under the new key")
    assert home_has_no_problem(of)


def home_has_no_problem(of: Installation) -> bool:
    return json.loads(of.run("status", "--json"))["problems"] == []


def test_without_the_root_key_the_ledger_runs_and_only_its_own_steps_are_refused(
    once: Prepared, stopped: Installation
) -> None:
    (stopped.places.keys / "root.key").unlink()
    again = stopped.up()
    assert "WARNING" not in again
    assert "mk_" not in again
    with httpx.Client(verify=False, base_url=stopped.server().url, trust_env=False) as client:
        assert append(client, printed_key(once.said, "append")).status_code == 201
    assert "put it back for this one step" in stopped.run("tenants", "create", "late", code=1)
    assert "put it back for this one step" in stopped.run("logs", "rotate-key", code=1)


@pytest.mark.parametrize("victims", [("server",), ("database",), ("server", "database"), ("database", "server")])
def test_no_acknowledged_entry_is_lost_whatever_is_killed(
    once: Prepared, stopped: Installation, victims: tuple[str, ...]
) -> None:
    # A port of its own: while the server is dead, no other installation may take its address and the writers along.
    start = ("up", "--detach", "--port", str(free_port()))
    stopped.run(*start)
    load = Load(stopped, printed_key(once.said, "append"))
    load.at_least(100)
    for victim in victims:
        stopped.kill_server() if victim == "server" else stopped.kill_database()
    if "server" in victims:
        stopped.run(*start)
    # The same address again, and without `up` where only the database was killed.
    load.at_least(100)
    acknowledged = load.stop()
    assert acknowledged <= entries(stopped)
    wait_for(lambda: not any(job.failures for job in read_jobs(stopped.places)), "every job's recovery")
    with psycopg.connect(stopped.places.database_url("app"), autocommit=True) as connection:
        connection.execute("SELECT pg_notify('muniment_walk', %s)", [str(default_log(stopped).log.log_id)])
    asked = time.time()
    wait_for(lambda: walked_since(stopped, asked), "a walk over the whole log that holds")


def test_ones_own_postgresql_serves_and_its_administrator_is_forgotten(home: Installation, other_volume: Path) -> None:
    home.environment["MUNIMENT_KEYS"] = str(other_volume / "keys")
    with running_cluster() as own:
        with psycopg.connect(own.url(), autocommit=True) as admin:
            admin.execute("CREATE DATABASE own_ledger TEMPLATE template0")
        home.environment["DATABASE_URL"] = own.url(database="own_ledger")
        said = home.up()
        assert not home.places.postgres.exists()
        password = home.environment.pop("DATABASE_URL").split(":")[2].split("@")[0].encode()
        assert password not in Path(f"/proc/{home.server().pid}/environ").read_bytes()
        home.run("down")
        assert "your own PostgreSQL" in home.up()
        with httpx.Client(verify=False, base_url=home.server().url, trust_env=False) as client:
            assert append(client, printed_key(said, "append")).status_code == 201
        home.run("down")
        own.stop()
        assert "the database cannot be reached" in home.run("up", code=1)


def test_a_database_that_must_move_to_another_port_takes_the_server_along(
    once: Prepared, stopped: Installation
) -> None:
    stopped.up()
    before = stopped.server()
    load = Load(stopped, printed_key(once.said, "append"))
    load.at_least(50)
    port = int((stopped.places.postgres / "port").read_text())
    # Held still, so that the thief is there first.
    os.kill(before.pid, signal.SIGSTOP)
    stopped.kill_database()
    with socket.socket() as thief:
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        wait_for(lambda: bound(thief, port), "the database's port")
        thief.listen()
        os.kill(before.pid, signal.SIGCONT)
        wait_for(lambda: (stopped.places.postgres / "port").read_text().strip() != str(port), "the database's move")
        load.at_least(50)
    assert load.stop() <= entries(stopped)
    after = stopped.server()
    assert (after.pid, after.url) == (before.pid, before.url)


def bound(thief: socket.socket, port: int) -> bool:
    try:
        thief.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True


def test_sigterm_answers_what_has_begun_and_stops_everything(once: Prepared, stopped: Installation) -> None:
    stopped.up()
    server = stopped.server()
    load = Load(stopped, printed_key(once.said, "append"))
    load.at_least(50)
    os.kill(server.pid, signal.SIGTERM)
    wait_for(lambda: not server_is_running(stopped.places), "the server's end")
    acknowledged = load.stop()
    assert not (stopped.places.postgres / "data" / "postmaster.pid").exists()
    stopped.up()
    assert acknowledged <= entries(stopped)


def test_in_the_foreground_it_stops_on_ctrl_c_and_leaves_nothing_running(stopped: Installation) -> None:
    process = stopped.start("up")
    wait_for(lambda: server_is_running(stopped.places) and (stopped.places.run / "server.json").exists(), "the server")
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert said.endswith("Stop: Ctrl-C\nStopped.\n")
    assert "Nothing runs in" in stopped.run("down")
    assert stopped.run("status", code=1).count("PROBLEM") == 2


def test_two_ups_at_the_same_moment_make_one_ledger(home: Installation) -> None:
    both = [home.start("up", "--detach") for _ in range(2)]
    said = sorted(process.communicate(timeout=120)[0] for process in both)
    assert [process.returncode for process in both] == [0, 0], said
    assert sum("First start" in one for one in said) == 1
    assert sum("Muniment runs already" in one for one in said) == 1


def test_a_taken_port_is_refused_when_it_was_chosen_and_leaves_nothing_running(home: Installation) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert f"port {port} on 127.0.0.1 is taken" in home.run("up", "--port", str(port), code=1)
    assert not server_is_running(home.places)
    assert "Nothing runs in" in home.run("down")


def test_a_server_that_cannot_start_says_why_and_stops_what_it_started(home: Installation) -> None:
    home.environment["MUNIMENT_MAX_REQUEST"] = "much"
    assert "invalid literal for int() with base 10: 'much'" in home.run("up", "--detach", code=1)
    assert not server_is_running(home.places)
    assert not (home.places.postgres / "data" / "postmaster.pid").exists()


def test_an_empty_database_beside_known_heads_is_not_taken_for_a_first_start(stopped: Installation) -> None:
    """Whoever deletes the database must not get a fresh ledger that looks as if nothing had been there."""
    # What the home knows of its database is of this place, not of the one that it was copied from.
    stopped.up()
    stopped.run("down")
    (stopped.places.postgres / "data").rename(stopped.places.postgres / "gone")
    assert "the database holds no log, and" in stopped.run("up", code=1)
    assert not (stopped.places.postgres / "data" / "postmaster.pid").exists()


def test_a_home_that_was_copied_starts_with_its_own_database(once: Prepared, stopped: Installation) -> None:
    stopped.up()
    stopped.run("down")
    with Prepared(once.said, stopped.home).copy() as copied:
        # What the copy knows of its database leads to this one.
        stopped.up()
        copied.up()
        with httpx.Client(verify=False, base_url=copied.server().url, trust_env=False) as client:
            assert append(client, printed_key(once.said, "append"), tool="copied").status_code == 201
        assert ("copied" in tools(copied), "copied" in tools(stopped)) == (True, False)


def tools(of: Installation) -> set[str | None]:
    with psycopg.connect(of.places.database_url("app")) as connection:
        connection.execute("SELECT set_config('muniment.tenant', %s, false)", [str(default_log(of).log.tenant_id)])
        return {row[0] for row in connection.execute("SELECT tool FROM ledger.entries")}


def test_lost_keys_are_not_replaced_in_silence(stopped: Installation) -> None:
    stopped.places.keys.rename(stopped.home / "moved")
    assert "there are no keys here" in stopped.run("up", code=1)
    assert not list(stopped.places.keys.glob("root*"))


def test_a_killed_background_process_is_started_again(stopped: Installation) -> None:
    stopped.up()
    server = stopped.server()
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children")

    def background() -> list[int]:
        found = [
            int(pid) for task in children.parent.parent.iterdir() for pid in (task / "children").read_text().split()
        ]
        return [pid for pid in found if b"background_jobs" in command_of(pid)]

    wait_for(lambda: len(background()) == 1, "the background process")
    (first,) = background()
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: len(background()) == 1 and background() != [first], "its successor")
    killed_at = time.time()
    wait_for(lambda: any(job.good_at > killed_at for job in read_jobs(stopped.places)), "a good round of the successor")


def test_without_an_installation_every_command_says_what_to_do(home: Installation) -> None:
    for arguments in (("keys", "list"), ("tenants", "list"), ("logs", "rotate-key")):
        assert "there is no ledger in" in home.run(*arguments, code=1)
    assert "muniment up" in home.run("status", code=1)
    assert not home.home.exists()
