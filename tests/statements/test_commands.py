"""The commands say what the API says, and end with 1 where something does not hold."""

from pathlib import Path

from click.testing import CliRunner, Result

from muniment.cli.main import muniment
from tests.server.events import complete, ulid
from tests.support.servers import Tenant
from tests.support.sitting import sitting


def run(tenant: Tenant, *arguments: str) -> Result:
    environment = {
        "MUNIMENT_URL": tenant.installation.url,
        "MUNIMENT_READ_KEY": tenant.made.tokens["read"],
        "NO_PROXY": "*",
    }
    return CliRunner().invoke(muniment, list(arguments), env=environment)


def test_statements_signatures_and_changes_by_command(tenant: Tenant, tmp_path: Path) -> None:
    event = complete(f"src_{ulid()}", b'{"reason": "ticket \\u202e1"}', action="config.change")
    with tenant.client() as append:
        place = append.post("/api/events", json=event).json()["seq"]
    tenant.installation.seal()
    assert "soc2" in run(tenant, "statement", "list").output
    shown = run(tenant, "statement", "show", "cfr11")
    assert shown.exit_code == 0, shown.output
    assert "does not evidence" in shown.output
    written = tmp_path / "cfr11.json"
    issued = run(tenant, "statement", "issue", "cfr11", "-o", str(written))
    assert "recorded  entry" in issued.output, issued.output
    assert written.read_bytes().startswith(b'{"claim":')
    statement = issued.output.split()[0]
    assert run(tenant, "statement", "show", statement, "--again").exit_code == 0
    with tenant.in_database() as raw:
        raw.execute("UPDATE django.statements_issued SET text = replace(text, 'Part 11', 'Part 12')")
    altered = run(tenant, "statement", "show", statement, "--again")
    assert altered.exit_code == 1
    assert "DIFFERENT" in altered.output
    assert run(tenant, "statement", "show", "none").exit_code != 0
    listed = run(tenant, "change", "list")
    assert "ticket" in listed.output
    assert "\u202e" not in listed.output
    assert "None: no event is refused" in run(tenant, "change", "required").output
    assert run(tenant, "change", "require", "x.*").exit_code != 0
    assert "Nobody signed" in run(tenant, "sign", "show", str(place)).output
    with sitting(tenant, "analyst", name="Ada Byron") as analyst, tenant.client("read") as reading:
        hash_ = reading.get(f"/api/entries/{place}").json()["entry_hash"]
        order = {"seq": place, "hash": hash_, "meaning": "review", "password": analyst.person.password}
        made = analyst.client.post(
            analyst.address("/api/signatures"),
            json=order,
            headers={"X-CSRFToken": analyst.client.cookies["csrftoken"], "Referer": str(analyst.client.base_url)},
        ).json()
    signed = run(tenant, "sign", "show", str(place))
    assert signed.exit_code == 0, signed.output
    assert "Ada Byron" in signed.output
    with tenant.in_database() as raw, raw.transaction():
        raw.execute("SET LOCAL session_replication_role = replica")
        raw.execute(
            "UPDATE ledger.bodies SET body = convert_to(replace(convert_from(body, 'UTF8'), 'Ada', 'Eve'), 'UTF8') "
            "WHERE log_id = %s AND seq = %s",
            [tenant.made.log_id, made["entry"]],
        )
    forged = run(tenant, "sign", "show", str(place))
    assert forged.exit_code == 1
    assert "DOES NOT HOLD" in forged.output
    assert "/signatures/7" in run(tenant, "sign", "open", "7").output
