"""Sources: who is heard and who is silent, gaps, and connecting something until its first event is there."""

import json
import os
import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.support.browser import visiting
from tests.support.people import Person, make_person, submit
from tests.support.servers import Installation, Tenant

ONE, TWO = "src_01K00000000000000000000001", "src_01K00000000000000000000002"


@pytest.fixture
def ada(installation: Installation, tenant: Tenant) -> Person:
    return make_person(installation, tenant)


def send(tenant: Tenant, source: dict[str, object], count: int = 1) -> None:
    event = {"action": "tool.call", "actor": {"type": "agent", "id": "agent:one"}, "outcome": "success"}
    with tenant.client() as client:
        for _ in range(count):
            answer = client.post("/api/events", json={"event": {**event, "source": source}})
            assert answer.is_success, answer.text


def as_if_earlier(tenant: Tenant, source: str, minutes: int) -> None:
    """Move what a source sent into the past, as only the owner of the tables could."""
    with tenant.in_database() as owner, owner.transaction():
        owner.execute("SET LOCAL session_replication_role = replica")
        owner.execute(
            "UPDATE ledger.entries SET recorded_at = greatest(recorded_at - make_interval(mins => %s), "
            "date_trunc('month', recorded_at)) WHERE log_id = %s AND source_id = %s",
            [minutes, tenant.made.log_id, source],
        )


def listed(tenant: Tenant) -> dict[str, dict[str, object]]:
    with tenant.client("read") as client:
        return {row["id"]: row for row in client.get("/api/sources").json()["sources"]}


def test_a_source_is_heard_and_belongs_to_the_key_that_it_came_with(tenant: Tenant) -> None:
    send(tenant, {"id": ONE}, 5)
    found = listed(tenant)[ONE]
    assert found["last_hour"] == 5
    assert found["silent"] is False
    assert found["numbered"] is False
    assert found["key_id"] == "ak_" + tenant.made.tokens["append"][3:29]


def test_a_source_that_is_still_for_longer_than_it_ever_was_is_silent(tenant: Tenant, ada: Person) -> None:
    send(tenant, {"id": ONE}, 5)
    send(tenant, {"id": TWO}, 5)
    as_if_earlier(tenant, ONE, 11)
    found = listed(tenant)
    assert (found[ONE]["silent"], found[TWO]["silent"]) == (True, False)
    assert found[ONE]["silent_after_seconds"] == 600
    with ada.signed_in(tenant=tenant.made.slug) as client:
        overview = client.get(f"/t/{tenant.made.slug}/").text
        assert f"/sources/{ONE}" in overview
        assert f"/sources/{TWO}" not in overview
        silent = client.get(f"/t/{tenant.made.slug}/sources?state=silent").text
        assert ONE in silent
        assert TWO not in silent


def test_a_source_with_too_few_entries_is_not_called_silent(tenant: Tenant) -> None:
    send(tenant, {"id": ONE}, 2)
    as_if_earlier(tenant, ONE, 60)
    assert listed(tenant)[ONE]["silent"] is False
    assert listed(tenant)[ONE]["silent_after_seconds"] is None


def test_the_servers_own_source_is_never_silent(tenant: Tenant) -> None:
    own = next(row for row in listed(tenant).values() if row["own"])
    assert own["silent"] is False


def test_a_gap_in_the_numbers_is_named_on_the_page_of_its_source(tenant: Tenant, ada: Person) -> None:
    epoch, zeros = "a" * 32, "0" * 64
    for number in (0, 1, 4):
        send(tenant, {"id": ONE, "epoch": epoch, "seq": number, "prev": zeros if number == 0 else "b" * 64})
    with tenant.client("read") as client:
        numbers = client.get(f"/api/sources/{ONE}").json()["numbering"]
    assert [(gap["first"], gap["last"], gap["named"]) for gap in numbers["gaps"]] == [(2, 3, False)]
    with ada.signed_in(tenant=tenant.made.slug) as client:
        page = client.get(f"/t/{tenant.made.slug}/sources/{ONE}").text
    assert "2 to 3" in page
    assert "Numbers are missing" in page


@pytest.mark.parametrize("source", [ONE, "nothing", "src_' OR 1=1 --", "%00"])
def test_a_source_of_another_tenant_is_not_found(
    installation: Installation, tenant: Tenant, ada: Person, source: str
) -> None:
    other = installation.tenant()
    send(other, {"id": ONE})
    with ada.signed_in(tenant=tenant.made.slug) as client:
        assert client.get(f"/t/{tenant.made.slug}/sources/{source}").status_code == 404
    with tenant.client("read") as client:
        assert client.get(f"/api/sources/{source}").status_code == 404


def connect(ada: Person, tenant: Tenant, kind: str) -> list[str]:
    """What a set-up page says is to be pasted, in its order."""
    with ada.signed_in(tenant=tenant.made.slug) as client:
        page = submit(client, f"/t/{tenant.made.slug}/sources/connect/{kind}", {"label": kind})
    assert page.status_code == 200, page.text
    return [unescape(text) for text in re.findall(r"<code>((?:(?!</code>).)*)</code></pre>", page.text, re.DOTALL)]


def run(script: str, home: Path, *, program: str | None = None) -> str:
    """Run pasted text in a shell with a state directory of its own, `muniment` being this one."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MUNIMENT_")}
    environment |= {"MUNIMENT_STATE": str(home), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-euc", script],
        input=program,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def actions_of(tenant: Tenant) -> list[str]:
    with tenant.client("read") as client:
        entries = client.get("/api/entries?order=oldest").json()["entries"]
    own = ("log.", "keys.", "key.", "tenant.", "user.", "mfa.")
    return [row["entry"]["event"]["action"] for row in entries if not row["entry"]["event"]["action"].startswith(own)]


def test_the_curl_command_records_as_it_stands(tenant: Tenant, ada: Person, tmp_path: Path) -> None:
    (command,) = connect(ada, tenant, "http")
    receipt = json.loads(run(command, tmp_path))
    assert receipt["state"] == "recorded"
    assert actions_of(tenant) == ["tool.call"]


def test_the_program_for_any_language_records_as_it_stands(tenant: Tenant, ada: Person, tmp_path: Path) -> None:
    (program,) = connect(ada, tenant, "any")
    assert json.loads(run("python -", tmp_path, program=program))["state"] == "recorded"


@pytest.fixture
def sealing(tenant: Tenant, installation: Installation) -> None:
    """The log is sealed, so that its pin names a checkpoint."""
    installation.seal()


def shipped(tenant: Tenant, settings: str, ship: str, home: Path) -> None:
    """Ship in the way that was said, while the log is sealed as `muniment up` would do."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MUNIMENT_")}
    environment |= {"MUNIMENT_STATE": str(home), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    with subprocess.Popen(
        ["bash", "-euc", f"{settings}\n{ship}"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        while True:
            try:
                said, _ = process.communicate(timeout=0.5)
                break
            except subprocess.TimeoutExpired:
                tenant.installation.seal()
    assert process.returncode == 0, said


@pytest.mark.usefixtures("sealing")
def test_the_python_set_up_records_and_proves_as_it_stands(tenant: Tenant, ada: Person, tmp_path: Path) -> None:
    _install, settings, program, ship = connect(ada, tenant, "python")
    run(f"{settings}\npython -", tmp_path, program=program)
    shipped(tenant, settings, ship, tmp_path)
    assert actions_of(tenant) == ["agent.start", "tool.call"]
    found = next(row for row in listed(tenant).values() if not row["own"])
    assert found["numbered"] is True


@pytest.mark.usefixtures("sealing")
def test_the_set_up_for_processes_records_and_proves_as_it_stands(tenant: Tenant, ada: Person, tmp_path: Path) -> None:
    _install, settings, command, event, ship = connect(ada, tenant, "process")
    run(f"{settings}\n{command}\n{event}", tmp_path)
    shipped(tenant, settings, ship, tmp_path)
    assert actions_of(tenant) == ["process.start", "process.exit", "x.deploy.finish"]


@pytest.mark.usefixtures("sealing")
def test_the_shipper_set_up_ships_what_is_there(tenant: Tenant, ada: Person, tmp_path: Path) -> None:
    run("muniment record x.before.connected", tmp_path)
    settings, ship = connect(ada, tenant, "shipper")
    shipped(tenant, settings, ship, tmp_path)
    assert actions_of(tenant) == ["x.before.connected"]


SERVER = """
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": {"content": []}}), flush=True)
"""


@pytest.mark.usefixtures("sealing")
def test_the_mcp_set_up_records_a_call_as_it_stands(tenant: Tenant, ada: Person, tmp_path: Path) -> None:
    _install, configuration = connect(ada, tenant, "mcp")
    entry = json.loads(configuration)
    server = tmp_path / "server.py"
    server.write_text(SERVER)
    own = entry["args"][: entry["args"].index("--") + 1]
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "git_log", "arguments": {}}}
    state = tmp_path / "state"
    done = subprocess.run(
        [str(Path(sys.executable).parent / entry["command"]), *own, sys.executable, str(server)],
        input=json.dumps(call) + "\n",
        env={**entry["env"], "MUNIMENT_STATE": str(state), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["id"] == 1
    settings = "\n".join(f"export {name}='{value}'" for name, value in entry["env"].items())
    shipped(tenant, settings, "muniment ship", state)
    assert {"tool.call", "tool.result", "process.start", "process.exit"} <= set(actions_of(tenant))


def test_the_wizard_waits_until_the_first_event_and_leads_to_it(
    tenant: Tenant, ada: Person, browser: Browser, tmp_path: Path
) -> None:
    with visiting(browser) as visitor:
        ada.sign_in_context(visitor.context, tenant=tenant.made.slug)
        page = visitor.page
        page.goto(f"{ada.base}/t/{tenant.made.slug}/sources/connect")
        page.get_by_role("link", name="curl and HTTP").click()
        page.get_by_role("button", name="Make the key and show what to paste").click()
        page.get_by_text("Waiting for the first event").wait_for()
        command = page.locator("pre code").first.inner_text()
        run(command, tmp_path)
        arrived = page.get_by_text("It arrived")
        arrived.wait_for()
        seq = page.locator("#waiting a").first.inner_text()
        page.locator("#waiting a").first.click()
        page.wait_for_url(f"**/ledger/{int(seq)}")


def test_a_kind_of_capture_that_is_not_known_is_not_found(tenant: Tenant, ada: Person) -> None:
    with ada.signed_in(tenant=tenant.made.slug) as client:
        assert client.get(f"/t/{tenant.made.slug}/sources/connect/telepathy").status_code == 404
