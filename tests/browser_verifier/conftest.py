"""The verifier's page in a real Chromium without a network, opened from a file on disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from muniment.verifier.browser.page import verifier_page
from tests.browser_verifier.engine import Engine
from tests.support.browser import ARGUMENTS, CHROMIUM, Visitor, visiting

expect.set_options(timeout=30_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for the tests of a module."""
    if not Path(CHROMIUM).exists():
        pytest.fail(f"there is no browser at {CHROMIUM}; `make test` installs it", pytrace=False)
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=list(ARGUMENTS))
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def saved_page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of the page as somebody saved it."""
    path = tmp_path_factory.mktemp("saved") / "verify.html"
    path.write_bytes(verifier_page())
    return path.as_uri()


@pytest.fixture(scope="module")
def engine(browser: Browser, saved_page: str) -> Iterator[Engine]:
    """What the page offers to programs."""
    with visiting(browser, offline=True) as visitor:
        visitor.page.goto(saved_page)
        yield Engine(visitor.page)


@pytest.fixture
def offline(browser: Browser, saved_page: str) -> Iterator[Visitor]:
    """Somebody who opened the saved page and has no network."""
    with visiting(browser, offline=True) as visitor:
        visitor.page.goto(saved_page)
        yield visitor
