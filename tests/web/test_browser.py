"""The design system in a real browser: every width, both themes, by keyboard, under the content security policy.

The visitors' browsers fail a test by themselves when anything is said in their console, such as a blocked style.
"""

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.support.browser import DESKTOP, PHONE, TABLET, Visitor, until
from tests.web.conftest import Site

pytestmark = pytest.mark.long

ALL = (DESKTOP, TABLET, PHONE)
PAGES = {
    "three rows": ("/?rows=3&tenant=rtl", ALL),
    "nothing": ("/?rows=0&sample=1", (PHONE,)),
    "many rows": ("/?rows=30", (TABLET,)),
    "sign-in": ("/shell/account_sample?as=nobody", (DESKTOP, PHONE)),
    "public": ("/shell/plain_sample?as=nobody", (PHONE,)),
    "error": ("/shell/404?as=nobody", (PHONE,)),
}


def violations(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{item['id']}: {node['html'][:120]}" for item in found for node in item["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", sorted(PAGES))
def test_axe_finds_nothing_and_nothing_sticks_out(
    site: Site, visitors: Callable[..., Visitor], name: str, scheme: str
) -> None:
    target, sizes = PAGES[name]
    page = visitors(size=sizes[0], scheme=scheme, reduced_motion="reduce").page
    page.goto(site.url + target)
    for width, height in sizes:
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
        assert violations(page) == [], width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_what_lies_over_the_page(
    site: Site, visitors: Callable[..., Visitor], scheme: str
) -> None:
    page = visitors(scheme=scheme, reduced_motion="reduce").page
    page.goto(site.url)
    page.keyboard.press("Control+k")
    assert violations(page) == []
    page.keyboard.press("Escape")
    for opener in ("sample-dialog", "panel"):
        page.locator(f"[data-open={opener}]").click()
        expect(page.locator(f"#{opener}")).to_be_visible()
        assert violations(page) == []
        page.keyboard.press("Escape")
        expect(page.locator(f"#{opener}")).to_be_hidden()
    page.locator(".menu-switch").click()
    assert violations(page) == []


def test_charts_are_drawn_under_the_policy_and_again_in_the_other_theme(site: Site, visitor: Visitor) -> None:
    page = visitor.page
    page.goto(site.url)
    canvas = page.locator("#line canvas")
    expect(canvas).to_be_visible()
    before = canvas.evaluate("canvas => canvas.toDataURL()")
    page.locator("#line").hover(position={"x": 200, "y": 100})
    page.locator("[data-theme-next]").click()
    page.locator("[data-theme-next]").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("#line canvas")).to_be_visible()
    assert page.locator("#line canvas").evaluate("canvas => canvas.toDataURL()") != before


def test_alpine_runs_what_a_module_registers_without_evaluating_text(site: Site, visitor: Visitor) -> None:
    page = visitor.page
    page.goto(site.url)
    until(page, "window.Alpine !== undefined")
    page.evaluate(
        """() => {
          Alpine.data("counter", () => ({ count: 0, more() { this.count += 1; } }));
          const box = document.createElement("div");
          box.setAttribute("x-data", "counter");
          const button = document.createElement("button");
          button.setAttribute("x-on:click", "more");
          button.setAttribute("x-text", "count");
          button.id = "counter";
          box.append(button);
          document.getElementById("main").append(box);
        }"""
    )
    page.locator("#counter").click()
    expect(page.locator("#counter")).to_have_text("1")


def test_the_chosen_theme_and_the_closed_navigation_stay(site: Site, visitor: Visitor) -> None:
    page = visitor.page
    page.goto(site.url)
    page.locator("[data-theme-next]").click()
    page.locator("[data-nav-toggle]").click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    expect(page.locator("html")).to_have_attribute("data-nav", "closed")
    assert page.locator(".nav").bounding_box()["width"] < 64


def test_the_palette_goes_to_a_page_by_name(site: Site, visitor: Visitor) -> None:
    page = visitor.page
    page.goto(site.url)
    page.keyboard.press("Control+k")
    page.keyboard.type("memb")
    expect(page.locator("[data-palette-list] [aria-selected=true]")).to_contain_text("Members")
    with page.expect_request(re.compile(r"/members/list$")):
        page.keyboard.press("Enter")


@pytest.mark.parametrize("typed", ["104200", "#7", "01JD0000000000000000000001", "9f86d081884c7d659a2f", "a & b <c>"])
def test_the_palette_looks_for_what_is_typed_in_the_ledger(site: Site, visitor: Visitor, typed: str) -> None:
    page = visitor.page
    page.goto(site.url)
    page.keyboard.press("Control+k")
    page.keyboard.type(typed)
    expect(page.locator("[data-palette-list] [aria-selected=true]")).to_contain_text(f"Find “{typed}” in the ledger")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"\?q="))
    assert page.evaluate("new URL(location).searchParams.get('q')") == typed


def test_rows_are_walked_and_opened_by_keyboard(site: Site, visitor: Visitor) -> None:
    page = visitor.page
    page.goto(f"{site.url}/?rows=5")
    page.evaluate("document.activeElement.blur()")
    for _ in range(3):
        page.keyboard.press("j")
    page.keyboard.press("k")
    expect(page.locator("#entries-rows tr").nth(1)).to_be_focused()
    page.keyboard.press("x")
    expect(page.locator("[data-bulk-count]")).to_have_text("1 row marked")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"#entries$"))


def test_letters_that_are_typed_into_a_field_move_nothing(site: Site, visitor: Visitor) -> None:
    page = visitor.page
    page.goto(site.url)
    page.locator("#plain_name").fill("")
    page.locator("#plain_name").press_sequentially("jkx")
    expect(page.locator("#plain_name")).to_be_focused()
    expect(page.locator("#plain_name")).to_have_value("jkx")


def test_the_header_of_a_long_table_stays_in_sight(site: Site, visitor: Visitor) -> None:
    page = visitor.page
    page.goto(f"{site.url}/?rows=120")
    expect(page.locator("#entries [data-fits]")).to_have_count(1)
    page.locator("#entries-rows tr").nth(60).scroll_into_view_if_needed()
    box = page.locator("#entries thead th").first.bounding_box()
    assert box is not None
    assert 40 <= box["y"] <= 60


def test_a_hash_is_copied_whole(site: Site, visitor: Visitor) -> None:
    visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = visitor.page
    page.goto(site.url)
    page.locator(".facts .hash .copy").first.click()
    expect(page.locator(".facts .hash .copy").first).to_have_attribute("data-copied", "")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def test_a_time_reads_as_a_distance_and_tells_its_exact_value_by_keyboard(site: Site, visitor: Visitor) -> None:
    page = visitor.page
    page.goto(site.url)
    when = page.locator(".facts time").first
    expect(when).not_to_contain_text("2026-11-21T")
    when.focus()
    expect(page.locator(".tip")).to_contain_text("2026-11-21 09:30:00 UTC")
    page.keyboard.press("Escape")
    expect(page.locator(".tip")).to_have_count(0)


def test_a_refused_form_takes_the_reader_to_its_summary(site: Site, visitor: Visitor) -> None:
    page = visitor.page
    page.goto(site.url)
    expect(page.locator(".error-summary")).to_be_focused()


@pytest.mark.parametrize(("status", "says"), [(403, "You may not"), (429, "Too many"), (500, "went wrong")])
def test_a_refused_request_is_said_aloud_until_it_is_closed(
    site: Site, visitor: Visitor, status: int, says: str
) -> None:
    visitor.expect(f"status of {status}|Response Status Error Code {status}")
    page = visitor.page
    page.goto(site.url)
    until(page, "window.htmx !== undefined")
    page.evaluate(f"htmx.ajax('GET', '/wrong?status={status}', {{target: '#main'}}).catch(() => null)")
    expect(page.locator("#toasts .toast-bad")).to_contain_text(says)
    page.locator("#toasts .toast button").click()
    expect(page.locator("#toasts .toast")).to_have_count(0)


def test_a_text_that_a_toast_shows_is_text(site: Site, visitor: Visitor) -> None:
    page = visitor.page
    page.goto(site.url)
    page.evaluate(
        "detail => document.dispatchEvent(new CustomEvent('toast', {detail}))",
        {"message": "<img src=x onerror=alert(1)>", "kind": "x y"},
    )
    expect(page.locator("#toasts .toast p")).to_have_text("<img src=x onerror=alert(1)>")


def test_a_dialog_stays_open_when_a_selection_ends_outside_it(site: Site, visitor: Visitor) -> None:
    page = visitor.page
    page.goto(site.url)
    page.locator("[data-open=sample-dialog]").click()
    box = page.locator("#sample-dialog").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 60, box["y"] + 70)
    page.mouse.down()
    page.mouse.move(5, 5)
    page.mouse.up()
    expect(page.locator("#sample-dialog")).to_be_visible()
    page.mouse.click(5, 5)
    expect(page.locator("#sample-dialog")).to_be_hidden()


def test_tabs_are_walked_with_arrows(site: Site, visitor: Visitor) -> None:
    page = visitor.page
    page.goto(site.url)
    page.get_by_role("tab", name="curl").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Python")).to_be_focused()
    expect(page.locator("#by-python")).to_be_visible()
    expect(page.locator("#by-curl")).to_be_hidden()


def test_everything_is_there_without_script(site: Site, visitors: Callable[..., Visitor]) -> None:
    page = visitors(java_script_enabled=False).page
    page.goto(site.url)
    expect(page.locator("#by-curl")).to_be_visible()
    expect(page.locator("#by-python")).to_be_visible()
    expect(page.locator(".facts time").first).to_have_text("2026-11-21T09:30:00Z")


def test_the_first_stop_of_the_keyboard_skips_to_the_content(site: Site, visitor: Visitor) -> None:
    page = visitor.page
    page.goto(f"{site.url}/shell/plain_sample")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
