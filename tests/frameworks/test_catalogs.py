"""A tenant brings in text and frameworks; what is licensed stays with it, and what is wrong is refused by its line."""

import gzip
import hashlib
import json

from muniment.catalogs.catalogfile import format_catalog
from muniment.catalogs.shipped import catalog
from tests.frameworks.conftest import TABLE, Office, entry_of, packed, record
from tests.populations.conftest import Desk, Reviewer
from tests.server.events import complete

WORDS = "The entity implements logical access security software"
LICENSED = f"id,text\nCC6.1,{WORDS}\n"


def test_licensed_text_is_shown_inside_and_leaves_by_no_answer(desk: Desk, office: Office, reviewer: Reviewer) -> None:
    made = office.bring_in(LICENSED, name="tsc.csv", over="soc2")
    assert (made["licence_class"], made["imported"]["form"], made["imported"]["texts"]) == ("C", "overlay", 1)
    told = entry_of(desk, made["imported"]["entry"])
    assert told["event"]["resource"] == {"id": "soc2", "type": "catalog"}
    assert f"imported={hashlib.sha256(LICENSED.encode()).hexdigest()}" in told["event"]["labels"]
    assert WORDS in reviewer.get("/frameworks/soc2").text
    for path in ("/api/catalogs", "/api/catalogs/soc2", "/api/catalogs/soc2/coverage"):
        assert WORDS not in desk.reading.get(path).text
    assert WORDS not in desk.reading.get(f"/api/entries/{made['imported']['entry']}/body").text


def test_a_framework_of_its_own_can_be_named_by_events_of_its_tenant_alone(desk: Desk, office: Office) -> None:
    assert record(desk.tenant, complete(desk.source, controls=["lamps:A.1"]))[0]["field"] == "controls[0]"
    made = office.bring_in(TABLE, id="lamps", title="Lamps", licence_class="A")
    assert [row["text"] for row in made["requirements"]] == ["The lamps burn at night", "The doors are shut"]
    assert record(desk.tenant, complete(desk.source, controls=["lamps:A.1"]))[0]["state"] == "recorded"
    assert record(desk.tenant, complete(desk.source, controls=["lamps:A.9"]))[0]["field"] == "controls[0]"
    other = desk.installation.tenant()
    assert (
        record(other, complete("src_01J8ZQ6N3V5X7Y9A1B2C3D4E5F", controls=["lamps:A.1"]))[0]["field"] == "controls[0]"
    )
    with other.client("read") as client:
        assert client.get("/api/catalogs/lamps").status_code == 404
        assert client.get("/api/catalogs/lamps/coverage").status_code == 404
        assert "lamps" not in {one["id"] for one in client.get("/api/catalogs").json()["catalogs"]}


def test_the_newest_import_counts_and_every_one_is_kept(desk: Desk, office: Office) -> None:
    office.bring_in(TABLE, id="lamps", title="Lamps")
    office.bring_in(TABLE + "A.3,Windows,\n", id="lamps", title="Lamps, again")
    found = desk.get("/api/catalogs/lamps")
    assert (found["title"], found["count"]) == ("Lamps, again", 3)
    assert [one["number"] for one in found["imports"]] == [2, 1]


def test_what_is_shipped_cannot_be_made_freer_or_fewer(office: Office) -> None:
    ours = json.loads(format_catalog(catalog("soc2")))
    freer = office.bring_in(json.dumps(ours | {"licence_class": "A"}), 422, name="soc2.json")
    assert (freer["field"], "cannot make it A" in freer["detail"]) == ("licence_class", True)
    rows = [row for row in ours["requirements"] if row["id"] != "CC9.2"]
    count = ours["count"] | {"number": ours["count"]["number"] - 1}
    fewer = office.bring_in(json.dumps(ours | {"requirements": rows, "count": count}), 422, name="soc2.json")
    assert "CC9.2" in fewer["detail"]
    assert office.bring_in(TABLE, 422, id="own", title="Ours")["field"] == "id"


MALFORMED: list[tuple[str | bytes, dict[str, str], str]] = [
    ("id,label\nA.1,Lights\nA.1,Again\n", {"id": "lamps", "title": "Lamps"}, "file.csv, line 3"),
    ("id,label\nA 1,Lights\n", {"id": "lamps", "title": "Lamps"}, "file.csv, line 2"),
    ('{"format": "muniment-catalog/1",\n "id": }', {}, "file.csv, line 2"),
    (LICENSED.replace("CC6.1", "CC99"), {"over": "soc2"}, "file.csv, line 2"),
    (b"\xff\xfe", {"id": "lamps", "title": "Lamps"}, "file.csv, line 1"),
    ('{"profile": {}}', {"id": "lamps"}, "profile"),
]


def test_a_malformed_file_is_refused_by_its_line_and_recorded(desk: Desk, office: Office) -> None:
    for text, order, said in MALFORMED:
        refused = office.bring_in(text, 422, **order)
        assert (refused["field"], said in refused["detail"]) == ("file", True), refused
    told = [one["entry"]["event"] for one in desk.entries(action="catalog.import")]
    assert {one["outcome"] for one in told} == {"denied"}
    for one, (text, _order, _said) in zip(told, MALFORMED, strict=True):
        given = text.encode() if isinstance(text, str) else text
        assert f"imported={hashlib.sha256(given).hexdigest()}" in one["labels"]
    assert "lamps" not in {one["id"] for one in desk.get("/api/catalogs")["catalogs"]}


def test_a_packed_file_is_unpacked_within_bounds(desk: Desk, office: Office) -> None:
    made = office.bring_in(gzip.compress(TABLE.encode()), gzip=True, id="lamps", title="Lamps")
    assert made["imported"]["imported"] == hashlib.sha256(TABLE.encode()).hexdigest()
    bomb = gzip.compress(bytes(17 << 20))
    assert "unpacks to more than" in office.bring_in(bomb, 422, gzip=True, id="lamps", title="Lamps")["detail"]
    cut = gzip.compress(TABLE.encode())[:-9]
    assert office.bring_in(cut, 422, gzip=True, id="lamps", title="Lamps")["field"] == "file"
    no_base64 = office.api("POST", "/api/catalogs", 422, name="a", file="%%%", id="lamps")
    assert no_base64["field"] == "file"


def test_a_dry_run_counts_and_keeps_nothing(desk: Desk, office: Office) -> None:
    would = office.bring_in(TABLE, 200, id="lamps", title="Lamps", dry_run=True)
    assert (would["rows"], would["texts"], would["new_controls"], would["kept"]) == (2, 2, 2, False)
    assert desk.entries(action="catalog.import") == []
    assert desk.reading.get("/api/catalogs/lamps").status_code == 404


def test_bringing_in_needs_the_capability(desk: Desk) -> None:
    answer = desk.reading.post("/api/catalogs", json={"name": "a", "file": packed(TABLE), "id": "lamps"})
    assert answer.status_code == 403
    assert desk.reading.put("/api/mapping", json={"document": None, "replaces": "base-1"}).status_code == 403
