"""Tables of registers: one wrong row and nothing is kept, pages by cursor, what is taken out is what was shown."""

import csv
import io
from typing import Any

import httpx
import openpyxl

from tests.controls.conftest import Office
from tests.support.people import csrf_token
from tests.support.servers import client_with

HEADING = "code,name,criticality,description\n"


def send(office: Office, noun: str, content: bytes, **asked: str) -> httpx.Response:
    with client_with(office.desk.installation.url, office.token) as client:
        return client.post(f"/api/tables/{noun}/import", params=asked, content=content)


def rows(office: Office, noun: str, query: str = "") -> list[Any]:
    found: list[Any] = office.ask("GET", f"/api/tables/{noun}?{query}")["rows"]
    return found


def entries(office: Office, action: str) -> list[Any]:
    with office.desk.tenant.client("read") as reading:
        found: list[Any] = reading.get("/api/entries", params={"action": action, "limit": "1000"}).json()["entries"]
    return found


def test_one_bad_row_in_five_thousand_keeps_nothing_and_is_named(office: Office) -> None:
    lines = [f"A-{count},Asset {count},low,x" for count in range(5_000)]
    lines[3_210] = "A-3210,Asset 3210,enormous,x"
    answer = send(office, "assets", (HEADING + "\n".join(lines)).encode())
    assert answer.status_code == 422, answer.text
    assert "row 3,212, criticality: is one of low, medium, high, critical" in answer.json()["detail"]
    # Nothing is wrong with the cell itself here: the register alone knows that nobody has that address.
    lines[3_210] = "A-3210,Asset 3210,low,x"
    text = "code,name,criticality,description,owner\n" + ",\n".join(lines) + ",nobody@example.test"
    tried = send(office, "assets", text.encode(), dry_run="true").json()
    assert [(one["row"], one["column"]) for one in tried["faults"]] == [(5_001, "owner")]
    assert not tried["kept"]
    assert rows(office, "assets") == []
    assert entries(office, "asset.change") == []
    assert [one["entry"]["event"]["outcome"] for one in entries(office, "table.import")] == ["denied", "denied"]


def test_a_file_is_tried_kept_exported_and_brought_in_again_without_a_change(office: Office) -> None:
    text = (HEADING + 'B-1,"=HYPERLINK(""x"")",high,"one\ntwo"\nB-2,Two,low,\n').encode()
    tried = send(office, "assets", text, dry_run="true").json()
    assert (tried["kept"], tried["added"], rows(office, "assets", "q=B-1")) == (False, 2, [])
    kept = send(office, "assets", text).json()
    assert (kept["kept"], kept["added"], kept["changed"], kept["rows"]) == (True, 2, 0, 2)
    (entry,) = [
        one["entry"]["event"]
        for one in entries(office, "table.import")
        if one["entry"]["event"]["outcome"] == "success"
    ]
    assert f"sha256={kept['sha256']}" in entry["labels"]
    with client_with(office.desk.installation.url, office.token) as client:
        for form in ("csv", "xlsx"):
            taken = client.get("/api/tables/assets/export", params={"form": form})
            assert taken.status_code == 200, taken.text
            again = send(office, "assets", taken.content).json()
            assert (again["unchanged"], again["added"], again["changed"]) == (again["rows"], 0, 0), form
        shown = client.get("/api/tables/assets/export", params={"columns": "code,name", "q": "B-1"}).text
        assert list(csv.reader(io.StringIO(shown))) == [["code", "name"], ["B-1", '\'=HYPERLINK("x")']]
        book = openpyxl.load_workbook(io.BytesIO(client.get("/api/tables/assets/export?form=xlsx&q=B-1").content))
        assert [cell.data_type for cell in book.worksheets[0]["B"]] == ["s", "s"]


def test_pages_go_on_by_cursor_there_and_back_and_shift_nothing(office: Office) -> None:
    send(office, "assets", (HEADING + "".join(f"C-{count:02},x,low,\n" for count in range(7))).encode())
    first = office.ask("GET", "/api/tables/assets?q=C-&limit=3&sort=-code")
    assert [one["code"] for one in first["rows"]] == ["C-06", "C-05", "C-04"]
    send(office, "assets", (HEADING + "C-99,new,low,\n").encode())
    second = office.ask("GET", f"/api/tables/assets?q=C-&limit=3&sort=-code&cursor={first['next']}")
    assert [one["code"] for one in second["rows"]] == ["C-03", "C-02", "C-01"]
    last = office.ask("GET", f"/api/tables/assets?q=C-&limit=3&sort=-code&cursor={second['next']}")
    assert ([one["code"] for one in last["rows"]], last["next"]) == (["C-00"], None)
    for wrong in (f"q=D&limit=3&sort=-code&cursor={first['next']}", "cursor=x", "cursor=bnVsbA", "cursor=WzEsMiwzLDRd"):
        assert office.ask("GET", f"/api/tables/assets?{wrong}", 422)["field"] == "cursor"


def test_what_a_list_cannot_be_asked_is_refused_naming_it(office: Office) -> None:
    for query, field in (
        ("criticality=huge", "criticality"), ("sort=colour", "sort"), ("columns=code,colour", "columns"),
        ("limit=0", "limit"), ("limit=201", "limit"), ("colour=red", "colour"), ("q=" + "x" * 201, "q"),
    ):  # fmt: skip
        assert office.ask("GET", f"/api/tables/assets?{query}", 422)["field"] == field
    assert office.ask("GET", "/api/tables/incidents?started_from=2026-02-30", 422)["field"] == "started_from"
    office.ask("GET", "/api/tables/nothing", 404)
    office.ask("GET", "/api/tables/assets?q=x%00", 422)


def test_every_register_is_listed_taken_out_and_brought_in(office: Office) -> None:
    owner = office.owner.removeprefix("user:")
    files = {
        "policies": f"code,title,text,owner,effective_on\nP-1,Encryption,All disks,{owner},2026-01-01\n",
        "tasks": f"title,owner,due_on,recurrence\nRotate keys,{owner},2027-01-31,monthly\n",
        "findings": f"title,severity,owner,due_on\nNo backup,high,{owner},2027-01-31\n",
        "risks": f"title,owner,review_on,current,plan\nLoss of data,{owner},2027-01-31,3x4,Back up\n",
        "exceptions": "title,policy,scope,reason,risk_level,residual_risk,expires_on,owner\n"
        f"No encryption,P-1,One host,Too old,low,Little,2027-01-31,{owner}\n",
    }
    for noun, text in files.items():
        kept = send(office, noun, text.encode())
        assert (kept.status_code, kept.json().get("added")) == (200, 1), kept.text
        assert len(rows(office, noun)) == 1
        page = office.client.get(f"/t/{office.desk.tenant.made.slug}/tables/{noun}")
        assert page.status_code == 200
        assert "1 match" in page.text
    with client_with(office.desk.installation.url, office.token) as client:
        for noun in ("risks", "exceptions", "policies"):
            taken = client.get(f"/api/tables/{noun}/export", params={"form": "xlsx"})
            again = send(office, noun, taken.content).json()
            assert (again.get("unchanged"), again.get("added"), again.get("changed")) == (1, 0, 0), (noun, again)
    assert {one["table"] for one in office.ask("GET", "/api/tables")["tables"]} >= {*files, "assets", "incidents"}
    hits = office.ask("GET", "/api/search?q=encr")["hits"]
    assert {one["kind"] for one in hits} == {"policy", "exception"}
    assert office.ask("GET", "/api/search?q=backup+no&kind=finding")["hits"]
    assert not office.ask("GET", "/api/search?q=encryption+backup")["hits"]
    for odd in ("%27", "%26%21", "a%27:*|b"):
        office.ask("GET", f"/api/search?q={odd}", 200 if "a" in odd else 422)
    calendar = office.ask("GET", "/api/work/calendar?month=2027-01")
    assert {(one["day"], one["kind"]) for one in calendar["endings"]} == {
        ("2027-01-31", "tasks"),
        ("2027-01-31", "reviews"),
    }


def test_the_import_page_tries_names_rows_and_keeps_what_it_tried(office: Office) -> None:
    base = f"/t/{office.desk.tenant.made.slug}/tables/assets/import"

    def post(**said: Any) -> httpx.Response:
        token = csrf_token(office.client.get(base))
        files = {name: said.pop(name) for name in list(said) if name == "file"}
        return office.client.post(
            base, data={"csrfmiddlewaretoken": token, **said}, files=files or None,
            headers={"Referer": f"{office.client.base_url}{base}"},
        )  # fmt: skip

    wrong = post(file=("a.csv", (HEADING + "E-1,x,huge,\n").encode()))
    assert wrong.status_code == 422
    assert "is one of low, medium, high, critical" in wrong.text
    assert post().status_code == 422
    tried = post(file=("a.csv", (HEADING + "E-1,x,low,\n").encode()))
    assert "1 would be added" in " ".join(tried.text.split())
    assert rows(office, "assets", "q=E-1") == []
    packed = tried.text.partition('name="tried" value="')[2].partition('"')[0]
    kept = post(tried=packed, tried_name="a.csv", keep="1")
    assert kept.status_code in (200, 302), kept.text
    assert [one["code"] for one in rows(office, "assets", "q=E-1")] == ["E-1"]


def test_another_tenants_rows_are_not_in_any_list(office: Office) -> None:
    assert (
        "A-0"
        not in office.client.get(f"/t/{office.desk.tenant.made.slug}/tables/assets?q=A-0").text.partition("<tbody")[2]
    )
