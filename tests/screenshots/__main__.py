"""Take pictures of every page: `python -m tests.screenshots [folder]`, or `make screenshots`.

Starts a throw-away installation with a sample, signs in, and opens every page of the URL table in a real browser, in
light, dark and at a phone's width. Exit code 1 if axe-core, the browser or a page's width has a complaint, or if a page
fails. What has no picture is listed with the reason.
"""

import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.screenshots.addresses import Addresses, Route, routes
from tests.screenshots.album import write_album
from tests.screenshots.decisions import Decided, desks
from tests.screenshots.first_run import Newcomer
from tests.screenshots.shooting import LOOKS, Photographer, Shot, links_of, shoot_here, visitor_with
from tests.screenshots.site import Site, site
from tests.support.browser import ARGUMENTS, CHROMIUM, Visitor

SAMPLE, EMPTY = "sample", "default"


class Tour:
    """Walks through the site and keeps what it sees.

    Args:
        of: the running installation.
        browser: a running Chromium.
        folder: where pictures go.
    """

    def __init__(self, of: Site, browser: Browser, folder: Path) -> None:
        self._site = of
        self._browser = browser
        self._folder = folder
        self.table = routes(of.places)
        self.shots: list[Shot] = []
        self.elsewhere: dict[str, str] = {}
        self._step_up: Callable[[Page, str], None] | None = None

    def first_run(self, newcomer: Newcomer) -> object:
        """Set the installation up and sign in again; returns the cookies."""

        def look_of(visitor: Visitor) -> Callable[[Page, str], None]:
            def look(page: Page, title: str) -> None:
                name = re.sub(r"[^a-z0-9]+", "-", title)
                self.shots.extend(shoot_here(self._folder, visitor, title, name))

            return look

        first = visitor_with(self._browser, None, **LOOKS["light"])
        secret = newcomer.set_up(self._site, first, look_of(first))
        first.context.close()
        self._step_up = lambda page, address: newcomer.step_up(page, address, secret)
        again = visitor_with(self._browser, None, **LOOKS["light"])
        newcomer.sign_in(self._site, again, secret, look_of(again))
        state = again.context.storage_state()
        again.context.close()
        return state

    def signed_in(self, state: object) -> None:
        """Every page of the sample that a link or the table leads to."""
        camera = Photographer(self._browser, state, self._folder)
        addresses = Addresses(self._site.origin, f"/t/{SAMPLE}")
        addresses.start(self.table)
        addresses.known["explorer:entry"] = f"{self._site.origin}/t/{SAMPLE}/ledger/{self._site.delegation()}"
        waiting = [route for route in self.table if route.name in addresses.known]
        while waiting:
            route = waiting.pop(0)
            if self._see(camera, route, addresses.known[route.name]):
                waiting += addresses.learn(links_of(camera.visitors["light"].page), self.table)
            if not waiting:
                # What the first of its kind did not link to, another one may: a role that can be changed, say.
                for address in [other for more in list(addresses.others.values()) for other in more]:
                    waiting += addresses.learn(camera.links_at(address), self.table)
        camera.close()

    def empty(self, state: object) -> None:
        """The pages of a tenant in which nothing has happened."""
        camera = Photographer(self._browser, state, self._folder)
        for route in self.table:
            if route.is_plain and route.kind == "tenant" and self._is_seen(route):
                address = f"{self._site.origin}/t/{EMPTY}{route.path}"
                for look in ("light", "phone"):
                    self.shots.extend(camera.shoot(look, address, f"{route.name} (empty)", f"{route.slug}-empty"))
        camera.close()

    def signed_out(self) -> None:
        """The pages for everybody, and what is shown where nothing is."""
        camera = Photographer(self._browser, None, self._folder)
        for route in self.table:
            if route.is_plain and route.kind == "public" and not self._is_seen(route):
                self._see(camera, route, self._site.origin + route.path)
        for look in LOOKS:
            self.shots.extend(camera.shoot(look, f"{self._site.origin}/nothing-here", "not found", "error-404"))
        camera.close()

    def missing(self) -> list[str]:
        """Routes without a picture, and why."""
        return [
            f"{route.name} {route.path}: {self.elsewhere.get(route.name, 'no page links to it')}"
            for route in self.table
            if not self._is_seen(route)
        ]

    def _is_seen(self, route: Route) -> bool:
        return any(shot.title == route.name for shot in self.shots)

    def _see(self, camera: Photographer, route: Route, address: str) -> bool:
        kind = camera.kind_of(address)
        if "/account/step-up" in kind and self._step_up is not None:
            self._step_up(camera.visitors["light"].page, address)
            camera.share_cookies()
            kind = camera.kind_of(address)
        if kind != "page":
            self.elsewhere[route.name] = kind
            return False
        for look in reversed(LOOKS):
            self.shots.extend(camera.shoot(look, address, route.name, route.slug))
        return True


def main() -> int:
    """Take them, write the album, list what is wrong."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "build/screenshots").absolute()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with site() as of, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=list(ARGUMENTS))
        tour = Tour(of, browser, folder)
        state = tour.first_run(Newcomer())
        with desks(of, SAMPLE) as people:
            Decided(people).everything()
        tour.signed_in(state)
        tour.empty(state)
        tour.signed_out()
        browser.close()
    missing = tour.missing()
    album = write_album(folder, tour.shots, missing)
    faults = [f"{shot.file}: {fault}" for shot in tour.shots for fault in shot.faults]
    faults += [f"failed: {line}" for line in missing if ": answers 5" in line]
    print(*faults, *(f"not seen: {line}" for line in missing), sep="\n")
    print(f"{len(tour.shots)} pictures, {len(faults)} faults, {len(missing)} routes without one: {album}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
