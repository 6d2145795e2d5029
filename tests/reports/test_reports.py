"""Reports are made under a checkpoint, recorded by their hash, and their numbers can be asked for again."""

import json
from pathlib import Path

from tests.populations.conftest import Desk
from tests.reports.conftest import LAYOUT


def test_every_number_of_a_report_is_asked_for_again(desk: Desk, run, pdf: Path) -> None:  # type: ignore[no-untyped-def]
    desk.record(3, controls=["soc2:CC9.2"])
    desk.seal()
    checked = run("verify", str(pdf))
    print(checked.output)
    assert checked.exit_code == 0, checked.output


def test_all_kinds(desk: Desk, run, pdf: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    population = desk.save(action="tool.call")["id"]
    sample = desk.draw(population, method="random", count=2)
    desk.seal()
    layout = tmp_path / "layout.json"
    layout.write_text(json.dumps(LAYOUT))
    for name, order in (
        ("i", ("integrity",)),
        ("c", ("custom", population, "--layout", str(layout))),
        ("f", ("control", "--framework", "soc2")),
    ):
        out = f"/tmp/s5/re/{name}.pdf"
        made = run("report", *order, "-o", out, "--force")
        assert made.exit_code == 0, made.output + repr(made.exception)
        print(made.output)
        checked = run("verify", out)
        print(checked.output)
        assert checked.exit_code == 0, checked.output
