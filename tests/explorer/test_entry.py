"""The page of one entry: its proof, its neighbours, its body for those who may see it, its causes and effects."""

import json
import secrets

import httpx
import pytest

from muniment.core.merkle import verify_inclusion
from muniment.core.tlogproof import parse_tlogproof
from muniment.ledger.bodies import erase_body
from muniment.ledger.connection import tenant_transaction
from tests.explorer.conftest import Installation, Reader, reading
from tests.server.events import ulid
from tests.support.servers import Tenant

SECRET = b'{"password":"hunter2-in-the-body"}'
ROLE = "UPDATE django.members_role SET capabilities = array_remove(capabilities, 'body.read') WHERE tenant_id = %s"


def test_the_page_shows_what_was_hashed_and_that_both_links_hold(installation: Installation, reader: Reader) -> None:
    reader.record()
    seq, _ = reader.record(tool="web_search")
    reader.record()
    installation.seal()
    page = reader.get(f"/ledger/{seq}").text
    text = reader.get(f"/ledger/{seq}/text")
    found = reader.tenant.client("read").get(f"/api/entries/{seq}").json()
    assert json.loads(text.content) == found["entry"]
    assert found["entry_hash"] in page
    assert "its text gives this hash" in page
    assert page.count("link holds") == 2
    assert "web_search" in page


def test_an_entry_that_was_changed_in_the_database_is_shown_as_what_it_is(reader: Reader) -> None:
    seq, _ = reader.record()
    reader.record()
    with reader.tenant.in_database() as raw, raw.transaction():
        raw.execute("SET LOCAL session_replication_role = replica")
        raw.execute(
            "UPDATE ledger.entries SET entry = replace(entry, 'success', 'failure') WHERE log_id = %s AND seq = %s",
            [reader.tenant.made.log_id, seq],
        )
    page = reader.get(f"/ledger/{seq}").text
    assert "its text gives another hash" in page
    assert "link broken" in page


def test_the_proof_file_proves_the_entry(installation: Installation, reader: Reader) -> None:
    seq, _ = reader.record()
    reader.record_many(9)
    installation.seal()
    made = parse_tlogproof(reader.get(f"/ledger/{seq}/proof").content)
    leaf = bytes.fromhex(reader.tenant.client("read").get(f"/api/entries/{seq}").json()["entry_hash"])
    verify_inclusion(seq, made.checkpoint.size, leaf, made.hashes, made.checkpoint.root)
    page = reader.get(f"/ledger/{seq}").text
    assert all(value.hex() in page for value in made.hashes)
    assert page.count('class="tree-node') == 1 + 2 * len(made.hashes)


def test_before_a_checkpoint_covers_it_the_page_says_that_nothing_is_proven(reader: Reader) -> None:
    seq, _ = reader.record()
    assert "Not proven yet" in reader.get(f"/ledger/{seq}").text
    answer = reader.get(f"/ledger/{seq}/proof")
    assert answer.status_code == 409


def test_a_body_is_shown_as_text_and_downloads_as_bytes(reader: Reader) -> None:
    seq, _ = reader.record(SECRET)
    page = reader.get(f"/ledger/{seq}").text
    assert "hunter2-in-the-body" in page
    assert "salt and body give it" in page
    body = reader.get(f"/ledger/{seq}/body")
    assert body.content == SECRET
    assert body.headers["content-type"] == "application/octet-stream"
    assert body.headers["content-disposition"].startswith("attachment")
    assert body.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe\x00", b"[" * 30_000, b"x" * 200_000, "\u202e\u0000".encode(), b'{"a":' * 900,
        b"</p><script>1</script>",
    ],
    ids=["binary", "deep", "large", "unseen", "unfinished", "markup"],
)  # fmt: skip
def test_hostile_bodies_are_drawn_without_harm(reader: Reader, body: bytes) -> None:
    seq, _ = reader.record(body)
    page = reader.get(f"/ledger/{seq}")
    assert page.status_code == 200
    assert "<script>1" not in page.text
    assert "\u202e" not in page.text
    assert len(page.text) < 300_000
    assert reader.get(f"/ledger/{seq}/body").content == body


def test_who_may_not_see_bodies_finds_them_nowhere(installation: Installation, tenant: Tenant) -> None:
    with reading(installation, tenant, "auditor") as auditor:
        seq, _ = auditor.record(SECRET)
        installation.seal()
        with tenant.in_database() as raw:
            raw.execute(ROLE, [tenant.made.tenant_id])
        for path in (
            f"/ledger/{seq}", f"/ledger/{seq}/panel", f"/ledger/{seq}/text", f"/ledger?q={seq}", "/ledger",
            f"/api/entries/{seq}", f"/api/entries/{seq}/graph", f"/api/entries/{seq}/neighbours",
        ):  # fmt: skip
            answer = auditor.get(path)
            assert answer.status_code == 200, path
            assert "hunter2" not in answer.text, path
        assert "body.read" in auditor.get(f"/ledger/{seq}").text
        refused = auditor.get(f"/ledger/{seq}/body")
        assert refused.status_code == 403
        assert "hunter2" not in refused.text


def test_an_erased_body_is_said_to_be_erased_and_by_which_entry(reader: Reader) -> None:
    seq, _ = reader.record(SECRET)
    made = reader.tenant.made
    with (
        reader.tenant.installation.database.connect("app", autocommit=True) as raw,
        tenant_transaction(raw, made.tenant_id),
    ):
        told = erase_body(raw, by="system:test", log_id=made.log_id, seq=seq)
    page = reader.get(f"/ledger/{seq}").text
    assert "Erased: body and salt are gone" in page
    assert f"Entry {told}</a> says when and by whom" in page
    assert "hunter2" not in page
    assert reader.get(f"/ledger/{seq}/body").status_code == 404


def test_causes_and_effects_are_drawn_and_said(reader: Reader) -> None:
    trace = {"id": secrets.token_hex(16)}
    asked, first = reader.record(action="agent.delegate", trace=trace)
    did, second = reader.record(
        tool="web_search", causes=[first], trace=trace, actor={"id": "agent:b", "type": "agent"}
    )
    told, _ = reader.record(action="agent.finish", causes=[second])
    gone = f"{reader.source}/evt_01ARZ3NDEKTSV4RRFFQ69G5FAV"
    reader.record(causes=sorted([second, gone]))
    graph = reader.get(f"/api/entries/{did}/graph").json()
    assert {node["seq"]: node["relation"] for node in graph["nodes"]} == {
        asked: "cause", did: "self", told: "effect", told + 1: "effect",
    }  # fmt: skip
    assert {"cause": first, "effect": second} in graph["edges"]
    assert graph["missing"] == [gone]
    assert graph["cut"] is False
    page = reader.get(f"/ledger/{did}").text
    assert page.count('class="graph-box') == 4
    assert page.count('class="graph-lane"') == 2
    assert gone in page


def test_a_graph_that_is_too_large_is_cut_and_says_so(reader: Reader) -> None:
    seq, start = reader.record()
    reader.record_many(80, causes=[start])
    graph = reader.get(f"/api/entries/{seq}/graph").json()
    assert len(graph["nodes"]) == 60
    assert graph["cut"] is True
    assert "Cut: at most 60 entries" in reader.get(f"/ledger/{seq}").text


def test_a_chain_longer_than_the_graph_goes_is_cut_and_says_so(reader: Reader) -> None:
    seq, reference = reader.record()
    for _ in range(9):
        seq, reference = reader.record(causes=[reference])
    graph = reader.get(f"/api/entries/{seq}/graph").json()
    assert [node["depth"] for node in graph["nodes"]] == [6, 5, 4, 3, 2, 1, 0]
    assert graph["cut"] is True
    assert graph["missing"] == []


def test_causes_that_go_round_in_a_circle_end(reader: Reader) -> None:
    later = f"evt_{ulid()}"
    _, first = reader.record(causes=[f"{reader.source}/{later}"])
    seq, _ = reader.record(id=later, causes=[first])
    graph = reader.get(f"/api/entries/{seq}/graph").json()
    assert len(graph["nodes"]) == 2
    assert len(graph["edges"]) == 2


def test_neighbours_are_told_with_their_links(reader: Reader) -> None:
    seq, _ = reader.record()
    answer = reader.get(f"/api/entries/{seq}/neighbours").json()
    assert answer["before"]["seq"] == seq - 1
    assert answer["before"]["link_holds"] is True
    assert answer["after"] is None
    assert reader.get("/api/entries/0/neighbours").json()["before"] is None


@pytest.mark.parametrize("seq", [99_999_999, 2**53, 2**63, 10**40])
def test_places_that_the_log_has_not_are_not_found(resident: Reader, seq: int) -> None:
    for path in ("", "/panel", "/text", "/proof", "/body"):
        assert resident.get(f"/ledger/{seq}{path}").status_code == 404, path
    for path in ("graph", "neighbours"):
        assert resident.get(f"/api/entries/{seq}/{path}").status_code == 404


def test_entries_of_another_tenant_are_not_found(installation: Installation, tenant: Tenant) -> None:
    with reading(installation, tenant) as someone, reading(installation, installation.tenant()) as stranger:
        someone.record_many(30)
        seq, reference = someone.record(tool="only-here")
        assert seq >= stranger.size()
        for path in ("", "/panel", "/text", "/proof", "/body"):
            assert stranger.get(f"/ledger/{seq}{path}").status_code == 404
        for path in ("graph", "neighbours"):
            assert stranger.get(f"/api/entries/{seq}/{path}").status_code == 404
        assert "only-here" not in stranger.get("/ledger").text
        theirs, _ = stranger.record(causes=[reference])
        graph = stranger.get(f"/api/entries/{theirs}/graph").json()
        assert graph["missing"] == [reference]
        answer = stranger.client.get(f"/t/{someone.slug}/ledger/{seq}")
        assert answer.status_code == 404
        assert "only-here" not in answer.text


def test_the_panel_is_a_part_of_a_page_with_the_same_proof(resident: Reader) -> None:
    seq = resident.size() - 1
    panel: httpx.Response = resident.get(f"/ledger/{seq}/panel", headers={"HX-Request": "true"})
    assert "<html" not in panel.text
    assert 'data-proof data-seq="' in panel.text or "Not proven yet" in panel.text
