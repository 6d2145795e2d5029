"""The explorer in a real browser: rows that come in, keys, the side panel, and a proof that is checked there."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from tests.explorer.conftest import Installation, Reader, reading
from tests.support.browser import Visitor, until

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def known(installation: Installation) -> Iterator[Reader]:
    with reading(installation, installation.tenant()) as someone:
        someone.record_many(60, tool="first")
        installation.seal()
        yield someone


@pytest.fixture
def page(visitor: Visitor, known: Reader) -> Page:
    known.person.sign_in_context(visitor.context)
    return visitor.page


def open_live(page: Page, known: Reader, query: str = "") -> None:
    page.goto(known.address(f"/ledger{query}"))
    expect(page.locator("#live-word")).to_have_text("Live")


def test_a_new_entry_slides_in_and_its_seal_closes(page: Page, known: Reader, installation: Installation) -> None:
    open_live(page, known)
    seq, _ = known.record(tool="<b>new</b>")
    row = page.locator(f'#ledger-rows tr[data-seq="{seq}"]')
    expect(row).to_contain_text("<b>new</b>")
    expect(row.locator("a.seal")).to_have_text("Recorded")
    assert page.locator("#ledger-rows tr").first.get_attribute("data-seq") == str(seq)
    installation.seal()
    expect(row.locator("a.seal")).to_have_text("Sealed")


def test_while_someone_reads_further_down_or_paused_new_rows_wait_behind_a_count(page: Page, known: Reader) -> None:
    open_live(page, known)
    page.mouse.wheel(0, 900)
    until(page, "scrollY > 200")
    seq, _ = known.record()
    pill = page.locator("#live-pill")
    expect(pill).to_have_text("1 new")
    expect(page.locator(f'tr[data-seq="{seq}"]')).to_have_count(0)
    pill.click()
    expect(page.locator(f'tr[data-seq="{seq}"]')).to_be_visible()
    until(page, "scrollY === 0")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#live-word")).to_have_text("Paused")
    known.record_many(3)
    expect(pill).to_have_text("3 new")
    page.get_by_role("button", name="Go on").click()
    expect(pill).to_be_hidden()


def test_the_table_is_read_with_the_keyboard(page: Page, known: Reader) -> None:
    open_live(page, known)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("j")
    here = page.evaluate("document.activeElement.dataset.seq")
    assert here == page.locator("#ledger-rows tr").nth(1).get_attribute("data-seq")
    page.keyboard.press("p")
    panel = page.locator("#panel")
    expect(panel).to_be_visible()
    expect(panel.locator("h2").first).to_have_text(f"Entry {here}")
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    page.locator(f'tr[data-seq="{here}"]').focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/ledger/{here}")
    page.keyboard.press("k")
    page.wait_for_url(f"**/ledger/{int(here) - 1}")


def test_the_slash_key_jumps_to_an_entry(page: Page, known: Reader) -> None:
    open_live(page, known)
    page.keyboard.press("/")
    page.keyboard.type("12")
    page.keyboard.press("Enter")
    page.wait_for_url("**/ledger/12")


def test_filters_stand_in_the_address_without_empty_ones(page: Page, known: Reader) -> None:
    open_live(page, known)
    page.locator("[data-open=filters]").click()
    page.fill("#f-tool", "first")
    page.locator("#filter-form button[type=submit]").click()
    page.wait_for_url("**/ledger?tool=first")
    expect(page.locator(".chip-value")).to_have_text("first")
    page.get_by_label("Remove filter Tool first").click()
    page.wait_for_url("**/ledger?view=all")


def test_a_proof_is_verified_in_the_browser_and_says_what_was_not_checked(page: Page, known: Reader) -> None:
    page.goto(known.address("/ledger/20"))
    page.get_by_role("tab", name="Proof").click()
    page.locator("[data-verify]").click()
    results = page.locator("[data-results] li")
    expect(results).to_have_count(6)
    assert [item.get_attribute("data-state") for item in results.all()] == ["good"] * 5 + ["none"]
    expect(results.last).to_contain_text("signatures")


@pytest.mark.parametrize("what", ["text", "proof"])
def test_a_server_that_hands_out_something_else_is_caught_in_the_browser(page: Page, known: Reader, what: str) -> None:
    def forged(route: Route) -> None:
        answer = route.fetch()
        body = answer.body()
        if what == "text":
            route.fulfill(response=answer, body=body.replace(b"success", b"failure"))
        else:
            lines = body.split(b"\n")
            lines[2], lines[3] = lines[3], lines[2]
            route.fulfill(response=answer, body=b"\n".join(lines))

    page.goto(known.address("/ledger/20"))
    page.route(f"**/ledger/20/{what}", forged)
    page.get_by_role("tab", name="Proof").click()
    page.locator("[data-verify]").click()
    expect(page.locator('[data-results] li[data-state="bad"]').first).to_be_visible()
    expect(page.locator('[data-results] li[data-state="none"]').last).to_be_visible()


def test_a_seal_opens_its_proof_beside_the_table_and_it_can_be_verified_there(page: Page, known: Reader) -> None:
    open_live(page, known, "?tool=first")
    page.locator('#ledger-rows tr[data-seq="20"] a.seal').click()
    panel = page.locator("#panel")
    expect(panel).to_contain_text("link holds")
    panel.locator("[data-verify]").click()
    expect(panel.locator('li[data-state="good"]')).to_have_count(5)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/ledger", "/ledger/20", "/ledger?tool=never", "/ledger?trace=zz"])
def test_the_pages_are_accessible(page: Page, known: Reader, visitor: Visitor, scheme: str, path: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    visitor.expect("400")
    page.emulate_media(color_scheme=scheme)
    page.goto(known.address(path))
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
