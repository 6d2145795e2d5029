"""The page of a trace: lanes and a list of the same, readable without colour, with the keyboard, and on a phone."""

import secrets

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.causality.conftest import delegation
from tests.explorer.conftest import Reader, reading
from tests.server.events import ulid
from tests.support.browser import DESKTOP, PHONE, Visitor
from tests.support.servers import Installation


def test_the_page_draws_one_lane_an_agent_and_lists_the_same_entries_in_causal_order(
    reader: Reader, installation: Installation
) -> None:
    trace = secrets.token_hex(16)
    made = delegation(reader, trace)
    installation.seal()
    page = reader.get(f"/trace/{trace}").text
    assert page.count('class="graph-lane"') == 3
    assert page.count('class="graph-box') == page.count('class="trace-item ') == 5
    assert "Folded: 1 of 6 entries. 1 stands with what it ended." in page
    full = reader.get(f"/trace/{trace}?full=1").text
    assert full.count('class="graph-box') == full.count('class="trace-item ') == 6
    assert "Folded" not in full
    places = [page.index(f'id="e{made[name][0]}"') for name in ("asked", "began", "called", "refused")]
    assert places == sorted(places)
    assert page.count("✕ failed") >= 2
    assert page.count("⊘ refused") >= 2
    assert "outside of this trace" in page
    assert f'href="/t/{reader.slug}/ledger/{made["refused"][0]}"' in page


def test_the_page_of_an_entry_leads_to_its_trace(reader: Reader) -> None:
    seq, reference = reader.record()
    assert f"/trace/{seq}" in reader.get(f"/ledger/{seq}").text
    assert reader.get(f"/trace/{reference}").status_code == 200


def test_contradictions_and_missing_causes_are_said_in_words(reader: Reader) -> None:
    own, gone = f"evt_{ulid()}", f"src_{ulid()}/evt_{ulid()}"
    seq, _ = reader.record(id=own, causes=sorted([f"{reader.source}/{own}", gone]))
    page = reader.get(f"/trace/{seq}").text
    assert "What was recorded contradicts itself" in page
    assert "names itself as its cause" in page
    assert gone in page


def test_what_sources_wrote_is_text_on_the_page(reader: Reader) -> None:
    hostile = "<script>1</script>\u202e"
    seq, _ = reader.record(tool=hostile, actor={"id": hostile, "type": "agent"})
    page = reader.get(f"/trace/{seq}").text
    assert "<script>1" not in page
    assert "\u202e" not in page


def test_a_large_trace_has_pages_and_the_picture_says_what_it_leaves_out(reader: Reader) -> None:
    trace = secrets.token_hex(16)
    reader.record_many(210, trace={"id": trace})
    page = reader.get(f"/trace/{trace}").text
    assert "The picture shows the first 120; the list has 80 more" in page
    assert "Cut: this trace has more entries than the page" in page
    assert "Later entries of the trace" in page


@pytest.mark.parametrize(("name", "status"), [("9" * 7, 404), ("ab" * 16, 404), ("x", 400)])
def test_what_is_not_there_is_not_found(reader: Reader, name: str, status: int) -> None:
    assert reader.get(f"/trace/{name}").status_code == status


def test_a_trace_of_another_tenant_is_not_found(reader: Reader, installation: Installation) -> None:
    with reading(installation, installation.tenant()) as stranger:
        trace = secrets.token_hex(16)
        stranger.record(tool="only-theirs", trace={"id": trace})
        page = reader.get(f"/trace/{trace}")
        assert page.status_code == 404
        assert "only-theirs" not in page.text


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_in_a_browser_the_page_fits_and_the_list_is_read_with_the_keyboard(
    visitor: Visitor, reader: Reader, size: tuple[int, int]
) -> None:
    made = delegation(reader, secrets.token_hex(16))
    reader.person.sign_in_context(visitor.context)
    page = visitor.page
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(reader.address(f"/trace/{made['called'][0]}"))
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    page.locator(".trace-list").focus()
    page.keyboard.press("Tab")
    expect(page.locator(".trace-item a").first).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/ledger/{made['asked'][0]}")
