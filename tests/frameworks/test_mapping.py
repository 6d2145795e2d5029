"""A tenant's mapping holds for the entries behind the one that tells of it, and for no other."""

import hashlib
import json
import threading
from typing import Any

import psycopg
import pytest

from muniment.catalogs.overrides import DOMAIN, resolve
from muniment.core.errors import Refused
from muniment.ledger.append import append
from muniment.ledger.mappings import change_mapping, mapping_in_force, own_controls
from muniment.ledger.refused import MappingChanged
from muniment.ledger.submission import Submission
from tests.frameworks.conftest import Office, entry_of, inside, overrides, record
from tests.ledger.append_world import event as made_event
from tests.populations.conftest import Desk
from tests.server.events import complete

SHIPS = overrides(entry={"x.deploy.approve": {"add": ["soc2:CC8.1"]}})


def controls_of(desk: Desk, seq: int) -> set[str]:
    return set(entry_of(desk, seq)["controls"])


def test_a_change_is_recorded_with_its_text_and_holds_for_what_comes_after_it(desk: Desk, office: Office) -> None:
    (before,) = desk.record(1, action="x.deploy.approve")
    put = office.map(SHIPS)
    (after,) = desk.record(1, action="x.deploy.approve")
    told = entry_of(desk, put["entry"])
    assert (told["event"]["action"], told["map"], put["number"]) == ("mapping.change", "base-1", 1)
    assert f"mapping.version={put['version']}" in told["event"]["labels"]
    text = desk.reading.get(f"/api/entries/{put['entry']}/body").content
    assert text == resolve(SHIPS).text()
    assert put["digest"] == hashlib.sha256(DOMAIN + text).hexdigest()
    assert entry_of(desk, before)["map"] == "base-1"
    assert "soc2:CC8.1" not in controls_of(desk, before)
    assert entry_of(desk, after)["map"] == put["version"]
    assert "soc2:CC8.1" in controls_of(desk, after)
    office.map(None)
    (last,) = desk.record(1, action="x.deploy.approve")
    assert entry_of(desk, last)["map"] == "base-1"
    assert [one["number"] for one in office.api("GET", "/api/mapping/versions")["versions"]] == [2, 1]


def test_what_the_server_records_follows_the_mapping_and_what_the_ledger_records_of_itself_does_not(
    desk: Desk, office: Office
) -> None:
    put = office.map(overrides(entry={"population.save": {"add": ["soc2:CC8.1"]}}))
    desk.record(1, controls=["own:1"])
    desk.seal()
    desk.save(control="own:1")
    (saved,) = desk.entries(action="population.save")
    assert saved["entry"]["map"] == put["version"]
    assert "soc2:CC8.1" in saved["entry"]["controls"]
    refused = office.map(overrides("more", entry={"key.create": {"add": ["soc2:CC8.1"]}}), 422)
    assert refused["field"] == "entry.key.create"


def test_two_who_change_it_at_once_do_not_overwrite_each_other(office: Office) -> None:
    office.map(SHIPS)
    late = office.map(overrides("late"), 422, replaces="base-1")
    assert (late["field"], "in force is base-1.ours." in late["detail"]) == ("replaces", True)


def test_a_change_that_names_nothing_is_refused_by_its_field(office: Office) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        (overrides(entry={"tool.cal": {"add": ["soc2:CC8.1"]}}), "entry.tool.cal"),
        (overrides(annotate={"tool.call": {"add": ["soc2:CC99"]}}), "annotate.tool.call.add[0]"),
        (overrides(annotate={"tool.call": {"add": ["theirs:1"]}}), "annotate.tool.call.add[0]"),
        (overrides(annotate={"tool.call": {"add": ["own:gone"]}}), "annotate.tool.call.add[0]"),
        ({**SHIPS, "base": "base-9"}, "base"),
        ({**SHIPS, "more": 1}, "more"),
    ]
    for document, field in wrong:
        assert office.map(document, 422)["field"] == field
    assert office.api("GET", "/api/mapping")["version"] == "base-1"


def test_a_dry_run_says_what_would_be_in_force(office: Office) -> None:
    would = office.map(SHIPS, dry_run=True)
    assert (would["in_force"], would["changed"][0]["action"]) == (False, "x.deploy.approve")
    assert office.api("GET", "/api/mapping/versions")["versions"] == []


def test_control_ids_that_name_nothing_are_refused_by_place_and_the_others_are_recorded(desk: Desk) -> None:
    good, prefix, number, own = record(
        desk.tenant,
        complete(desk.source, controls=["own:1", "soc2:CC8.1"]),
        complete(desk.source, controls=["soc2:CC8.1", "theirs:1"]),
        complete(desk.source, controls=["soc2:CC99"]),
        complete(desk.source, controls=["own:gone"]),
    )
    assert good["state"] == "recorded"
    assert [one["field"] for one in (prefix, number, own)] == ["controls[1]", "controls[0]", "controls[0]"]
    assert "any catalog that is known here" in prefix["detail"]
    assert "SOC" in number["detail"] or "Trust Services" in number["detail"]


def test_records_of_opentelemetry_go_the_same_way(desk: Desk, office: Office) -> None:
    put = office.map(overrides(entry={"tool.call": {"add": ["soc2:CC8.1"]}}))
    span = {
        "traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331", "name": "execute_tool search",
        "startTimeUnixNano": "1772375000000000000", "endTimeUnixNano": "1772375001000000000",
        "attributes": [{"key": "gen_ai.operation.name", "value": {"stringValue": "execute_tool"}}],
    }  # fmt: skip
    with desk.tenant.client() as client:
        answer = client.post("/v1/traces", json={"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})
    assert answer.status_code == 200, answer.text
    newest = desk.get("/api/entries", limit=1)["entries"][0]["entry"]
    assert newest["map"] == put["version"]


def test_the_database_refuses_entries_under_a_mapping_that_is_not_in_force(desk: Desk, office: Office) -> None:
    office.map(SHIPS)
    made = desk.tenant.made
    key = f"ak_{made.tokens['append'].split('_')[1]}"
    with desk.installation.database.connect("ingest", autocommit=True) as raw, pytest.raises(MappingChanged):
        append(
            raw, key_id=key, log_id=made.log_id, submissions=[Submission(made_event())], controls=[()], mapping="base-1"
        )


def test_nobody_changes_what_was_in_force(desk: Desk, office: Office) -> None:
    office.map(SHIPS)
    for statement in (
        "UPDATE ledger.mappings SET resolved = '{}'", "DELETE FROM ledger.mappings",
        "DELETE FROM ledger.tenant_controls", "UPDATE ledger.logs SET mapping = 'base-1'",
    ):  # fmt: skip
        with pytest.raises(psycopg.errors.InsufficientPrivilege), inside(desk.tenant) as raw:
            raw.execute(statement.encode())


def test_a_version_that_is_not_of_its_text_is_refused(desk: Desk) -> None:
    forged = resolve(SHIPS)
    object.__setattr__(forged, "version", "base-1.ours.000000000000")
    with pytest.raises(Refused, match="is not the version of this mapping"), inside(desk.tenant) as raw:
        change_mapping(
            raw, desk.tenant.made.log_id, by="system:x", actor=("system", "system:x"), replaces="base-1",
            mapping=forged, document=json.dumps(SHIPS),
        )  # fmt: skip


def test_another_tenants_mapping_is_not_this_ones(desk: Desk, office: Office) -> None:
    office.map(SHIPS)
    other = desk.installation.tenant()
    with other.client("read") as client:
        assert client.get("/api/mapping").json()["version"] == "base-1"
        assert client.get("/api/mapping/versions").json()["versions"] == []
    with inside(other) as raw:
        assert mapping_in_force(raw, other.made.log_id).version == "base-1"
        assert raw.execute("SELECT count(*) FROM ledger.mappings").fetchone() == (0,)
        assert own_controls(raw, ["own:1"]) == frozenset()
    with pytest.raises(Refused, match="no such log"), inside(other) as raw:
        mapping_in_force(raw, desk.tenant.made.log_id)


def test_every_entry_that_comes_while_the_mapping_changes_names_the_one_in_force_at_its_place(
    desk: Desk, office: Office
) -> None:
    stop = threading.Event()
    answers: list[dict[str, Any]] = []

    def submit() -> None:
        while not stop.is_set():
            events = [complete(desk.source, action="x.deploy.approve") for _ in range(20)]
            answers.extend(record(desk.tenant, *events))

    threads = [threading.Thread(target=submit) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(4):
        office.map(overrides(f"n{number}", entry={"x.deploy.approve": {"add": ["soc2:CC8.1"]}}))
        office.map(None)
    stop.set()
    for thread in threads:
        thread.join()
    assert all(one.get("state") == "recorded" for one in answers)
    changes = {one["entry"]: one["version"] for one in office.api("GET", "/api/mapping/versions")["versions"]}
    places = sorted(one["seq"] for one in answers)
    with desk.tenant.in_database() as raw:
        maps: dict[int, str] = dict(
            raw.execute("SELECT seq, mapping FROM ledger.entries WHERE seq = ANY (%s)", [places]).fetchall()
        )
        held: dict[int, bool] = dict(raw.execute(
            "SELECT seq, 'soc2:CC8.1' = ANY (controls) FROM ledger.entries WHERE seq = ANY (%s)", [places]
        ).fetchall())  # fmt: skip
    for place in places:
        told = max((seq for seq in changes if seq < place), default=None)
        version = "base-1" if told is None else changes[told]
        assert maps[place] == version
        assert held[place] == (version != "base-1")
