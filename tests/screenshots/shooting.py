"""Looks at one page in a real browser: takes its picture, and notes what is wrong with it."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.support.browser import DESKTOP, PHONE, Visitor, until

LOOKS: Mapping[str, dict[str, Any]] = {
    "light": {"size": DESKTOP, "scheme": "light"},
    "dark": {"size": DESKTOP, "scheme": "dark"},
    "phone": {"size": PHONE, "scheme": "light"},
}
_LINK = re.compile(r'<a [^>]*?href="([^"#]+)"')
_TALLEST = 4000
_SETTLED = """() => document.readyState === 'complete' && document.fonts.status === 'loaded'
  && !document.querySelector('[aria-busy="true"], .skeleton, .htmx-request')"""


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture.

    Attributes:
        title: what it shows.
        look: light, dark or phone.
        file: its name.
        faults: what is wrong with the page, one line each.
    """

    title: str
    look: str
    file: str
    faults: tuple[str, ...]


class Photographer:
    """One visitor for each look, all signed in as the same person, or as nobody.

    Args:
        browser: a running Chromium.
        state: cookies of a signed-in context, or None.
        folder: where pictures go.
    """

    def __init__(self, browser: Browser, state: Any, folder: Path) -> None:
        self._folder = folder
        self.visitors = {look: visitor_with(browser, state, **settings) for look, settings in LOOKS.items()}

    def close(self) -> None:
        """Close the visitors' windows."""
        for visitor in self.visitors.values():
            visitor.context.close()

    def share_cookies(self) -> None:
        """Give the other visitors the cookies of the first."""
        cookies: Any = self.visitors["light"].context.cookies()
        for visitor in self.visitors.values():
            visitor.context.add_cookies(cookies)

    def links_at(self, address: str) -> list[str]:
        """Where the links of a page lead, without opening it in a window."""
        with self._client() as client:
            answer = client.get(address)
        return [urljoin(address, html.unescape(link)) for link in _LINK.findall(answer.text)]

    def _client(self) -> httpx.Client:
        cookies = {str(cookie["name"]): str(cookie["value"]) for cookie in self.visitors["light"].context.cookies()}
        return httpx.Client(verify=False, cookies=cookies, trust_env=False, timeout=30)

    def kind_of(self, address: str) -> str:
        """`page`, or what else stands at an address: a redirect, a part of a page, a download, a stream."""
        with self._client() as client, client.stream("GET", address, headers={"Accept": "text/html"}) as answer:
            if answer.is_redirect:
                return f"leads to {answer.headers['location']}"
            media = answer.headers.get("content-type", "nothing").partition(";")[0]
            if media != "text/html":
                return f"answers {answer.status_code} with {media}"
            whole = "<html" in "".join(answer.iter_text())
            return "page" if whole else "is a part of a page"

    def shoot(self, look: str, address: str, title: str, name: str) -> list[Shot]:
        """Open an address and take its picture, and that of each of its tabs."""
        visitor = self.visitors[look]
        page = visitor.page
        visitor.complaints.clear()
        # A page may keep a stream open: what counts is that it is loaded and settled, not that the network is idle.
        answer = page.goto(address, wait_until="load")
        status = 0 if answer is None else answer.status
        faults = [f"status {status}"] if status >= 500 else []
        faults += inspect(page)
        if status < 400:
            faults += [f"browser: {text}" for text in visitor.complaints]
        shots = [keep(self._folder, page, look, title, name, faults)]
        for tab in page.locator('[role="tab"][aria-selected="false"]').all():
            label = tab.inner_text().strip()
            tab.click()
            part = re.sub(r"[^a-z0-9]+", "-", label.lower())
            shots.append(keep(self._folder, page, look, f"{title}: {label}", f"{name}-{part}", inspect(page)))
        return shots


def shoot_here(folder: Path, visitor: Visitor, title: str, name: str) -> list[Shot]:
    """Take the pictures of what a visitor's page shows now, without opening it again."""
    page, shots = visitor.page, []
    for look, settings in LOOKS.items():
        width, height = settings["size"]
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme="dark" if settings["scheme"] == "dark" else "light")
        faults = [*inspect(page), *(f"browser: {text}" for text in visitor.complaints)]
        visitor.complaints.clear()
        shots.append(keep(folder, page, look, title, name, faults))
    return shots


def keep(folder: Path, page: Page, look: str, title: str, name: str, faults: list[str]) -> Shot:
    """Take the picture of what a page shows now."""
    file = f"{name}.{look}.png"
    size = page.viewport_size or {"width": DESKTOP[0], "height": DESKTOP[1]}
    height = min(_TALLEST, int(page.evaluate("document.documentElement.scrollHeight")))
    # A window as tall as the page: what is fixed to its foot then stands at the foot of the picture.
    page.set_viewport_size({"width": size["width"], "height": max(height, size["height"])})
    page.screenshot(path=folder / file)
    page.set_viewport_size(size)
    return Shot(title, look, file, tuple(faults))


def inspect(page: Page) -> list[str]:
    """What is wrong with what a page shows: unsettled parts, too wide for the window, axe-core's violations."""
    faults = []
    try:
        until(page, _SETTLED, seconds=8)
    except AssertionError:
        faults.append("some part of the page is still loading after 8 s")
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    if wide > 0:
        faults.append(f"wider than the window by {wide} px")
    for violation in Axe().run(page).response["violations"]:
        nodes = violation["nodes"]
        where = "; ".join(" ".join(map(str, node["target"])) for node in nodes[:3])
        more = f" and {len(nodes) - 3} more" if len(nodes) > 3 else ""
        faults.append(f"axe {violation['id']} ({violation['impact']}): {violation['help']}: {where}{more}")
    return faults


def links_of(page: Page) -> list[str]:
    """Where a page's links lead, and what its parts are fetched from."""
    found: list[str] = page.eval_on_selector_all(
        "a[href], [hx-get]",
        "all => all.map(one => one.href || new URL(one.getAttribute('hx-get'), location.href).href)",
    )
    return found


def visitor_with(browser: Browser, state: Any, *, size: tuple[int, int], scheme: str) -> Visitor:
    """A visitor with a window of this size, in this colour scheme."""
    width, height = size
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
        storage_state=state,
        is_mobile=size == PHONE,
        has_touch=size == PHONE,
        device_scale_factor=1,
    )
    context.set_default_timeout(20_000)
    return Visitor(context)
