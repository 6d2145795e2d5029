"""The pages in a real Chromium: nothing sticks out, axe-core is silent, and the form leads to a report."""

from axe_playwright_python.sync_playwright import Axe

from tests.populations.conftest import Desk
from tests.support.browser import DESKTOP, PHONE, Visitor, browser, visitor

__all__ = ["browser", "visitor"]
LONG = "A title that goes on for longer than any telephone is wide, אבג, and then some-more-without-a-place-to-break"


def test_a_report_from_the_form_to_its_numbers_on_pages_that_hold_together(desk: Desk, visitor: Visitor) -> None:
    desk.record(4, controls=["soc2:CC9.2"], outcome="failure")
    desk.seal()
    person = desk.reviewer("analyst")
    person.sign_in_context(visitor.context)
    base = f"{person.base}/t/{desk.tenant.made.slug}/reports"
    page = visitor.page
    page.goto(f"{base}/new")
    page.get_by_label("Title").fill(LONG)
    page.get_by_label("Or these controls").fill("soc2:CC9.2 soc2:CC6.1")
    page.get_by_role("button", name="Make the report").click()
    page.wait_for_url("**/reports/rep_*")
    made = page.url
    assert page.get_by_text("soc2:CC9.2: entries", exact=True).count() == 1
    for address in (base, f"{base}/new", made):
        for width, height in (DESKTOP, PHONE):
            page.set_viewport_size({"width": width, "height": height})
            page.goto(address)
            root = "document.documentElement"
            assert page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth"), (address, width)
        found = Axe().run(page).response["violations"]
        assert found == [], (address, [one["id"] for one in found])
    assert visitor.unexpected() == []
