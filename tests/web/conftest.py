"""The gallery of the design system, served over HTTP, and what the tests of this room read from it."""

import http.client
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.browser import browser, visitor, visitors

__all__ = ["browser", "visitor", "visitors"]

HERE = Path(__file__).parent
# A program with settings of its own, not a module to look for examples in.
collect_ignore = ["gallery_site.py"]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass(frozen=True)
class Site:
    """A running gallery; `url` is its address."""

    url: str

    def get(self, target: str, headers: dict[str, str] | None = None, method: str = "GET") -> Answer:
        """Ask for exactly this target: nothing is tidied up on the way."""
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
        try:
            connection.putrequest(method, target)
            for name, value in (headers or {}).items():
                connection.putheader(name, value)
            connection.endheaders()
            got = connection.getresponse()
            return Answer(got.status, {name.lower(): value for name, value in got.getheaders()}, got.read())
        finally:
            connection.close()


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    process = subprocess.Popen(
        [sys.executable, str(HERE / "gallery_site.py"), "--evaluation"],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ,
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address.startswith("http://"), "the gallery did not start"
        yield Site(address)
    finally:
        process.terminate()
        process.wait(10)
