"""The page as people use it: from a saved file, without a network, under its policy, with hostile files."""

from __future__ import annotations

import http.server
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from muniment.core.event import Actor
from muniment.verifier.browser.page import content_security_policy, verifier_page, with_policy
from tests.browser_verifier.engine import pin_text
from tests.support.browser import DESKTOP, PHONE, Visitor, visiting
from tests.verifier.logbook import Logbook, closed, opened
from tests.verifier.test_proof import proof

HOSTILE = '<img src=x onerror="window.attacked=1"><script>window.attacked=1</script>\u202egnp.exe'


@pytest.fixture(scope="module")
def book() -> Logbook:
    made = Logbook()
    made.append(5)
    made.seal()
    made.add(made.event(5, tool=HOSTILE, actor=Actor(HOSTILE, "user")))
    made.append(60, numbered=False)
    made.seal()
    return made


def give(page: Page, folder: Path, data: bytes, name: str = "evidence.bundle") -> None:
    (folder / name).write_bytes(data)
    page.set_input_files("#file", folder / name)


def pin(page: Page, text: str) -> None:
    page.fill("#pin", text)


def test_the_policy_in_the_page_is_that_of_its_own_script_and_style() -> None:
    page = verifier_page().decode()
    assert with_policy(page) == page, "run: python -m muniment.verifier.browser.page"
    policy = content_security_policy()
    for part in ("default-src 'none'", "connect-src 'none'", "worker-src blob:", "frame-ancestors 'none'"):
        assert part in policy.split("; ")
    assert "unsafe" not in policy


def test_the_page_names_no_address_and_makes_no_markup_of_text() -> None:
    page = verifier_page().decode()
    assert set(re.findall(r"https?://[^\s\"'`]+", page)) == {"http://www.w3.org/2000/svg"}
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "fetch("):
        assert word not in page
    assert not re.search(r"<[a-z][^>]*\s(?:on[a-z]+|style)=", page.partition("<script>")[0])


def test_a_saved_page_verifies_a_bundle_without_a_network(offline: Visitor, book: Logbook, tmp_path: Path) -> None:
    page = offline.page
    assert page.url.startswith("file://")
    expect(page.locator("#pin-state")).to_contain_text("no more than self-attested only")
    pin(page, pin_text(book.pins(66)))
    give(page, tmp_path, book.bundle(tokens=True))
    expect(page.locator("#verdict-title")).to_have_text("Verified, held against what you pinned")
    expect(page.locator("#verdict-title")).to_be_focused()
    expect(page.locator("#spoken")).to_contain_text("Verified, held against what you pinned")
    row = page.locator("tbody tr").filter(has=page.locator("th", has_text="anchors"))
    expect(row.locator(".state")).to_have_text("not made")
    expect(row).to_contain_text("carried, not checked")


def test_without_a_pin_the_page_says_self_attested_only_in_plain_words(
    offline: Visitor, book: Logbook, tmp_path: Path
) -> None:
    give(offline.page, tmp_path, book.bundle(show=[6]))
    expect(offline.page.locator("#verdict-title")).to_have_text("Verified, self-attested only")
    expect(offline.page.locator(".meaning")).to_contain_text("whoever made it chose its keys")
    expect(offline.page.locator(".shows-not")).to_contain_text("Whose log it is")
    expect(offline.page.locator(".shows")).to_contain_text("entries are not shown")


def test_a_failed_bundle_names_the_first_broken_place(offline: Visitor, book: Logbook, tmp_path: Path) -> None:
    pin(offline.page, pin_text(book.pins()))
    give(offline.page, tmp_path, book.bundle(keys=[]).replace(b"wks-prod-01", b"wks-prod-02", 1))
    expect(offline.page.locator("#verdict-title")).to_have_text("Malformed: cannot be read")
    lines = opened(book.bundle())
    at = next(place for place, line in enumerate(lines) if b"wks-prod-01" in line)
    lines[at] = lines[at].replace(b"wks-prod-01", b"wks-prod-02")
    give(offline.page, tmp_path, closed(lines))
    expect(offline.page.locator("#verdict-title")).to_have_text("Failed: not verified")
    expect(offline.page.locator(".broken")).to_contain_text("First broken place: chain, at line")


def test_a_pin_given_afterwards_is_held_against_the_file_at_once(
    offline: Visitor, book: Logbook, tmp_path: Path
) -> None:
    give(offline.page, tmp_path, book.bundle())
    expect(offline.page.locator("#verdict-title")).to_have_text("Verified, self-attested only")
    (tmp_path / "pin.json").write_text(pin_text(book.pins()))
    offline.page.set_input_files("#pin-file", tmp_path / "pin.json")
    expect(offline.page.locator("#verdict-title")).to_have_text("Verified, held against what you pinned")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "is not the JSON"),
        ("root.example+1a2b3c4d+AAAA", "no JSON object"),
        ('{"origin": "a", "origin": "b"}', "same key twice"),
        ('{"roots": "x"}', "no key"),
        ('{"origin": "UPPER"}', "origin"),
        ('{"genesis": "ab"}', "genesis"),
        ('{"root": "a+00000000+AAAA"}', "root"),
        ('{"root": 7}', "root"),
        ('{"checkpoint": {"size": 0, "root": "' + "0" * 64 + '"}}', "checkpoint"),
        ('{"checkpoint": {"size": 3}}', "checkpoint"),
    ],
)
def test_a_pin_that_cannot_be_read_is_named_and_nothing_is_verified(
    offline: Visitor, book: Logbook, tmp_path: Path, text: str, complaint: str
) -> None:
    page = offline.page
    pin(page, text)
    give(page, tmp_path, book.bundle())
    expect(page.locator("#refused")).to_contain_text("pin cannot be used")
    expect(page.locator("#pin-state")).to_contain_text(complaint)
    expect(page.locator("#pin")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#result")).to_be_hidden()


def test_origin_and_genesis_alone_are_said_to_be_no_protection(offline: Visitor, book: Logbook, tmp_path: Path) -> None:
    pin(offline.page, json.dumps({"origin": book.origin, "genesis": book.pins().genesis.hex()}))  # type: ignore[union-attr]
    expect(offline.page.locator("#pin-state")).to_contain_text("no protection")
    give(offline.page, tmp_path, book.bundle())
    expect(offline.page.locator("#verdict-title")).to_have_text("Verified, self-attested only")


def test_what_a_file_holds_stays_text(offline: Visitor, book: Logbook, tmp_path: Path) -> None:
    page = offline.page
    give(page, tmp_path, book.bundle())
    row = page.locator(".rows details").nth(5)
    shown = row.locator("summary .actor")
    expect(shown).to_contain_text('<img src=x onerror="window.attacked=1"><script>')
    expect(shown).to_contain_text("\\u{202e}gnp.exe")
    row.locator("summary").click()
    expect(row.locator("pre")).to_contain_text("<script>window.attacked=1</script>")
    assert page.evaluate("window.attacked") is None
    assert page.locator("#result img, #result script").count() == 0


def test_hostile_names_in_broken_files_stay_text(offline: Visitor, tmp_path: Path) -> None:
    page = offline.page
    markup = b"<img src=x onerror=window.attacked=1>"
    give(page, tmp_path, b"H muniment-bundle/1 " + markup + b"\n")
    expect(page.locator("#verdict-title")).to_have_text("Malformed: cannot be read")
    give(page, tmp_path, markup, "<img src=x onerror=window.attacked=1>.bundle")
    expect(page.locator("#chosen")).to_contain_text("<img src=x")
    pin(page, '{"<img src=x onerror=window.attacked=1>": "x"}')
    expect(page.locator("#pin-state")).to_contain_text("<img src=x")
    assert page.evaluate("window.attacked") is None
    assert page.locator("main img").count() == 0


def test_the_browser_itself_refuses_markup_and_code_on_this_page(offline: Visitor) -> None:
    offline.expect("Content Security Policy|content security policy|TrustedHTML|Trusted")
    for attack in (
        "document.body.innerHTML = '<p>x</p>'",
        "document.body.append(Object.assign(document.createElement('script'), {text: 'window.attacked = 1'}))",
        "new Worker('data:text/javascript,0')",
        "setTimeout('window.attacked = 1')",
        "document.body.setAttribute('onclick', 'window.attacked = 1')",
    ):
        refused = offline.page.evaluate(f"() => {{ try {{ {attack}; }} catch (error) {{ return error.name; }} }}")
        assert refused == "TypeError", attack
    assert offline.page.evaluate("window.attacked") is None
    asked = offline.page.evaluate("fetch('http://127.0.0.1:9/').then(() => 'answered', () => 'refused')")
    assert asked == "refused"


def test_entries_are_found_by_action_actor_time_and_number(offline: Visitor, book: Logbook, tmp_path: Path) -> None:
    page = offline.page
    give(page, tmp_path, book.bundle())
    expect(page.locator(".count")).to_have_text("1 to 50 of 66")
    page.click(".next")
    expect(page.locator(".count")).to_have_text("51 to 66 of 66")
    expect(page.locator(".next")).to_be_disabled()
    for words, found in (("log.create", 1), ("TOOL.call", 65), ("#17", 1), ("crewai tool", 64), ("14:23:07.003", 1)):
        page.fill("#search", words)
        expect(page.locator(".count")).to_contain_text(f"of {found}")
    page.fill("#search", "nobody did this")
    expect(page.locator(".count")).to_have_text("No entry holds these words")


def test_an_opened_entry_shows_its_text_and_is_hashed_again(offline: Visitor, book: Logbook, tmp_path: Path) -> None:
    page = offline.page
    give(page, tmp_path, book.bundle())
    row = page.locator(".rows details").nth(3)
    row.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(row.locator("pre")).to_have_text(book.texts[3].decode())
    expect(row).to_contain_text("it hashes to the entry hash that was verified")


def test_a_proof_is_verified_with_its_entry_and_asked_for_without(
    offline: Visitor, book: Logbook, tmp_path: Path
) -> None:
    page = offline.page
    log = Logbook()
    log.append(23)
    log.seal()
    parts = {"p.tlog-proof": proof(log, 7), "p.entry": log.texts[7], "p.keys": log.keys()}
    for name, data in parts.items():
        (tmp_path / name).write_bytes(data)
    pin(page, pin_text(log.pins(23)))
    page.set_input_files("#file", [tmp_path / name for name in parts])
    expect(page.locator("#verdict-title")).to_have_text("Verified, held against what you pinned")
    expect(page.locator(".rows details")).to_have_count(1)
    page.set_input_files("#file", tmp_path / "p.tlog-proof")
    expect(page.locator("#verdict-title")).to_have_text("Malformed: cannot be read")
    expect(page.locator(".broken")).to_contain_text("choose both files together")
    page.set_input_files("#file", tmp_path / "p.entry")
    expect(page.locator("#refused")).to_contain_text("Choose a bundle, or a proof together with its entry")


def test_a_dropped_file_is_verified(offline: Visitor, book: Logbook) -> None:
    offline.page.evaluate(
        """(text) => {
          const carried = new DataTransfer();
          carried.items.add(new File([text], "dropped.bundle"));
          document.body.dispatchEvent(new DragEvent("drop", {dataTransfer: carried, bubbles: true, cancelable: true}));
        }""",
        book.bundle().decode(),
    )
    expect(offline.page.locator("#chosen")).to_have_text("dropped.bundle")
    expect(offline.page.locator("#verdict-title")).to_have_text("Verified, self-attested only")


NO_WORKER = "window.Worker = class { constructor() { throw new DOMException('none', 'SecurityError'); } };"
BROKEN_WORKER = """window.Worker = class {
  constructor() { setTimeout(() => this.onerror(new Event("error", {cancelable: true}))); }
  postMessage() { window.asked = true; }
  terminate() {}
};"""


@pytest.mark.parametrize(
    ("script", "workers"), [("", 1), (NO_WORKER, 0), (BROKEN_WORKER, 0)], ids=["a worker", "none", "a broken one"]
)
def test_the_work_is_done_in_a_worker_and_beside_the_page_where_none_runs(
    browser: Browser, saved_page: str, book: Logbook, tmp_path: Path, script: str, workers: int
) -> None:
    with visiting(browser, offline=True) as visitor:
        visitor.context.add_init_script(script)
        visitor.page.goto(saved_page)
        give(visitor.page, tmp_path, book.bundle())
        expect(visitor.page.locator("#verdict-title")).to_have_text("Verified, self-attested only")
        assert len(visitor.page.workers) == workers
        expect(visitor.page.locator(".rows details")).to_have_count(50)


def test_reading_can_be_stopped_and_then_nothing_is_verified(
    browser: Browser, saved_page: str, book: Logbook, tmp_path: Path
) -> None:
    with visiting(browser, offline=True) as visitor:
        page = visitor.page
        visitor.context.add_init_script(f"{NO_WORKER} Blob.prototype.arrayBuffer = () => new Promise(() => undefined);")
        page.goto(saved_page)
        give(page, tmp_path, book.bundle())
        page.click("#cancel")
        expect(page.locator("#refused")).to_have_text("Stopped. Nothing was verified.")
        expect(page.locator("#working")).to_be_hidden()
        expect(page.locator("#result")).to_be_hidden()


def test_a_file_that_changed_after_it_was_verified_is_not_shown_as_verified(
    offline: Visitor, book: Logbook, tmp_path: Path
) -> None:
    give(offline.page, tmp_path, book.bundle())
    expect(offline.page.locator("#verdict-title")).to_have_text("Verified, self-attested only")
    (tmp_path / "evidence.bundle").write_bytes(book.bundle().replace(b"wks-prod-01", b"wks-prod-02"))
    row = offline.page.locator(".rows details").nth(3)
    row.locator("summary").click()
    expect(row).to_contain_text(re.compile("cannot be read again|has changed since it was verified"))
    expect(row).not_to_contain_text("it hashes to the entry hash")


def test_the_result_can_be_copied_as_json(offline: Visitor, book: Logbook, tmp_path: Path) -> None:
    page = offline.page
    offline.context.grant_permissions(["clipboard-read", "clipboard-write"])
    give(page, tmp_path, book.bundle())
    page.locator("details.plain summary").click()
    page.click(".copy-json")
    expect(page.locator(".copy-json")).to_have_text("Copied")
    answer = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert (answer["verdict"], answer["trust"], answer["exit_code"]) == ("verified", "self-attested", 0)
    assert HOSTILE not in page.locator(".json").inner_text()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = verifier_page()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Security-Policy", content_security_policy())
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def served() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/verify/offline"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_server_may_hand_the_page_out_under_its_policy(
    browser: Browser, served: str, book: Logbook, tmp_path: Path
) -> None:
    with visiting(browser) as visitor:
        visitor.page.goto(served)
        give(visitor.page, tmp_path, book.bundle())
        expect(visitor.page.locator("#verdict-title")).to_have_text("Verified, self-attested only")
        assert len(visitor.page.workers) == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_people_with_other_means_can_use_it_and_nothing_overflows(
    browser: Browser, saved_page: str, book: Logbook, tmp_path: Path, scheme: str, size: tuple[int, int]
) -> None:
    with visiting(browser, size=size, scheme=scheme, offline=True, reduced_motion="reduce", bypass_csp=True) as visitor:
        page = visitor.page
        page.goto(saved_page)
        assert Axe().run(page).violations_count == 0
        for data in (book.bundle(), book.bundle()[:3000]):
            give(page, tmp_path, data)
            expect(page.locator("#verdict-title")).to_be_visible()
            if page.locator(".rows details").count() > 5:
                page.locator(".rows details").nth(5).locator("summary").click()
                expect(page.locator(".rows pre")).to_be_visible()
            found = Axe().run(page)
            assert found.violations_count == 0, found.generate_report()
            assert page.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_the_keyboard_alone_reaches_everything_that_is_needed(offline: Visitor) -> None:
    page = offline.page
    # From here on the browser hands choosers over; told only at the key itself, it may be told too late.
    page.on("filechooser", lambda _: None)
    reached = []
    for _ in range(5):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.className"))
    assert reached[:4] == ["skip", "file-button", "pin-button", "pin"]
    page.focus("#file-button")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    assert chooser.value.is_multiple()
