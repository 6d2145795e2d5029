"""The pages in a real Chromium: nothing sticks out, and axe-core is silent."""

from axe_playwright_python.sync_playwright import Axe

from tests.frameworks.conftest import Office, overrides
from tests.populations.conftest import Desk
from tests.support.browser import DESKTOP, PHONE, Visitor, browser, visitor

__all__ = ["browser", "visitor"]
LONG = "A title that goes on for longer than any telephone is wide, and then some: " + "wide" * 30
TEXT = "id,label,text\nA.1,Lights,The lamps burn at night\nA.2,אבג,\n"


def test_the_pages_hold_together(desk: Desk, office: Office, visitor: Visitor) -> None:
    office.bring_in(TEXT, id="lamps", title=LONG)
    office.map(
        overrides(entry={"x.deploy.approve": {"add": ["soc2:CC8.1"]}}, annotate={"tool.call": {"add": ["lamps:A.1"]}})
    )
    desk.record(3)
    desk.seal()
    person = desk.reviewer("analyst")
    person.sign_in_context(visitor.context)
    base = f"{person.base}/t/{desk.tenant.made.slug}"
    page = visitor.page
    for address in ("/frameworks", "/frameworks/import", "/frameworks/lamps", "/frameworks/lamps/coverage",
                    "/frameworks/mapping",
                    "/populations/new?control=lamps%3AA.1&ask=1"):  # fmt: skip
        for width, height in (DESKTOP, PHONE):
            page.set_viewport_size({"width": width, "height": height})
            page.goto(base + address)
            root = "document.documentElement"
            assert page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth"), (address, width)
        found = Axe().run(page).response["violations"]
        assert found == [], (address, [one["id"] for one in found])
    assert visitor.unexpected() == []
