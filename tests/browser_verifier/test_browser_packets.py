"""The page verifies packets: a verdict for each sampled entry, and every altered file by its name."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.browser_verifier.engine import pin_text
from tests.packet.conftest import files_of, rezipped, unpacked
from tests.packet.scene import LETTER, PLACES, SAMPLE, Scene, scene
from tests.support.browser import PHONE, Visitor, visiting

_VERIFY = """async ([data, places, pin]) => {
  const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0)), answers = [];
  for (const place of places) {
    if (place >= 0) bytes[place] ^= 0x20;
    const { verdict, trust, packet } = await muniment.verifyPacket(bytes, { pin });
    if (place >= 0) bytes[place] ^= 0x20;
    answers.push({ verdict, trust, faults: packet.faults, items: packet.items, recorded: packet.recorded });
  }
  return answers;
}"""


@pytest.fixture(scope="module")
def made() -> Scene:
    return scene()


@pytest.fixture(scope="module")
def archive(made: Scene) -> bytes:
    return made.packet()


def asked(visitor: Visitor, made: Scene, data: bytes, *places: int) -> list[dict[str, Any]]:
    """What the page says of a packet, with a byte altered at each of some places; at -1 none."""
    pin = pin_text(made.log.pins())
    found: list[dict[str, Any]] = visitor.page.evaluate(_VERIFY, [base64.b64encode(data).decode(), list(places), pin])
    return found


def test_a_packet_is_verified_and_each_altered_byte_is_found_and_named(
    offline: Visitor, made: Scene, archive: bytes, tmp_path: Path
) -> None:
    (sound,) = asked(offline, made, archive, -1)
    assert (sound["verdict"], sound["trust"], sound["faults"]) == ("verified", "pinned", [])
    assert [(one["seq"], one["state"]) for one in sound["items"]] == [(place, "proven") for place in PLACES]
    assert sound["recorded"].startswith("entry 20, recorded 2026-03-01T")
    step = len(archive) // 16
    for found in asked(
        offline, made, archive, *range(0, len(archive), step), *range(len(archive) - 22, len(archive), 3)
    ):
        assert found["verdict"] != "verified"
        assert found["faults"]
    path = tmp_path / "packet.zip"
    path.write_bytes(archive)
    files = files_of(path)
    for name, content in files.items():
        changed = bytearray(content)
        changed[len(content) // 2] ^= 0x01
        (found,) = asked(offline, made, rezipped({**files, name: bytes(changed)}, path).read_bytes(), -1)
        assert found["verdict"] != "verified", name
        assert found["faults"][0]["path"] == name, (name, found["faults"])


def test_what_other_verifiers_refuse_the_page_refuses_too(offline: Visitor, made: Scene, tmp_path: Path) -> None:
    path = tmp_path / "packet.zip"
    path.write_bytes(made.packet())
    files = files_of(path)
    (sample,) = made.contents.samples
    cases = {
        "pages/extra.html": rezipped({**files, "pages/extra.html": b"x"}, path).read_bytes(),
        "data/matrix.csv": rezipped({n: c for n, c in files.items() if n != "data/matrix.csv"}, path).read_bytes(),
        "signature.bundle": made.packet(made.signature(by="key:ak_01KAY9M2Z7Q4WXYH3J8V5T6R0C")),
        "manifest.json": scene(samples=(replace(sample, items=sample.items[:-1]),)).packet(),
    }
    for name, data in cases.items():
        (found,) = asked(offline, made, data, -1)
        assert found["verdict"] == "failed", name
        assert [one["path"] for one in found["faults"]] == [name]
    (cut,) = asked(offline, made, path.read_bytes()[:-1], -1)
    assert cut["verdict"] == "malformed"
    assert cut["faults"][0]["path"] == "the archive's end"


def test_the_page_shows_the_verdict_of_each_sampled_entry(
    browser: Browser, saved_page: str, made: Scene, archive: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "packet.zip"
    path.write_bytes(archive)
    with visiting(browser, offline=True, size=PHONE) as visitor:
        page = visitor.page
        page.goto(saved_page)
        page.fill("#pin", pin_text(made.log.pins()))
        page.set_input_files("#file", path)
        expect(page.locator("#verdict-title")).to_have_text("Verified, held against what you pinned")
        rows = page.locator(".packet .items tbody tr")
        expect(rows).to_have_count(len(PLACES))
        expect(rows.first).to_contain_text("proven")
        expect(rows.first).to_contain_text(SAMPLE)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        forged = archive.replace(LETTER, LETTER.replace(b"letter", b"praise"))
        path.write_bytes(forged)
        page.set_input_files("#file", path)
        expect(page.locator("#verdict-title")).to_have_text("Failed: not verified")
        expect(page.locator(".packet .faults tbody tr")).to_contain_text("attachments/att_1.pdf")
        page.fill("#pin", "")
        path.write_bytes(archive)
        page.set_input_files("#file", path)
        expect(page.locator("#verdict-title")).to_have_text("Verified, self-attested only")


def test_the_packets_own_pages_are_read_without_a_network_on_a_phone(
    browser: Browser, made: Scene, archive: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "packet.zip"
    path.write_bytes(archive)
    folder = unpacked(files_of(path).items(), tmp_path / "unpacked")
    with visiting(browser, offline=True, size=PHONE, scheme="dark") as visitor:
        page = visitor.page
        page.goto((folder / "READ ME FIRST.html").as_uri())
        seen = 0
        for address in page.eval_on_selector_all("header a", "links => links.map((link) => link.href)"):
            page.goto(address)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
            found = Axe().run(page).response["violations"]
            assert found == [], (address, [one["id"] for one in found])
            seen += 1
        assert seen == 8
        page.goto((folder / "pages/samples.html").as_uri())
        page.get_by_role("link", name="Sample 1").click()
        expect(page.locator("h1")).to_have_text("Sample 1")
