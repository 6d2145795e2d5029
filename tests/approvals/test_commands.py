"""The commands show, check and put rules as files, and say who is away."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from muniment.cli.main import muniment
from tests.approvals.conftest import Office, day
from tests.controls.conftest import service_token
from tests.populations.conftest import Desk

RULES = """
max_days = 120

[[clauses]]
risk_levels = ["high", "critical"]
levels = [{ roles = ["approver"] }, {}]

[otherwise]
levels = [{ people = ["WHO"] }]
"""


@pytest.fixture
def token(office: Office) -> str:
    with office.tenant.client("read") as reading:
        return service_token(Desk(office.installation, office.tenant, "", reading), "administrator")


def run(office: Office, token: str, *arguments: str) -> Result:
    environment = {"MUNIMENT_URL": office.installation.url, "MUNIMENT_READ_KEY": token, "NO_PROXY": "*"}
    return CliRunner().invoke(muniment, ["approval", *arguments], env=environment)


def test_rules_go_out_as_a_file_are_checked_and_come_back(office: Office, token: str, tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    assert "which nobody wrote, in force" in run(office, token, "show").output
    file.write_text(RULES.replace("WHO", office.people["ada"].email))
    wrong = run(office, token, "check", str(file), "--risk", "high", "--requester", office.people["ada"].email)
    assert wrong.exit_code == 1
    assert "FAULT otherwise.levels[0] (self-approving)" in wrong.output
    assert "- An exception lasts at most 365 days" in wrong.output
    assert "+ An exception lasts at most 120 days" in wrong.output
    assert "row 1 takes the case" in wrong.output
    refused = run(office, token, "put", str(file), "--comment", "shorter")
    assert refused.exit_code == 1
    assert "decides alone" in str(refused.exception)
    file.write_text(RULES.replace('people = ["WHO"]', 'roles = ["approver"]'))
    assert "They can be saved" in run(office, token, "check", str(file)).output
    put = run(office, token, "put", str(file), "--comment", "shorter", "--number", "0")
    assert ", version 1, in force: entry " in put.output
    shown = run(office, token, "show", "--toml", "-o", str(file))
    assert shown.exit_code == 0
    assert "nothing would be changed" in str(run(office, token, "put", str(file), "--comment", "again").exception)
    file.write_text(json.dumps(json.loads(run(office, token, "show", "--json").output)["rules"]))
    same = run(office, token, "check", str(file))
    assert not [line for line in same.output.splitlines() if line.startswith(("+", "-"))]
    assert "version 1" in run(office, token, "versions").output
    file.write_text("max_days = [")
    assert "neither TOML nor JSON" in run(office, token, "check", str(file)).output


def test_who_is_away_is_said_listed_and_ended(office: Office, token: str) -> None:
    assert run(office, token, "away").output == "Nobody is away.\n"
    period = ["--from", day(0), "--until", day(2), "--zone", "Europe/Warsaw"]
    made = run(office, token, "delegate", office.people["ada"].email, "--to", office.people["bea"].email, *period)
    assert "running" in made.output, made.exception
    name = made.output.split()[0]
    assert name in run(office, token, "away").output
    assert "revoked" in run(office, token, "revoke", name, "--comment", "back").output
    assert run(office, token, "away").output == "Nobody is away.\n"
    assert name in run(office, token, "away", "--over").output
    assert "is no member here" in str(run(office, token, "delegate", "nobody@example.org", *period).exception)
