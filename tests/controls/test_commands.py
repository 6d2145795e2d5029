"""The commands define, import, change, retire and export controls, and print the matrix."""

import json
from pathlib import Path

from click.testing import CliRunner, Result

from muniment.cli.main import muniment
from tests.controls.conftest import Office


def run(office: Office, *arguments: str, given: str | None = None) -> Result:
    environment = {"MUNIMENT_URL": office.desk.installation.url, "MUNIMENT_READ_KEY": office.token, "NO_PROXY": "*"}
    return CliRunner().invoke(muniment, list(arguments), env=environment, input=given)


def test_from_a_starter_to_a_matrix(office: Office, tmp_path: Path) -> None:
    tried = run(office, "control", "import", "--starter", "cis-8-1", "--dry-run")
    assert tried.output == "18 would be defined, 0 would be changed, 0 unchanged\n"
    assert run(office, "control", "import", "--starter", "cis-8-1").output.startswith("18 defined")
    added = run(
        office, "control", "add", "AI-7", "--statement", "Agents ask\u202e first", "--owner", office.owner,
        "--criterion", "soc2:CC6.1", "--frequency", "daily", "--in-force",
    )  # fmt: skip
    assert added.output.startswith("own:AI-7, version 1, in-force: entry ")
    assert "version 2" in run(office, "control", "change", "AI-7", "--frequency", "weekly", "--reason", "enough").output
    shown = run(office, "control", "show", "AI-7").output
    assert "\u202e" not in shown
    assert "weekly" in shown
    assert "enough" in shown
    office.desk.record(3, controls=["own:AI-7"])
    office.desk.seal()
    matrix = run(office, "matrix").output
    assert "1 / 1 evidenced, 0 overdue; no audit recorded in 12 months (of the controls above: in-force)" in matrix
    assert "not counted  18 draft" in matrix
    exported = tmp_path / "controls.csv"
    assert run(office, "control", "export", "-o", str(exported)).exit_code == 0
    again = run(office, "control", "import", "-", given=exported.read_text())
    assert again.output == "0 defined, 0 changed, 19 unchanged\n"
    assert run(office, "matrix", "--csv").output.startswith("control,version,statement")
    assert "retired: entry" in run(office, "control", "retire", "own:AI-7", "--reason", "over").output
    assert len(json.loads(run(office, "control", "list", "--json").output)["controls"]) == 19


def test_what_is_refused_names_the_line_or_the_field(office: Office) -> None:
    wrong = run(office, "control", "import", "-", "--dry-run", given="id,frequency,statement\nA,hourly,x\nB B,,y\n")
    assert wrong.exit_code == 1
    assert wrong.output.splitlines() == [
        "line 2, frequency: is one of continuous, daily, weekly, monthly, quarterly, annually, per-event",
        "line 3, id: has 1 to 60 letters, digits, dots, hyphens and underscores, such as AI-7",
        "0 would be defined, 0 would be changed, 0 unchanged; nothing was imported",
    ]
    assert "line 2, frequency" in str(run(office, "control", "import", "-", given="id,frequency\nA,hourly\n").exception)
    for arguments, said in (
        (("control", "import"), "give either a CSV file or --starter"),
        (("matrix", "--json", "--csv"), "give either --json or --csv"),
    ):
        assert said in run(office, *arguments).output
    assert "criteria[0]" in str(
        run(office, "control", "add", "A", "--statement", "x", "--criterion", "soc2:CC99").exception
    )
    assert "sort" in str(run(office, "matrix", "--sort", "colour").exception)
