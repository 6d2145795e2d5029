"""The pages in a real Chromium: nothing sticks out, axe-core is silent, and a filter is chosen by hand."""

from axe_playwright_python.sync_playwright import Axe

from tests.controls.conftest import Office
from tests.support.browser import DESKTOP, PHONE, Visitor, browser, visitor

__all__ = ["browser", "visitor"]
LONG = "A statement that goes on for longer than any telephone is wide, " * 4
ARABIC = "ضابط الوصول"


def test_a_matrix_with_long_and_right_to_left_text_holds_together(office: Office, visitor: Visitor) -> None:
    desk = office.desk
    office.define("A-very-long-id-that-somebody-chose-without-thinking-1234567", statement=LONG)
    office.define("AI-2", statement=ARABIC, criteria=["soc2:CC6.1", "hipaa:164.312(b)", "iso27001-2022:A.5.18"])
    desk.record(4, controls=["own:AI-2"])
    desk.seal()
    sample = desk.draw(desk.save("Half a year", control="own:AI-2")["id"], method="random", count=2)
    mark = {"exception": True, "comment": LONG}
    office.post(f"/api/samples/{sample['id']}/items/{sample['places'][0]}/marks", **mark)
    person = desk.reviewer("analyst")
    person.sign_in_context(visitor.context)
    base = f"{person.base}/t/{desk.tenant.made.slug}"
    page = visitor.page
    for address in ("/controls", "/controls/own:AI-2", "/controls/own:AI-2/change", "/controls/import", "/matrix",
                    "/matrix/own:AI-2"):  # fmt: skip
        for width, height in (DESKTOP, PHONE):
            page.set_viewport_size({"width": width, "height": height})
            page.goto(base + address)
            root = "document.documentElement"
            assert page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth"), (address, width)
        found = Axe().run(page).response["violations"]
        assert found == [], (address, [one["id"] for one in found])
    page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
    page.goto(f"{base}/matrix")
    page.get_by_role("button", name="Change").click()
    page.get_by_label("State").select_option("exceptions")
    page.get_by_role("button", name="Show", exact=True).click()
    page.wait_for_url("**state=exceptions**")
    assert page.locator("#matrix tbody tr").count() == 1
    page.get_by_text("1 noted").click()
    page.wait_for_url("**/matrix/own:AI-2")
    assert visitor.unexpected() == []
