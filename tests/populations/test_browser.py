"""The pages in a real Chromium: nothing sticks out, axe-core is silent, and a review goes by keyboard."""

from axe_playwright_python.sync_playwright import Axe

from tests.populations.conftest import Desk
from tests.support.browser import DESKTOP, PHONE, Visitor, browser, visitor

__all__ = ["browser", "visitor"]
LONG = "agent:a-very-long-name-of-an-agent-that-somebody-chose-without-thinking-of-tables-or-telephones"


def test_a_review_by_keyboard_on_pages_that_hold_together(desk: Desk, visitor: Visitor) -> None:
    desk.record(4, controls=["own:1"], actor={"id": LONG, "type": "agent"}, outcome="failure")
    desk.record(4, controls=["own:1"], actor={"id": "user:אבג", "type": "user"})
    desk.seal()
    population = desk.save("A name that goes on for longer than any telephone is wide, and then some", control="own:1")
    sample = desk.draw(population["id"], method="stratified", count=4, stratum="actor")
    person = desk.reviewer("analyst")
    person.sign_in_context(visitor.context)
    base = f"{person.base}/t/{desk.tenant.made.slug}/populations"
    page = visitor.page
    place = sample["places"][0]
    for address in ("", "/new?control=own%3A1", f"/{population['id']}", f"/samples/{sample['id']}",
                    f"/samples/{sample['id']}/{place}"):  # fmt: skip
        for width, height in (DESKTOP, PHONE):
            page.set_viewport_size({"width": width, "height": height})
            page.goto(base + address)
            root = "document.documentElement"
            assert page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth"), (address, width)
        found = Axe().run(page).response["violations"]
        assert found == [], (address, [one["id"] for one in found])
    page.set_viewport_size({"width": DESKTOP[0], "height": DESKTOP[1]})
    page.goto(f"{base}/samples/{sample['id']}")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/samples/{sample['id']}/{place}")
    page.get_by_label("Agreed to what the control asks for").check()
    page.get_by_role("button", name="Mark, and on to the next").click()
    page.wait_for_url(f"**/samples/{sample['id']}/{sample['places'][1]}")
    page.keyboard.press("k")
    page.wait_for_url(f"**/samples/{sample['id']}/{place}")
    assert page.get_by_text("Agreed to what the control asks for").count() == 2
    assert visitor.unexpected() == []
