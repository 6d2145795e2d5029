"""The verify page: ordering a walk, reading its report, checking bundles in the browser, saving the verifier."""

import json
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser

from muniment.keys import KeyRing
from muniment.ledger.audit_walks import Walk, walk_log
from muniment.ledger.heads import HeadDirectory
from muniment.verifier.browser.page import content_security_policy, verifier_page
from muniment.verifier.pins import Pins, parse_pin
from tests.support.browser import PHONE, visiting
from tests.support.people import Person, csrf_token, make_person
from tests.support.servers import Installation, Tenant

EVENT = {"action": "tool.call", "actor": {"type": "agent", "id": "agent:test"}, "outcome": "success"}


def record_some(tenant: Tenant, count: int = 3) -> None:
    with tenant.client() as client:
        for number in range(count):
            answer = client.post("/api/events", json={"event": EVENT, "payload": {"number": number}})
            assert answer.is_success, answer.text
    tenant.installation.seal()


def walk(tenant: Tenant) -> Walk:
    places = tenant.installation.places
    with tenant.installation.database.connect("app", autocommit=True) as connection:
        return walk_log(
            connection,
            tenant.made.tenant_id,
            tenant.made.log_id,
            pins=Pins(root=KeyRing(places.keys).root_verifier()),
            heads=HeadDirectory(places.heads),
        )


def bundle_of(tenant: Tenant, to: Path) -> Path:
    with tenant.client("read") as client:
        answer = client.post("/api/bundles", json={})
    assert answer.is_success, answer.text
    to.write_bytes(answer.content)
    return to


@pytest.fixture
def ada(installation: Installation, tenant: Tenant) -> Person:
    return make_person(installation, tenant)


def test_a_walk_is_ordered_and_its_report_shown(installation: Installation, tenant: Tenant, ada: Person) -> None:
    record_some(tenant)
    base = f"/t/{tenant.made.slug}"
    with ada.signed_in(tenant=tenant.made.slug) as client, installation.database.connect(autocommit=True) as heard:
        heard.execute("LISTEN muniment_walk")
        page = client.get(f"{base}/verify")
        assert "No walk has read this log" in page.text
        sent = client.post(f"{base}/verify/order", data={"csrfmiddlewaretoken": csrf_token(page)})
        assert sent.url.params["after"] == "0"
        assert [notice.payload for notice in heard.notifies(timeout=5, stop_after=1)] == [str(tenant.made.log_id)]
        waiting = client.get(f"{base}/verify/progress?after=0", headers={"HX-Request": "true"})
        assert waiting.status_code == 200
        assert "Reading the whole log" in waiting.text
        done = walk(tenant)
        answer = client.get(f"{base}/verify/progress?after=0", headers={"HX-Request": "true"})
        assert answer.headers["HX-Redirect"] == f"{base}/verify/walks/{done.number}"
        report = client.get(f"{base}/verify/walks/{done.number}").text
        assert 'data-check="chain" data-state="passed"' in report
        assert 'data-check="anchors" data-state="not_made"' in report


def test_a_broken_record_is_called_broken_and_the_place_named(tenant: Tenant, ada: Person) -> None:
    record_some(tenant)
    with tenant.in_database() as owner, owner.transaction():
        owner.execute("SET LOCAL session_replication_role = replica")
        owner.execute(
            "UPDATE ledger.entries SET entry = replace(entry, 'agent:test', 'agent:evil') "
            "WHERE log_id = %s AND seq = 5",
            [tenant.made.log_id],
        )
    assert not walk(tenant).ok
    with ada.signed_in(tenant=tenant.made.slug) as client:
        text = client.get(f"/t/{tenant.made.slug}/verify").text
        assert "The record does not hold" in text
        assert "entry 5" in text
        assert "No: walk 1 found that the record does not hold" in client.get(f"/t/{tenant.made.slug}/").text


def test_a_cut_log_is_called_broken_without_another_walk(tenant: Tenant, ada: Person) -> None:
    record_some(tenant)
    assert walk(tenant).ok
    with tenant.in_database() as owner, owner.transaction():
        owner.execute("SET LOCAL session_replication_role = replica")
        owner.execute("DELETE FROM ledger.entries WHERE log_id = %s AND seq = 6", [tenant.made.log_id])
        owner.execute("UPDATE ledger.heads SET size = 6 WHERE log_id = %s", [tenant.made.log_id])
    with tenant.client("read") as client:
        found = client.get("/api/overview").json()
    assert found["verdict"]["state"] == "broken"
    assert "missing or different" in found["verdict"]["sentence"]


def test_who_may_not_order_a_walk_is_refused_and_that_is_recorded(installation: Installation, tenant: Tenant) -> None:
    viewer = make_person(installation, tenant, "viewer")
    with viewer.signed_in(tenant=tenant.made.slug) as client:
        page = client.get(f"/t/{tenant.made.slug}/verify")
        assert "Walk the log now" not in page.text
        token = client.cookies["csrftoken"]
        answer = client.post(f"/t/{tenant.made.slug}/verify/order", headers={"X-CSRFToken": token})
        assert answer.status_code == 403
    with tenant.in_database() as owner:
        rows = owner.execute(
            "SELECT labels FROM ledger.entries WHERE log_id = %s AND action = 'access.refuse' AND actor_id = %s",
            [tenant.made.log_id, viewer.subject],
        ).fetchall()
    assert any("lacks=ledger.verify" in row[0] for row in rows)


def test_an_order_without_its_token_is_refused(tenant: Tenant, ada: Person) -> None:
    with ada.signed_in(tenant=tenant.made.slug) as client:
        assert client.post(f"/t/{tenant.made.slug}/verify/order").status_code == 403


@pytest.mark.parametrize("number", ["0", "2", "999999999999999999999999"])
def test_a_walk_that_is_not_there_is_not_found(tenant: Tenant, ada: Person, number: str) -> None:
    walk(tenant)
    with ada.signed_in(tenant=tenant.made.slug) as client:
        assert client.get(f"/t/{tenant.made.slug}/verify/walks/{number}").status_code == 404


def test_the_pin_on_the_page_is_one_that_verifiers_read(tenant: Tenant) -> None:
    record_some(tenant)
    with tenant.client("read") as client:
        pin = parse_pin(json.dumps(client.get("/api/pin?checkpoint=true").json()))
        assert "checkpoint" not in client.get("/api/pin").json()
    assert pin.origin == tenant.origin
    assert pin.genesis == tenant.made.genesis_hash
    assert pin.root == KeyRing(tenant.installation.places.keys).root_verifier()
    assert pin.checkpoint is not None


def test_walks_are_given_page_by_page(tenant: Tenant) -> None:
    for _ in range(3):
        walk(tenant)
    with tenant.client("read") as client:
        first = client.get("/api/audit/walks/history?limit=2").json()
        rest = client.get(f"/api/audit/walks/history?limit=2&cursor={first['cursor']}").json()
    assert [row["run"] for row in first["walks"]] == [3, 2]
    assert [row["run"] for row in rest["walks"]] == [1]
    assert rest["cursor"] is None


def test_the_single_file_verifier_is_given_to_everybody_with_its_own_policy(installation: Installation) -> None:
    base = installation.url.replace("127.0.0.1", "localhost")
    with httpx.Client(verify=False, base_url=base, trust_env=False) as client:
        answer = client.get("/verify/offline")
        assert answer.content == verifier_page()
        assert answer.headers["Content-Security-Policy"] == content_security_policy()
        assert "Content-Disposition" not in answer.headers
        saved = client.get("/verify/offline?download")
        assert saved.headers["Content-Disposition"] == 'attachment; filename="muniment_verify.html"'
        script = client.get("/verify/verifier.js")
        assert script.headers["Content-Type"].startswith("text/javascript")
        assert script.text.strip() in verifier_page().decode()


@pytest.mark.parametrize("size", [(1440, 900), PHONE], ids=["desktop", "phone"])
def test_a_bundle_dropped_on_the_page_is_checked_there(
    tenant: Tenant, ada: Person, browser: Browser, tmp_path: Path, size: tuple[int, int]
) -> None:
    record_some(tenant)
    bundle = bundle_of(tenant, tmp_path / "good.bundle")
    with visiting(browser, size=size) as visitor:
        ada.sign_in_context(visitor.context, tenant=tenant.made.slug)
        page = visitor.page
        page.goto(f"{ada.base}/t/{tenant.made.slug}/verify")
        page.locator("#bundle-files").set_input_files(bundle)
        verdict = page.locator("#bundle-verdict")
        verdict.wait_for()
        assert verdict.get_attribute("data-verdict") == "verified"
        assert "self-attested only" in verdict.inner_text()
        page.locator("#bundle-pin-own").click()
        page.locator('#bundle-verdict[data-trust="pinned"]').wait_for()
        assert page.locator('#bundle-result [data-check="keys"][data-state="passed"]').count() == 1


def test_an_altered_bundle_fails_in_the_browser_and_the_place_is_named(
    tenant: Tenant, ada: Person, browser: Browser, tmp_path: Path
) -> None:
    record_some(tenant)
    bundle = bundle_of(tenant, tmp_path / "altered.bundle")
    bundle.write_bytes(bundle.read_bytes().replace(b"agent:test", b"agent:evil", 1))
    with visiting(browser) as visitor:
        ada.sign_in_context(visitor.context, tenant=tenant.made.slug)
        page = visitor.page
        page.goto(f"{ada.base}/t/{tenant.made.slug}/verify")
        page.locator("#bundle-files").set_input_files(bundle)
        page.locator("#bundle-verdict").wait_for()
        said = page.locator("#bundle-verdict").inner_text()
        assert page.locator("#bundle-verdict").get_attribute("data-verdict") in ("failed", "malformed")
        assert "entry 5" in said or "line" in said
        assert page.locator('#bundle-result [data-state="failed"]').count() >= 1


def test_what_a_file_says_cannot_become_markup(tenant: Tenant, ada: Person, browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "<img src=x onerror=alert(1)>.bundle"
    file.write_bytes(b'H {"<script>alert(1)</script>"}\n')
    with visiting(browser) as visitor:
        ada.sign_in_context(visitor.context, tenant=tenant.made.slug)
        page = visitor.page
        page.goto(f"{ada.base}/t/{tenant.made.slug}/verify")
        page.locator("#bundle-files").set_input_files(file)
        page.locator("#bundle-result .callout").wait_for()
        assert page.locator("#bundle-result img, #bundle-result script, #bundle-name img").count() == 0
