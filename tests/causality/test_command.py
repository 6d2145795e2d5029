"""`muniment trace`: a trace in a terminal, an incident with its proof, and its timeline from the bundle alone."""

import json
import secrets
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from muniment.cli.trace import command
from tests.causality.conftest import delegation
from tests.explorer.conftest import Reader
from tests.server.events import ulid
from tests.support.servers import Installation


@pytest.fixture
def run(reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Run":
    monkeypatch.chdir(tmp_path)
    return Run(reader, tmp_path)


class Run:
    def __init__(self, reader: Reader, folder: Path) -> None:
        self.environment = {
            "MUNIMENT_URL": reader.tenant.installation.url,
            "MUNIMENT_READ_KEY": reader.tenant.made.tokens["read"],
            "MUNIMENT_STATE": str(folder / "state"),
        }

    def __call__(self, *arguments: str, offline: bool = False) -> Result:
        kept = {"MUNIMENT_STATE": self.environment["MUNIMENT_STATE"]} if offline else self.environment
        unset = {name: None for name in self.environment if name not in kept}
        return CliRunner().invoke(command, arguments, env={**kept, **unset})


def test_a_trace_is_a_tree_of_at_most_eighty_columns(reader: Reader, run: "Run", installation: Installation) -> None:
    made = delegation(reader, secrets.token_hex(16))
    said = run(made["called"][1])
    assert said.exit_code == 0, said.output
    lines = said.output.splitlines()
    failed = next(line for line in lines if "✕ FAILED" in line)
    assert failed.split()[0] == str(made["called"][0])
    assert f"tool.call http_request → {made['failed'][0]}" in failed
    refused = next(line for line in lines if "⊘ REFUSED" in line)
    assert refused.split()[0] == str(made["refused"][0])
    assert "tool.call delete_all" in refused
    assert "6 entries of 3 actors, 1 failed, 1 refused" in lines
    assert "Folded: 1 of 6 entries (1 on the line of what they ended)" in said.output
    assert "\x1b" not in said.output
    assert all(len(line) <= 80 for line in said.output.splitlines())
    assert f"6 entries, from {made['asked'][0]} on, are not sealed yet." in lines
    full = run(made["called"][1], "--full").output
    places = {line.split()[0] for line in full.splitlines() if line}
    assert {str(seq) for seq, _ in made.values()} <= places
    assert "Folded" not in full


def test_json_holds_all_pages_of_a_trace(reader: Reader, run: "Run") -> None:
    trace = secrets.token_hex(16)
    reader.record_many(700, trace={"id": trace})
    found = json.loads(run(trace, "--json").output)
    assert len(found["nodes"]) == 700
    assert found["cut"] == []


def test_an_incident_is_taken_away_verified_and_told_again_from_the_bundle_alone(
    reader: Reader, run: "Run", tmp_path: Path, installation: Installation
) -> None:
    later = f"evt_{ulid()}"
    reader.record(causes=[f"{reader.source}/{later}"])
    reader.record(id=later)
    installation.seal()
    said = run("--incident", _now(), "--within", "1h", "--output", "incident.bundle")
    assert said.exit_code == 0, said.output
    written = json.loads((tmp_path / "incident.json").read_text())
    assert written["bundle_digest"] == (tmp_path / "incident.bundle").read_text().splitlines()[-1].removeprefix("Z ")
    again = json.loads(run("--bundle", "incident.bundle", "--json", offline=True).output)
    assert again == {name: value for name, value in written.items() if name not in ("bundle", "bundle_digest")}
    assert written["bundle_digest"] in (tmp_path / "incident.md").read_text()
    said = run("--around", _now(), "--output", "incident.bundle")
    assert "overwrite it with --force" in str(said.exception)


def test_a_bundle_that_was_changed_has_no_timeline(
    reader: Reader, run: "Run", tmp_path: Path, installation: Installation
) -> None:
    reader.record(tool="original")
    installation.seal()
    assert run("--around", _now(), "--output", "i.bundle").exit_code == 0
    bundle = tmp_path / "i.bundle"
    bundle.write_bytes(bundle.read_bytes().replace(b'"original"', b'"forged!!"'))
    said = run("--bundle", "i.bundle", "--no-known-logs", offline=True)
    assert said.exit_code != 0
    assert "forged" not in said.output


def test_what_is_asked_wrongly_is_said(run: "Run") -> None:
    for arguments in ((), ("1", "--incident", "2"), ("1", "-o", "x"), ("--incident", "1", "--within", "5 minutes")):
        assert run(*arguments).exit_code == 2, arguments
    assert run("1", offline=True).exit_code == 2
    assert "not in this log" in str(run("99999999").exception)


def _now() -> str:
    return datetime.now(UTC).isoformat()
