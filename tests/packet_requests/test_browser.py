"""The pages in a real Chromium: nothing sticks out, axe-core is silent, and a large file goes up in parts."""

import hashlib
import os
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe

from tests.packet_requests.conftest import Office
from tests.support.browser import DESKTOP, PHONE, Visitor, browser, visitor
from tests.support.pdfs import pdf

__all__ = ["browser", "visitor"]
LONG = "A-name-of-a-file-that-goes-on-for-longer-than-any-telephone-is-wide-and-then-some-more.pdf"


def test_a_large_file_goes_up_by_the_page_and_the_desk_holds_together(
    office: Office, visitor: Visitor, tmp_path: Path
) -> None:
    data = pdf("A letter", filler=os.urandom(3 << 20))
    file = tmp_path / LONG
    file.write_bytes(data)
    office["decides"].person.sign_in_context(visitor.context)
    slug, page = office.tenant.made.slug, visitor.page
    base = f"{office['decides'].person.base}/t/{slug}"
    page.goto(f"{base}/attachments/add")
    page.set_input_files("input[type=file]", str(file))
    page.locator("#id_kind").select_option("penetration-test")
    page.locator("#id_controls").fill("soc2:CC6.1")
    page.get_by_role("button", name="Attach").click()
    page.wait_for_url("**/attachments/att_*")
    assert page.get_by_text(hashlib.sha256(data).hexdigest()).count() == 1
    attachment = page.url.rsplit("/", 1)[1]
    office.publish()
    scope = office.scope(slots={"penetration-test": [attachment]})
    person = {"name": "Zoë Quill", "company": "Quill & Sons", "email": "zoe@quill.example"}
    asked = office.ask(scope["id"], recipient=person)
    office["decides"].done(f"/api/packet-requests/{asked['id']}/approve")
    link = office["decides"].done(f"/api/packet-requests/{asked['id']}/link")["path"]
    waits = office.ask(scope["id"])
    for address in (
        "/attachments", f"/attachments/{attachment}", "/packets", "/packets/scopes", "/packets/scopes/new",
        f"/packets/scopes/{scope['id']}", f"/packets/scopes/{scope['id']}/ask", f"/packets/requests/{asked['id']}",
        f"/packets/requests/{waits['id']}", link.removeprefix(f"/t/{slug}"),
    ):  # fmt: skip
        for width, height in (PHONE, DESKTOP):
            page.set_viewport_size({"width": width, "height": height})
            page.goto(base + address)
            root = "document.documentElement"
            assert page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth"), (address, width)
        found = Axe().run(page).response["violations"]
        assert found == [], (address, [one["id"] for one in found])
    assert visitor.unexpected() == []
