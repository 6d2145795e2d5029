"""The pages lead from an empty tenant to a matrix, and say what the ledger recorded of each control."""

import re

from tests.controls.conftest import Office
from tests.populations.conftest import Desk, Reviewer

HOSTILE = "<script>alert(1)</script>"


def test_from_nothing_to_a_matrix_in_one_step(office: Office) -> None:
    office.desk.seal()
    assert "No control is defined" in office.get("/matrix").text
    made = office.submit("/controls/starter", "/matrix", framework="soc2")
    assert "61 drafts made" in made.text
    matrix = office.get("/matrix")
    assert "No control is in force yet" in matrix.text
    assert matrix.text.count("data-row-link") == 61
    assert re.search(r"\d+ / 61", matrix.text)
    assert "No audit recorded" in matrix.text


def test_a_control_is_defined_changed_and_retired_and_its_history_comes_from_the_ledger(office: Office) -> None:
    said = {"statement": f"Agents ask first {HOSTILE}", "owner": office.owner, "frequency": "daily"}
    wrong = office.submit("/controls/new", "/controls/new", id="AI 7", status="in-force", **said)
    assert wrong.status_code == 422
    assert "letters, digits" in wrong.text
    fields = {"id": "AI-7", "status": "in-force", "criteria": "soc2:CC6.1\nhipaa:164.312(b)", **said}
    shown = office.submit("/controls/new", "/controls/new", **fields)
    assert shown.url.path.endswith("/controls/own:AI-7")
    assert HOSTILE not in shown.text
    assert "SOC 2" in shown.text
    page = "/controls/own:AI-7"
    changing = office.get(f"{page}/change")
    assert 'name="number" value="1"' in changing.text
    changed = {**fields, "number": "1", "frequency": "weekly", "reason": "daily was too much"}
    again = office.submit(f"{page}/change", f"{page}/change", **changed)
    assert "daily was too much" in again.text
    assert "they agree" in again.text
    late = office.submit(f"{page}/change", f"{page}/change", **{**changed, "frequency": "monthly"})
    assert (late.status_code, "changed meanwhile" in late.text) == (422, True)
    retired = office.submit(f"{page}/retire", page, reason="nobody uses it", number="2")
    assert "Retired" in retired.text
    assert f"{page}/change" not in retired.text
    assert "own:AI-7" in office.get("/controls?status=retired").text
    with office.desk.tenant.in_database() as raw, raw.transaction():
        raw.execute("UPDATE django.controls_control SET statement = 'Nothing is asked' WHERE number = 2")
    broken = office.get(page)
    assert "Version 2: the row says something else than its entry" in broken.text


def test_a_table_is_tried_before_it_is_imported(office: Office) -> None:
    table = f"id,statement,owner\nAI-1,First,{office.owner}\nAI-2,Second,somebody\n"
    tried = office.submit("/controls/import", "/controls/import", csv=table)
    assert "1 row is wrong; nothing was imported" in tried.text
    good = table.replace("somebody", "")
    assert "Nothing is wrong with it" in office.submit("/controls/import", "/controls/import", csv=good).text
    done = office.submit("/controls/import", "/controls/import", csv=good, keep="1")
    assert "2 defined, 0 changed" in done.text
    assert "'" not in office.get("/controls.csv").text.splitlines()[1]


def test_the_matrix_leads_from_each_number_to_what_is_behind_it(office: Office) -> None:
    desk = office.desk
    office.define("AI-1", criteria=["soc2:CC6.1"], frequency="weekly")
    places = desk.record(4, controls=["own:AI-1"])
    desk.seal()
    population = desk.save("AI-1", control="own:AI-1")
    sample = desk.draw(population["id"], method="random", count=1)
    mark = {"exception": True, "comment": f"nobody approved {HOSTILE}"}
    office.post(f"/api/samples/{sample['id']}/items/{sample['places'][0]}/marks", **mark)
    matrix = office.get("/matrix?sort=-count").text
    (question,) = re.findall(r'href="[^"]*/populations/new\?([^"]+)"', matrix)
    number = re.search(rf'{re.escape(question)}">([\d,]+)</a>', matrix)
    assert number is not None
    counted = office.get(f"/populations/new?{question.replace('&amp;', '&')}")
    assert f"{number[1]} entr" in counted.text
    newest = re.search(r'/ledger/(\d+)">', matrix)
    assert newest is not None
    assert int(newest[1]) >= max(places)
    assert f"/populations/samples/{sample['id']}" in matrix
    assert "1 noted" in matrix
    assert "1 / 1" in matrix
    behind = office.get("/matrix/own:AI-1")
    assert "nobody approved" in behind.text
    assert HOSTILE not in behind.text
    assert "own:AI-1" in office.get("/matrix.csv?state=exceptions").text
    assert office.get("/matrix?from=2026-99-01").status_code == 400
    assert "No control is like that" in office.get("/matrix?state=clean").text


def test_who_only_looks_sees_the_pages_and_no_form(desk: Desk, office: Office) -> None:
    office.define("AI-1")
    desk.seal()
    with desk.reviewer("viewer").signed_in() as client:
        viewer = Reviewer(desk, client)
        for path in ("/controls", "/controls/own:AI-1", "/matrix", "/matrix/own:AI-1"):
            shown = viewer.get(path)
            assert shown.status_code == 200, path
            assert 'method="post" action="' not in shown.text.partition("<main")[2], path
        assert viewer.get("/controls/new").status_code == 403
        for path in ("/controls/own:AI-9", "/matrix/own:AI-9", "/controls/AI-1"):
            assert viewer.get(path).status_code == 404
