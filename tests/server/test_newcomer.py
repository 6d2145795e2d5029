"""The first hour, as a newcomer lives it: start, set up, see entries arrive, invite an auditor, verify a bundle."""

import datetime as dt
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page

from tests.screenshots.first_run import Newcomer
from tests.screenshots.site import Site
from tests.support.browser import PHONE, Visitor, totp
from tests.support.browser import browser as browser
from tests.support.browser import visitor as visitor
from tests.support.browser import visitors as visitors
from tests.support.installations import append, installation, printed_key

pytestmark = pytest.mark.long

AUDITOR = ("audrey@audit.example", "Audrey Tang-Meyer", "eleven cranes over the harbour wall")


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with installation() as made:
        yield Site(made, made.up())


def entries_of(site: Site) -> list[tuple[str, str, str]]:
    """(action, actor, outcome) of the default tenant's log, in order."""
    tenant_id, _ = site.tenant("default")
    with site.connect("superuser", autocommit=True) as connection:
        rows = connection.execute(
            "SELECT action, actor_id, outcome FROM ledger.entries WHERE tenant_id = %s ORDER BY seq", [tenant_id]
        ).fetchall()
    return [(row[0], row[1], row[2]) for row in rows]


def accept(page: Page, link: str) -> None:
    """Take an invitation as somebody who has no account, with an authenticator app."""
    _, name, password = AUDITOR
    page.goto(link)
    page.get_by_label("Name").fill(name)
    page.locator("input[type=password]").first.fill(password)
    page.locator("main form button[type=submit]").click()
    page.get_by_role("heading", name="Add a second factor").wait_for()
    secret = "".join(page.locator("pre, code").first.inner_text().split())
    page.get_by_label("Code").fill(totp(secret))
    page.get_by_role("button", name="Add the app").click()
    page.get_by_role("link", name="I have kept them").click()
    page.wait_for_url(lambda url: "/account/" not in url)


def test_from_the_printed_link_to_a_verdict_in_the_browser(
    site: Site, visitor: Visitor, visitors: Callable[..., Visitor], tmp_path: Path
) -> None:
    page = visitor.page
    Newcomer().set_up(site, visitor, lambda page, title: None)

    # Entries arrive on the open page, and become sealed there.
    page.goto(f"{site.origin}/t/default/ledger")
    page.get_by_text("Live", exact=True).wait_for()
    with httpx.Client(verify=False, base_url=site.url, trust_env=False) as agent:
        assert append(agent, printed_key(site.said, "append"), actor={"type": "agent", "id": "agent:first"}).is_success
    row = page.locator("tr", has_text="agent:first")
    row.get_by_text("Sealed", exact=True).wait_for()
    page.locator("#count-sealed", has_text=page.locator("#count-size").inner_text()).wait_for()
    assert page.locator("#count-shown").inner_text() == str(page.locator("#ledger-rows tr").count())

    # An auditor is invited for a month, by a link that is shown once.
    page.goto(f"{site.origin}/t/default/members/invite")
    page.get_by_label("E-mail").fill(AUDITOR[0])
    page.get_by_label(re.compile(r"^\s*Auditor")).check()
    page.get_by_label("Ends on").fill((dt.datetime.now(dt.UTC) + dt.timedelta(days=30)).date().isoformat())
    page.get_by_role("button", name="Invite", exact=True).click()
    link = page.get_by_text(re.compile(r"http://localhost:\d+/t/default/join/\S+")).first.inner_text().strip()

    auditor = visitors(size=PHONE)
    accept(auditor.page, link)
    auditor.page.goto(f"{site.origin}/t/default/ledger")
    auditor.page.locator("tr", has_text="agent:first").get_by_role("link").last.click()
    auditor.page.get_by_role("heading", name="Receipt").wait_for()
    auditor.expect("status of 403")
    refused = auditor.page.goto(f"{site.origin}/t/default/members/invite")
    assert refused is not None
    assert refused.status == 403

    # What the administrator takes away is checked by the browser alone, against the pin that the start printed.
    page.goto(f"{site.origin}/t/default/ledger")
    page.get_by_role("button", name="Export these").click()
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Export", exact=True).click()
    bundle = tmp_path / "ledger.bundle"
    downloading.value.save_as(bundle)
    page.goto(f"{site.origin}/t/default/verify")
    page.locator("#bundle-files").set_input_files(bundle)
    page.locator("#bundle-pin-own").click()
    verdict = page.locator('#bundle-verdict[data-trust="pinned"]')
    verdict.wait_for()
    assert verdict.get_attribute("data-verdict") == "verified"
    pin = re.search(r"MUNIMENT_PIN='(.*)'", site.said)
    assert pin is not None
    (tmp_path / "pin.json").write_text(pin[1])
    said = site.running.run("verify", str(bundle), "--pin", str(tmp_path / "pin.json"), "--no-known-logs")
    assert "held against the root key of your pins" in said

    told = [action for action, _, _ in entries_of(site)]
    for action in ("member.join", "member.invite", "export.create", "record.read"):
        assert action in told, told
