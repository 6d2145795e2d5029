"""The commands open, change, propose, close and export risks; accepting one is a person's, in the browser."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from muniment.cli.main import muniment
from tests.controls.conftest import service_token
from tests.exceptions.conftest import Office
from tests.populations.conftest import Desk
from tests.risks.conftest import Register, in_days
from tests.server.events import ulid
from tests.support.servers import client_with


@pytest.fixture
def desk(office: Office) -> Desk:
    return Desk(office.installation, office.tenant, f"src_{ulid()}", office.tenant.client("read"))


def run(office: Office, token: str, *arguments: str) -> Result:
    environment = {"MUNIMENT_URL": office.installation.url, "MUNIMENT_READ_KEY": token, "NO_PROXY": "*"}
    return CliRunner().invoke(muniment, ["risk", *arguments], env=environment)


def test_a_risk_from_its_opening_to_its_end(office: Office, register: Register, desk: Desk) -> None:
    token = service_token(desk, "analyst")

    def said(*arguments: str) -> str:
        answer = run(office, token, *arguments)
        assert answer.exit_code == 0, (answer.output, answer.exception)
        return answer.output

    opened = said(
        "open", "=Pass\u202ewords", "--owner", office.subject("asks"), "--review-on", str(in_days(30)),
        "--current", "4x4", "--inherent", "5x5", "--plan", "MFA", "--asset", "AST-1", "--control", "soc2:CC6.1",
    )  # fmt: skip
    risk = opened.partition(",")[0]
    assert ", version 1, open, high: entry " in opened
    assert "version 2, open, low" in said("change", risk, "--reason", "MFA is on", "--current", "2x2")
    assert risk in said("list", "--level", "low")
    assert "No risk is like that." in said("list", "--level", "critical")
    assert "decides on its page" in said("propose", risk, "--reason", "small", "--until", str(in_days(20)))
    shown = said("show", risk)
    assert "\u202e" not in shown
    for line in ("current     2 x 2", "controls    soc2:CC6.1", "MFA is on", "proposed until"):
        assert line in shown
    assert "1 low, 0 medium" in said("heatmap")
    assert "critical" in said("matrix")
    assert said("snapshot").startswith("1 risks, register ")
    (row,) = csv.DictReader(io.StringIO(said("export", "--accepted", "waiting")))
    assert (row["id"], row["title"], row["current"], row["level"]) == (risk, "'=Pass\u202ewords", "2x2", "low")
    assert len(json.loads(said("export", "--json"))["risks"]) == 1
    assert ", closed, " in said("close", risk, "--reason", "gone")
    assert ", open, " in said("reopen", risk, "--reason", "back")


def test_a_wrong_cell_a_missing_reason_and_a_risk_that_is_not_there_are_refused(office: Office, desk: Desk) -> None:
    token = service_token(desk, "analyst")
    assert "such as 3x5" in run(office, token, "change", "rsk_x", "--reason", "x", "--current", "6x1").output
    assert "Missing option '--reason'" in run(office, token, "close", "rsk_x").output
    assert "there is no such risk" in str(run(office, token, "show", "rsk_x").exception)
    assert "No such command 'accept'" in run(office, token, "accept", "rsk_x").output


def test_a_key_accepts_refuses_and_revokes_nothing_whatever_it_may_do(
    office: Office, register: Register, desk: Desk
) -> None:
    made = register.proposed(register.opened())
    with client_with(office.installation.url, service_token(desk, "approver")) as client:
        for verb in ("accept", "refuse", "revoke"):
            answer: httpx.Response = client.post(f"/api/risk-acceptances/{made.id}/{verb}", json={"comment": "fine"})
            said: Any = answer.json()
            assert (answer.status_code, said["type"]) == (403, "urn:muniment:problem:wrong-scope"), answer.text
    assert register.look("acceptance_for", made.id).state == "proposed"
    assert "not-a-person" in {event["facts"].get("reason") for event in office.entries("access.refuse")}
