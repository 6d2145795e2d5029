"""What each format writes, read back by readers that are not ours."""

import csv
import io
import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import rfc8785

from muniment.catalogs.actions import registry
from muniment.core.entry import entry_hash
from muniment.core.sampling import population_digest
from muniment.formats.csv import COLUMNS, uncell
from muniment.formats.exported import Exported
from muniment.formats.formats import FORMATS, WRITERS
from muniment.formats.ocsfclasses import class_of, table
from muniment.formats.oscal import AskedControl, OscalWriter, token
from tests.formats.entries import AWFUL, ORIGIN, awful_entries, entry, frame
from tests.formats.ocsf_schema import activities, faults

OSCAL = Path(__file__).parent / "schemas" / "oscal-1.2.1-assessment-results.json"


def written(name: str, entries: Sequence[Exported], batch: int = 4) -> bytes:
    writer = WRITERS[name](frame(len(entries)))
    parts = [writer.begin()]
    parts += [writer.add(entries[at : at + batch]) for at in range(0, len(entries), batch)]
    return b"".join([*parts, writer.end()])


def last_line(made: bytes) -> tuple[bytes, bytes]:
    """Everything before the last line, and that line."""
    cut = made.rstrip(b"\r\n").rfind(b"\n") + 1
    return made[:cut], made[cut:]


def ocsf_events(made: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in made.splitlines()]


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("count", [0, 1, len(AWFUL)])
def test_the_last_line_has_the_hash_of_everything_before_it(name: str, count: int) -> None:
    before, last = last_line(written(name, list(awful_entries())[:count]))
    assert sha256(before).hexdigest().encode() in last


@pytest.mark.parametrize("name", WRITERS)
def test_the_bytes_do_not_depend_on_how_entries_come(name: str) -> None:
    entries = list(awful_entries())
    assert written(name, entries, 1) == written(name, entries, 5) == written(name, entries, 100)


def test_json_is_one_document_and_every_text_in_it_is_what_was_hashed() -> None:
    entries = list(awful_entries())
    made = written("json", entries)
    document = json.loads(made)
    assert document["end"]["entries"] == len(entries) == len(document["entries"])
    assert (document["log"], document["checkpoint"]["size"], document["mapping"]["version"]) == (ORIGIN, 1000, "base-1")
    for shown in document["entries"]:
        assert entry_hash(rfc8785.dumps(shown["entry"])).hex() == shown["entry_hash"]
        assert [one["mark"] for one in shown["controls"]] == ["event", "mapping", "annotation"]


def test_a_line_of_ndjson_holds_the_exact_text_after_its_last_key() -> None:
    entries = list(awful_entries())
    _header, *lines, _end = written("ndjson", entries).splitlines()
    assert len(lines) == len(entries)
    for line, given in zip(lines, entries, strict=True):
        assert line[line.index(b',"entry":') + 9 : -1] == given.text
        assert entry_hash(given.text).hex() == json.loads(line)["entry_hash"]


def test_no_cell_of_csv_begins_like_a_formula_and_every_cell_can_be_had_back() -> None:
    entries = list(awful_entries())
    rows = list(csv.reader(io.StringIO(written("csv", entries).decode(), newline="")))
    assert tuple(rows[0]) == COLUMNS
    assert all(len(row) == len(COLUMNS) for row in rows)
    cells = [one for row in rows for one in row]
    assert not [one for one in cells if one.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"))]
    for row, text, given in zip(rows[1:-1], AWFUL, entries, strict=True):
        by = {name: uncell(value) for name, value in zip(COLUMNS, row, strict=True)}
        assert (by["tool"], by["resource"], json.loads(by["labels"])) == (text, text, [f"k={text}"])
        assert entry_hash(by["entry"].encode()).hex() == by["entry_hash"] == given.entry_hash.hex()
        assert (by["controls_of_event"], by["controls_annotated"]) == ("soc2:CC6.1", "gdpr:32")
    assert rows[-1][0] == "end"
    assert json.loads(uncell(rows[-1][1]) or uncell(rows[-1][-1]))["end"]["entries"] == len(entries)


@pytest.mark.parametrize("action", [*sorted(set(registry()) - {"x"}), "x.deploy.approve"])
def test_every_action_is_a_valid_ocsf_event_whoever_does_it_and_however_it_ends(action: str) -> None:
    entries = [
        entry(at, action, actor={"id": f"{kind}:1", "type": kind}, outcome=outcome, **changes)
        for at, kind in enumerate(("agent", "service", "session", "system", "user"))
        for outcome in ("success", "denied", "failure", "unknown")
        for changes in (
            {},
            {"resource": None, "labels": ["a=b"], "workspace": "w", "trace": {"id": "0" * 32}, "tool": "t"},
            {"resource": {"id": "usr_1", "type": "user"}},
        )
    ]
    made = ocsf_events(written("ocsf", entries, 100))
    assert not [fault for event in made for fault in faults(event)]
    assert made[0]["activity_name"] == (action if made[0]["activity_id"] == 99 else class_of(action).activity_name)


def test_the_table_of_ocsf_classes_says_what_the_published_schema_says() -> None:
    for kind in table()["class"].values():
        published = activities(kind["uid"])
        assert {int(number): caption for number, caption in kind["activities"].items()}.items() <= published.items()


def test_an_ocsf_event_holds_the_exact_text_and_is_chained_to_the_one_before() -> None:
    entries = list(awful_entries())
    *events, end = ocsf_events(written("ocsf", entries))
    before = None
    for event, given in zip([*events, end], [*entries, None], strict=True):
        (attestation,) = event["attestation_list"]
        fingerprint = attestation.pop("fingerprint")
        assert sha256(rfc8785.dumps(event)).hexdigest() == fingerprint["value"]
        assert attestation.get("prev_event", {}).get("fingerprint") == before
        assert attestation["authority_uid"] == ORIGIN
        assert "signatures" not in attestation, "no key of the ledger signs single events"
        before = fingerprint
        if given is not None:
            assert event["raw_data"].encode() == given.text
            assert event["unmapped"]["entry_hash"] == entry_hash(given.text).hex()
            assert event["raw_data_hash"]["value"] == sha256(given.text).hexdigest()
            assert event["metadata"]["sequence"] == given.document["seq"]
    assert end["unmapped"]["end"]["entries"] == len(entries)
    assert end["unmapped"]["checkpoint"]["size"] == 1000


def test_an_ocsf_event_that_is_altered_or_left_out_breaks_the_chain() -> None:
    events = ocsf_events(written("ocsf", list(awful_entries())))
    links = [event["attestation_list"][0].get("prev_event", {}).get("uid") for event in events]
    ids = [event["metadata"]["uid"] for event in events]
    assert links == [None, *ids[:-1]]
    events[3]["message"] = "nothing happened"
    said = events[3]["attestation_list"][0].pop("fingerprint")["value"]
    assert sha256(rfc8785.dumps(events[3])).hexdigest() != said


def asked() -> list[AskedControl]:
    return [
        AskedControl("soc2:CC6.1", "Logical access", frozenset({"soc2:CC6.1"})),
        AskedControl("hipaa:164.312(b)", "", frozenset({"hipaa:164.312(b)"}), frozenset({"tool.call", "x"})),
        AskedControl("own:AI-7", "", frozenset({"own:AI-7"}), frozenset({"x"}), frozenset({"x.other"})),
        AskedControl("gdpr:32", "", frozenset({"gdpr:32"})),
    ]


def oscal() -> bytes:
    entries = [
        entry(3),
        entry(7, "x.deploy", actor={"id": "user:usr_1", "type": "user"}),
        entry(9, "x.other"),
        entry(900, "model.invoke"),
    ]
    writer = OscalWriter(frame(len(entries)), asked())
    return b"".join([writer.begin(), writer.add(entries[:1]), writer.add(entries[1:]), writer.end()])


def test_oscal_results_are_valid_under_the_published_model() -> None:
    made = oscal()
    document = json.loads(made)
    validator = jsonschema_rs.validator_for(json.loads(OSCAL.read_bytes()))
    assert not [f"{one.instance_path}: {one.message}" for one in validator.iter_errors(document)]
    (result,) = document["assessment-results"]["results"]
    assert "findings" not in result, "whether a control is met is not the ledger's to say"
    counts = {"soc2:CC6.1": (4, 0), "hipaa:164.312(b)": (0, 3), "own:AI-7": (0, 1), "gdpr:32": (0, 0)}
    for seen, (control, (recorded, annotated)) in zip(result["observations"], counts.items(), strict=True):
        said = {one["name"]: one["value"] for one in seen["props"]}
        assert (said["control-id"], said["entries-recorded"]) == (control, str(recorded))
        assert (said["entries-annotated"], said["entries"]) == (str(annotated), str(recorded + annotated))
    props = {one["name"]: one["value"] for one in result["observations"][0]["props"]}
    assert props["population-digest"] == population_digest([3, 7, 9, 900]).hex()
    assert [one["title"].split()[0] for one in result["observations"]] == list(counts)
    hrefs = [one["href"] for one in result["observations"][0]["relevant-evidence"]]
    assert hrefs[0].endswith("/api/populations/count?control=soc2%3ACC6.1&size=1000")
    assert hrefs[1:] == ["https://ledger.example/api/entries/3/text", "https://ledger.example/api/entries/900/text"]
    known = {one["uuid"] for one in result["local-definitions"]["components"]}
    assert {one["subject-uuid"] for seen in result["observations"] for one in seen["subjects"]} <= known
    assert made == oscal()
    before, last = last_line(made)
    assert sha256(before).hexdigest().encode() in last


def test_the_validator_of_oscal_refuses_what_is_not_in_the_model() -> None:
    validator = jsonschema_rs.validator_for(json.loads(OSCAL.read_bytes()))
    document = json.loads(oscal())
    document["assessment-results"]["results"][0]["observations"][0]["verdict"] = "met"
    assert not validator.is_valid(document)


def test_the_validator_of_ocsf_refuses_what_is_not_in_the_schema() -> None:
    event = ocsf_events(written("ocsf", [entry(0)]))[0]
    assert faults({**event, "verdict": "met"})
    assert faults({name: value for name, value in event.items() if name != "actor"})
    assert faults({**event, "attestation_list": [{"chain_uid": "x"}]})


def test_control_ids_become_tokens_and_keep_their_own_spelling_beside_them() -> None:
    assert token("own:AI-7") == "AI-7"
    assert token("cfr11:11.50(a)(3)") == "_11.50.a.3"


def test_every_format_is_named_once() -> None:
    assert list(FORMATS) == ["json", "ndjson", "csv", "ocsf", "oscal"]
