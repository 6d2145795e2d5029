"""Saved views, and taking out what the page shows."""

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.explorer.conftest import Installation, Reader, reading, seqs_in
from tests.support.people import csrf_token
from tests.support.servers import Tenant


def call(reader: Reader, method: str, path: str, value: object = None) -> httpx.Response:
    token = csrf_token(reader.get("/ledger?view=all"))
    return reader.client.request(
        method, f"/t/{reader.slug}{path}", json=value,
        headers={"X-CSRFToken": token, "Referer": reader.address("/ledger")},
    )  # fmt: skip


def test_a_view_is_saved_shown_opened_first_and_removed(reader: Reader) -> None:
    wanted, _ = reader.record(tool="mine")
    reader.record(tool="other")
    page = reader.post(
        "/ledger/views", {"name": "Mine <b>", "query": "tool=mine&columns=seq,action", "is_default": "yes"}
    )
    assert page.status_code == 200
    assert seqs_in(page) == [wanted]
    assert "Mine &lt;b&gt;" in page.text
    assert "<b>" not in page.text
    assert seqs_in(reader.get("/ledger")) == [wanted]
    assert len(seqs_in(reader.get("/ledger?view=all"))) > 1
    (view,) = call(reader, "GET", "/api/views").json()["views"]
    assert view["query"] == "tool=mine&columns=action%2Cseq"
    assert reader.post(f"/ledger/views/{view['id']}/remove", {}).status_code == 200
    assert call(reader, "GET", "/api/views").json()["views"] == []


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("", "tool=a"), ("x" * 65, ""), ("a\nb", ""), ("a\u202eb", ""), ("ok", "tool=a&tool=b"), ("ok", "older=abc"),
        ("ok", "next=//evil.example"), ("ok", "outcome=maybe"), ("ok", "nonsense"), ("ok", "trace=%00"),
    ],
    ids=["unnamed", "long", "lines", "turned", "twice", "cursor", "foreign", "outcome", "no-query", "zero"],
)  # fmt: skip
def test_a_view_that_cannot_be_read_later_is_not_saved(resident: Reader, name: str, query: str) -> None:
    assert call(resident, "POST", "/api/views", {"name": name, "query": query}).status_code == 422
    page = resident.post("/ledger/views", {"name": name, "query": query})
    assert "was not saved" in page.text
    assert call(resident, "GET", "/api/views").json()["views"] == []


def test_a_view_is_its_owners_until_it_is_shared(installation: Installation, tenant: Tenant) -> None:
    with reading(installation, tenant, "viewer") as owner, reading(installation, tenant, "auditor") as other:
        own = call(owner, "POST", "/api/views", {"name": "Own", "query": "tool=a"}).json()
        shared = call(owner, "POST", "/api/views", {"name": "Shared", "query": "tool=b", "shared": True}).json()
        assert [view["name"] for view in call(other, "GET", "/api/views").json()["views"]] == ["Shared"]
        assert call(other, "GET", f"/api/views/{own['id']}").status_code == 404
        assert call(other, "GET", f"/api/views/{shared['id']}").json()["query"] == "tool=b"
        for view in (own, shared):
            assert call(other, "DELETE", f"/api/views/{view['id']}").status_code == 404
            assert other.post(f"/ledger/views/{view['id']}/remove", {}).status_code == 404
        with reading(installation, tenant) as administrator:
            assert call(administrator, "DELETE", f"/api/views/{shared['id']}").status_code == 204
            assert call(administrator, "DELETE", f"/api/views/{own['id']}").status_code == 404
        assert [view["name"] for view in call(owner, "GET", "/api/views").json()["views"]] == ["Own"]


def test_who_may_only_read_shows_the_others_no_view(installation: Installation, tenant: Tenant) -> None:
    with reading(installation, tenant, "auditor", "engineer") as watched, reading(installation, tenant) as other:
        refused = call(watched, "POST", "/api/views", {"name": "Look here", "shared": True})
        assert (refused.status_code, refused.json()["field"]) == (422, "shared")
        page = watched.post("/ledger/views", {"name": "Look here", "query": "", "shared": "yes"})
        assert "was not saved" in page.text
        assert 'name="shared"' not in page.text
        assert 'name="shared"' in other.get("/ledger").text
        with tenant.client("read") as key:
            refused = key.post("/api/views", json={"name": "Look here", "shared": True})
            assert (refused.status_code, refused.json()["field"]) == (422, "shared")
            assert key.post("/api/views", json={"name": "Own"}).status_code == 201
        assert call(watched, "POST", "/api/views", {"name": "Own"}).status_code == 201
        assert call(other, "GET", "/api/views").json()["views"] == []


def test_another_tenants_view_is_not_found_even_when_it_is_shared(installation: Installation, tenant: Tenant) -> None:
    with reading(installation, tenant) as owner, reading(installation, installation.tenant()) as stranger:
        view = call(owner, "POST", "/api/views", {"name": "Shared", "shared": True}).json()
        assert call(stranger, "GET", f"/api/views/{view['id']}").status_code == 404
        assert call(stranger, "DELETE", f"/api/views/{view['id']}").status_code == 404
        assert stranger.post(f"/ledger/views/{view['id']}/remove", {}).status_code == 404
        assert call(stranger, "GET", "/api/views").json()["views"] == []
        assert "Shared" not in stranger.get(f"/ledger?view={view['id']}").text


def test_a_view_is_not_saved_without_the_forms_token(reader: Reader) -> None:
    path = f"/t/{reader.slug}/ledger/views"
    assert reader.client.post(path, data={"name": "x"}, headers={"Referer": reader.address("/")}).status_code == 403
    assert reader.client.post(f"/t/{reader.slug}/api/views", json={"name": "x"}).status_code == 403


def test_exported_lines_are_exactly_the_entries_that_match(reader: Reader) -> None:
    wanted = [reader.record(tool="mine")[0] for _ in range(3)]
    reader.record(tool="other")
    answer = reader.post("/ledger/export", {"query": "tool=mine", "form": "ndjson"})
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith("attachment")
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["seq"] for line in lines] == wanted
    last = reader.tenant.client("read").get("/api/entries", params={"action": "export.create"}).json()["entries"]
    assert [entry["entry"]["event"]["actor"]["id"] for entry in last] == [reader.person.subject]


def test_an_exported_bundle_verifies(installation: Installation, reader: Reader, tmp_path: Path) -> None:
    seq, _ = reader.record(tool="mine")
    installation.seal()
    answer = reader.post("/ledger/export", {"seq": str(seq), "form": "bundle"})
    assert answer.status_code == 200
    file = tmp_path / "taken.bundle"
    file.write_bytes(answer.content)
    command = [sys.executable, "-m", "muniment.cli.main", "verify", "--no-known-logs", str(file)]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout + said.stderr


def test_what_is_not_sealed_yet_is_no_bundle_and_the_page_says_so(reader: Reader) -> None:
    seq, _ = reader.record()
    page = reader.post("/ledger/export", {"seq": str(seq), "form": "bundle"})
    assert "not everything is sealed yet" in page.text


def test_an_export_needs_its_capability_a_fresh_second_factor_and_a_known_form(
    installation: Installation, tenant: Tenant
) -> None:
    with reading(installation, tenant, "analyst") as someone:
        someone.record(tool="mine")
        assert someone.post("/ledger/export", {"query": "", "form": "csv"}).status_code == 400
        assert someone.post("/ledger/export", {"query": "evil=1", "form": "ndjson"}).status_code == 400
        assert "nothing to export" in someone.post("/ledger/export", {"query": "tool=x", "form": "ndjson"}).text
        with tenant.in_database() as raw:
            raw.execute(
                "UPDATE django.tenants_profile SET step_up_seconds = 30 WHERE tenant_id = %s", [tenant.made.tenant_id]
            )
            raw.execute(
                "UPDATE django.members_role SET capabilities = array_remove(capabilities, 'export.create') "
                "WHERE tenant_id = %s", [tenant.made.tenant_id],
            )  # fmt: skip
        refused = someone.post("/ledger/export", {"query": "tool=mine", "form": "ndjson"})
        assert refused.status_code == 403
        assert '"seq"' not in refused.text
        assert 'data-open="export"' not in someone.get("/ledger").text
