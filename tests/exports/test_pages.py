"""The pages of exports in a real Chromium: choose, download with progress, and see in the ledger who took what."""

import json
import os
from hashlib import sha256
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe

from tests.exports.conftest import Taker
from tests.formats.test_formats import last_line
from tests.support.browser import DESKTOP, PHONE, Visitor, browser, visitor
from tests.support.people import csrf_token, make_person

__all__ = ["browser", "visitor"]
LONG = "agent:a-very-long-name-of-an-agent-that-somebody-chose-without-thinking-of-tables-or-telephones"


def test_from_a_choice_to_a_file_on_pages_that_hold_together(taker: Taker, visitor: Visitor) -> None:
    taker.record(4, actor={"id": LONG, "type": "agent"})
    taker.seal()
    person = make_person(taker.installation, taker.tenant, "analyst")
    person.sign_in_context(visitor.context)
    base = f"{person.base}/t/{taker.tenant.made.slug}/exports"
    page = visitor.page
    page.goto(f"{base}/new?actor={LONG}")
    page.get_by_label("NDJSON: the same, one line an entry").check()
    assert page.get_by_label("Actor").input_value() == LONG
    page.get_by_role("button", name="Make this export").click()
    page.wait_for_url("**/exports/exp_*")
    made = page.url
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download", exact=True).click()
    data = Path(waiting.value.path()).read_bytes()
    before, last = last_line(data)
    assert json.loads(last)["end"] == {"entries": 4, "sha256": sha256(before).hexdigest()}
    page.get_by_text("Your download was sent whole").wait_for()
    page.goto(made)
    assert page.get_by_text("export.download").count() == 1
    (entry,) = taker.entries(action="tool.call")[:1]
    record = f"{person.base}/t/{taker.tenant.made.slug}/ledger/{entry['seq']}#record"
    for at, address in enumerate((base, f"{base}/new", made, record)):
        for name, (width, height) in (("desktop", DESKTOP), ("phone", PHONE)):
            page.set_viewport_size({"width": width, "height": height})
            page.goto(address)
            root = "document.documentElement"
            assert page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth"), (address, width)
            if folder := os.environ.get("MUNIMENT_PICTURES"):
                page.screenshot(path=f"{folder}/exports-{at}-{name}.png", full_page=True)
        found = Axe().run(page).response["violations"]
        assert found == [], (address, [one["id"] for one in found])
    assert visitor.unexpected() == []


def test_names_are_written_for_who_asks_and_may(taker: Taker) -> None:
    person = make_person(taker.installation, taker.tenant, "administrator", name="Ada =Lovelace")
    with person.signed_in() as client:
        base = f"/t/{taker.tenant.made.slug}"
        client.get(f"{base}/ledger")
        taker.seal()
        form = client.get(f"{base}/exports/new")
        assert 'name="names"' in form.text
        fields = {"csrfmiddlewaretoken": csrf_token(form), "format": "csv", "actor": person.subject}
        headers = {"Referer": f"{client.base_url}{base}/exports/new"}
        client.post(f"{base}/exports/new", data=fields, headers=headers)
        taker.seal()
        for names, shown in (({}, False), ({"names": "on"}, True)):
            made = client.post(f"{base}/exports/new", data={**fields, **names}, headers=headers)
            assert made.status_code == 200, made.text
            taken = client.post(
                f"{made.url.path}/file", data={"csrfmiddlewaretoken": csrf_token(made)}, headers=headers
            )
            assert taken.status_code == 200
            assert (b'"Ada =Lovelace"' in taken.content) == shown
            assert b'"' + person.subject.encode() + b'"' in taken.content
        wrong = client.post(f"{base}/exports/new", data={**fields, "format": "oscal"}, headers=headers)
        assert wrong.status_code == 400
        assert "name a framework or a control" in wrong.text
