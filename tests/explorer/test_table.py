"""The ledger page: what is asked for is what is shown, and nothing that a source wrote becomes markup."""

import re

import pytest

from muniment.server.explorer.columns import COLUMNS
from tests.explorer.conftest import Installation, Reader, reading, seqs_in
from tests.support.servers import Tenant

HOSTILE = "<script>alert(1)</script>"


def test_the_newest_entry_stands_first_and_each_row_says_whether_it_is_sealed(
    installation: Installation, reader: Reader
) -> None:
    first, _ = reader.record()
    installation.seal()
    second, _ = reader.record()
    page = reader.get("/ledger")
    assert page.status_code == 200
    assert seqs_in(page)[:2] == [second, first]
    rows = page.text.split("<tr data-seq=")
    assert "seal-recorded" in rows[1]
    assert "seal-sealed" in rows[2]


def test_filters_in_the_address_narrow_the_table_and_stand_as_chips(reader: Reader) -> None:
    wanted, _ = reader.record(tool="web_search", outcome="denied", controls=["nist-800-53r5:ac-2"], labels=["env=prod"])
    reader.record(tool="http_request")
    for query in (
        "tool=web_search", "outcome=denied", "control=nist-800-53r5:ac-2", "label=env%3Dprod",
        f"source={reader.source}&outcome=denied", "action=tool.*&outcome=denied", "within=15m&outcome=denied",
        "from=2020-01-01T00:00&outcome=denied",
    ):  # fmt: skip
        page = reader.get(f"/ledger?{query}")
        assert seqs_in(page) == [wanted], query
        assert page.text.count('class="chip-off"') == len(query.split("&")), query
    assert seqs_in(reader.get("/ledger?tool=web_search&outcome=success")) == []


def test_pages_go_to_older_entries_and_back_without_losing_or_doubling_any(reader: Reader) -> None:
    reader.record_many(120)
    whole = list(range(reader.size() - 1, -1, -1))
    seen: list[int] = []
    pages = []
    page = reader.get("/ledger")
    while True:
        seen += seqs_in(page)
        pages.append(seqs_in(page))
        older = re.search(r'href="([^"]*)" rel="next"|rel="next" href="([^"]*)"|href="([^"]*older=[^"]*)"', page.text)
        if older is None:
            break
        address = next(part for part in older.groups() if part).replace("&amp;", "&")
        page = reader.client.get(address)
        assert page.status_code == 200
    assert [seq for seq in seen if seq < len(whole)] == whole
    newer = re.search(r'href="([^"]*newer=[^"]*)"', page.text)
    assert newer is not None
    assert seqs_in(reader.client.get(newer[1].replace("&amp;", "&"))) == pages[-2]


@pytest.mark.parametrize(
    "query",
    [
        "outcome=%27%20OR%201=1--",
        "trace=zz",
        "label=nothing",
        "from=yesterday",
        "within=9y",
        "within=1h&from=2026-01-01T00:00",
        "order=random",
        "action=to*ol",
        "older=AAAA",
        "older=%00",
        "newer=../../etc",
        "actor=a%00b",
        f"tool={'x' * 2000}",
        "from=2026-02-01T00:00&to=2026-01-01T00:00",
    ],
    ids=lambda query: query[:24],
)
def test_a_filter_that_cannot_be_read_is_named_and_nothing_is_shown(resident: Reader, query: str) -> None:
    page = resident.get(f"/ledger?{query}")
    assert page.status_code == 400
    assert "cannot be read" in page.text
    assert seqs_in(page) == []


@pytest.mark.parametrize("name", ["action", "actor", "tool", "resource", "workspace", "control", "source"])
def test_a_filter_that_is_sql_finds_nothing(resident: Reader, name: str) -> None:
    page = resident.get("/ledger", params={name: "x' OR '1'='1"})
    assert page.status_code == 200
    assert seqs_in(page) == []
    assert "No entry matches" in page.text


def test_a_cursor_of_another_question_or_another_tenant_is_refused(installation: Installation, reader: Reader) -> None:
    reader.record_many(60)
    link = re.search(r'href="[^"]*older=([^"&]*)"', reader.get("/ledger").text)
    assert link is not None
    assert reader.get(f"/ledger?tool=x&older={link[1]}").status_code == 400
    with reading(installation, installation.tenant()) as other:
        other.record_many(60)
        assert other.get(f"/ledger?older={link[1]}").status_code == 400


def test_what_sources_write_is_shown_as_text_in_every_place(reader: Reader) -> None:
    turned = "reply\u202egpj.exe"
    seq, _ = reader.record(
        HOSTILE.encode(), tool=HOSTILE, actor={"id": HOSTILE, "type": "agent"},
        resource={"id": f'"onload="x{HOSTILE}', "type": "url"}, labels=[f"a={HOSTILE}"],
    )  # fmt: skip
    reader.record(tool=turned, actor={"id": "agent:" + "long" * 60, "type": "agent"})
    everything = ",".join(COLUMNS)
    for path in (f"/ledger?columns={everything}", f"/ledger/{seq}", f"/ledger/{seq}/panel", f"/ledger?tool={HOSTILE}"):
        page = reader.get(path)
        assert page.status_code == 200
        assert HOSTILE not in page.text, path
        assert 'title=""onload' not in page.text
        assert "&lt;script&gt;alert(1)" in page.text, path
        assert "\u202e" not in page.text.split("the canonical text", 1)[0], path
    assert r"reply\u202egpj.exe" in reader.get("/ledger").text


def test_a_persons_name_is_shown_as_long_as_they_are_a_member(installation: Installation, tenant: Tenant) -> None:
    with reading(installation, tenant, name="Grace Hopper") as grace, reading(installation, tenant) as ada:
        seq, _ = grace.record(actor={"id": grace.person.subject, "type": "user"})
        assert "Grace Hopper" in ada.get(f"/ledger?actor={grace.person.subject}").text
        with tenant.in_database() as raw:
            raw.execute("DELETE FROM django.members_membership WHERE user_id = %s", [grace.person.user_id])
        page = ada.get(f"/ledger/{seq}")
        assert "Grace Hopper" not in page.text
        assert grace.person.subject in page.text


def test_names_never_stand_in_another_tenants_ledger(installation: Installation, tenant: Tenant) -> None:
    with (
        reading(installation, tenant, name="Grace Hopper") as grace,
        reading(installation, installation.tenant()) as stranger,
    ):
        stranger.record(actor={"id": grace.person.subject, "type": "user"})
        assert "Grace Hopper" not in stranger.get("/ledger").text


def test_columns_and_density_are_kept_for_the_next_visit(reader: Reader) -> None:
    reader.record()
    chosen = reader.get("/ledger?column=seq&column=source&density=compact&view=all")
    assert "ledger-compact" in chosen.text
    again = reader.get("/ledger")
    assert "ledger-compact" in again.text
    assert re.findall(r'<th scope="col"[^>]*>([^<]*)</th>', again.text) == ["Source", "Seq"]


def test_a_forged_cookie_of_columns_does_no_more_than_choose_columns(reader: Reader) -> None:
    reader.record()
    reader.client.cookies.set("ledger_columns", "seq,<script>,__class__", domain="localhost.local", path="/")
    page = reader.get("/ledger", headers={"Cookie": _cookies(reader) + "; ledger_columns=seq,__class__"})
    assert page.status_code == 200
    assert re.findall(r'<th scope="col"[^>]*>([^<]*)</th>', page.text) == ["Seq"]


def _cookies(reader: Reader) -> str:
    return "; ".join(f"{c.name}={c.value}" for c in reader.client.cookies.jar if c.name != "ledger_columns")


def test_what_was_typed_leads_to_the_entry(reader: Reader) -> None:
    seq, reference = reader.record()
    entry_hash = reader.tenant.client("read").get(f"/api/entries/{seq}").json()["entry_hash"]
    for typed in (str(seq), f"#{seq}", reference, reference.partition("/")[2], entry_hash, f" {seq} "):
        answer = reader.get("/ledger", params={"q": typed}, follow_redirects=False)
        assert answer.status_code == 302, typed
        assert answer.headers["location"].endswith(f"/ledger/{seq}")


@pytest.mark.parametrize("typed", ["99999999", "9" * 16, "evt_x", "../..", "x" * 600, "src_/evt_", "0" * 64, "<b>"])
def test_what_leads_nowhere_says_so(resident: Reader, typed: str) -> None:
    page = resident.get("/ledger", params={"q": typed})
    assert page.status_code == 404
    assert "Nothing found" in page.text
    assert "<b>" not in page.text


def test_an_event_id_of_another_tenant_leads_nowhere(installation: Installation, reader: Reader) -> None:
    with reading(installation, installation.tenant()) as other:
        _, reference = other.record()
    assert reader.get("/ledger", params={"q": reference}).status_code == 404


def test_without_entries_the_page_says_what_to_do(resident: Reader) -> None:
    page = resident.get("/ledger?action=x.never")
    assert "No entry matches" in page.text
    assert "Show all entries" in page.text


def test_who_may_not_read_the_ledger_is_shown_none_of_it(installation: Installation, tenant: Tenant) -> None:
    with reading(installation, tenant) as someone:
        seq, _ = someone.record()
        with tenant.in_database() as raw:
            raw.execute(
                "UPDATE django.members_membership SET roles = '{}' WHERE user_id = %s", [someone.person.user_id]
            )
        for path in ("/ledger", f"/ledger/{seq}", f"/ledger/{seq}/panel", f"/ledger/{seq}/text", "/ledger/live"):
            assert someone.get(path).status_code == 403, path


def test_the_broken_entry_that_the_newest_walk_named_has_a_broken_seal(reader: Reader) -> None:
    seq, _ = reader.record()
    with reader.tenant.in_database() as raw:
        raw.execute(
            "INSERT INTO ledger.walks (log_id, tenant_id, number, started_at, finished_at, ok, total_rows, head, "
            "broken_at, report) VALUES (%s, %s, 1, now(), now(), false, %s, '\\x00', %s, '{}')",
            [reader.tenant.made.log_id, reader.tenant.made.tenant_id, reader.size(), seq],
        )
    row = reader.get("/ledger").text.split(f'<tr data-seq="{seq}"')[1].split("</tr>")[0]
    assert "seal-broken" in row
    assert "Broken" in row
