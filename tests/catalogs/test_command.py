"""`muniment catalog` as somebody calls it."""

import json
from pathlib import Path

import pytest

from muniment.catalogs.shipped import catalog_ids
from muniment.cli.main import main
from tests.catalogs.support import SMALL, changed, text_of


def run(*arguments: object, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = 0
    try:
        main(["catalog", *map(str, arguments)])
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUNIMENT_STATE", str(tmp_path / "state"))


def test_list_prints_id_title_version_source_licence_class_and_count_of_each(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, _ = run("list", "--json", capsys=capsys)
    rows = {row["id"]: row for row in json.loads(out)}
    assert code == 0
    assert set(rows) == set(catalog_ids())
    assert rows["soc2"]["licence_class"] == "C"
    assert rows["soc2"]["count"] == 61
    assert all(row[key] for row in rows.values() for key in ("title", "version", "source", "licence", "count_source"))
    code, out, _ = run("list", capsys=capsys)
    assert "Not shipped, to be imported:" in out
    assert f"{len(rows)} catalogs." in out


def test_show_prints_a_framework_as_a_tree_and_a_control_with_its_crosswalks(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, _ = run("show", "soc2", capsys=capsys)
    assert code == 0
    assert "CC6  Logical and physical access\n  · CC6.1  " in out
    code, out, _ = run("show", "iso27001-2013:A.9.4.1", capsys=capsys)
    assert "superseded-by: iso27001-2022:A.8.3" in out
    code, out, _ = run("show", "soc2:CC6.1", "--json", capsys=capsys)
    assert json.loads(out)["parent"] == "CC6"


@pytest.mark.parametrize("name", ["soc9", "soc2:CC99"])
def test_what_is_not_there_is_refused_by_name(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run("show", name, capsys=capsys)
    assert code == 2
    assert name.rpartition(":")[2] in err


def test_validate_names_the_line_of_each_malformed_file_and_ends_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_bytes(text_of(SMALL))
    bad.write_bytes(changed(("count", "number"), 4))
    code, out, err = run("validate", good, bad, capsys=capsys)
    assert code == 2
    assert "good.json: catalog, 3 rules" in out
    assert "bad.json, line 12 (/count/number): the file says 4 rules and holds 3" in err
    code, out, _ = run("validate", good, "--json", capsys=capsys)
    assert (code, json.loads(out)[0]["ok"]) == (0, True)


def test_text_over_a_shipped_catalog_is_kept_and_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "own.csv"
    table.write_text("id,text\nCC6.1,Our words\n")
    code, out, _ = run("import", table, "--over", "soc2", capsys=capsys)
    assert code == 0
    assert "1 with text" in out
    assert "never exported" in out
    assert "Our words" in run("show", "soc2:CC6.1", capsys=capsys)[1]
    rows = {row["id"]: row for row in json.loads(run("list", "--json", capsys=capsys)[1])}
    assert [one for one, row in rows.items() if row["imported"]] == ["soc2"]


def test_a_table_of_law_becomes_a_catalog(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "ksc.csv"
    table.write_text("id;text\nArticle 8;Duties\nArticle 8(1);First\n")
    options = ("--id", "ksc", "--title", "KSC", "--class", "A", "--numbering", "eu-law", "--json")
    code, out, _ = run("import", table, *options, capsys=capsys)
    assert (code, json.loads(out)["count"]) == (0, 2)
    assert json.loads(run("show", "ksc:8.1", "--json", capsys=capsys)[1])["parent"] == "8"


def test_a_dry_run_keeps_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "acme.json"
    file.write_bytes(text_of(SMALL))
    code, out, _ = run("import", file, "--dry-run", capsys=capsys)
    assert code == 0
    assert "Nothing was kept" in out
    assert run("show", "acme-1", capsys=capsys)[0] == 2


@pytest.mark.parametrize(
    "options", [(), ("--over", "soc2", "--id", "x"), ("--id", "x")], ids=["neither", "both", "no title"]
)
def test_an_import_that_does_not_say_what_it_is_ends_with_2(
    options: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "t.csv"
    table.write_text("id,text\n1,a\n")
    assert run("import", table, *options, capsys=capsys)[0] == 2


def test_coverage_states_gaps_and_reads_a_tenants_overrides(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run("coverage", "soc2", "--gaps", capsys=capsys)
    assert code == 0
    assert "soc2:CC1.1  Control environment: Integrity and ethical values: nothing" in out
    assert "soc2:CC6.1" not in out
    document = {"format": "muniment-mapping/1", "name": "acme", "base": "base-1", "notes": "notes-1"}
    path = tmp_path / "mapping.json"
    path.write_text(json.dumps(document | {"annotate": {"x.policy.sign": {"add": ["soc2:CC1.1"]}}}))
    rows = json.loads(run("coverage", "soc2", "--overrides", path, "--json", capsys=capsys)[1])["rows"]
    assert next(row for row in rows if row["control"] == "soc2:CC1.1")["annotated"] == ["x.policy.sign"]
    path.write_text(json.dumps(document | {"annotate": {"x.policy.sign": {"add": ["soc2:CC99"]}}}))
    code, _, err = run("validate", path, capsys=capsys)
    assert code == 2
    assert "annotate.x.policy.sign.add[0]" in err


def test_export_prints_a_catalog_as_oscal_that_import_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run("export", "nis2", capsys=capsys)
    assert code == 0
    file = tmp_path / "nis2.json"
    file.write_text(out)
    assert run("import", file, "--id", "again", "--class", "A", capsys=capsys)[0] == 0
    assert "again" in run("list", capsys=capsys)[1]
