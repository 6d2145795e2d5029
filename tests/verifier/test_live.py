"""A live log by its address, served as C2SP tlog-tiles."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from muniment.core.entry import entry_hash
from muniment.core.merkle import Stack
from muniment.core.tiles import WIDTH, parse_tile_path
from muniment.verifier.knownlogs import KnownLogs
from muniment.verifier.live import verify_live
from muniment.verifier.options import Options
from muniment.verifier.pins import Pins
from tests.verifier.logbook import ORIGIN, Logbook
from tests.verifier.test_bundle_attacks import rewritten


@dataclass
class Served:
    """A log behind an address."""

    book: Logbook
    address: str = ""
    key: str | None = None
    asked: list[str] = field(default_factory=list)

    def resource(self, path: str) -> bytes | None:
        """What stands at a path below the log's address."""
        size = max(self.book.checkpoints)
        if path == "checkpoint":
            return self.book.checkpoints[size]
        if path == "keys":
            return self.book.keys()
        tile = parse_tile_path(path)
        if tile.level is None:
            texts = self.book.texts[tile.index * WIDTH : min(size, tile.index * WIDTH + tile.width)]
            return b"".join(len(text).to_bytes(2, "big") + text for text in texts)
        width = 1 << (8 * tile.level)
        hashes = []
        for index in range(tile.index * WIDTH, tile.index * WIDTH + tile.width):
            stack = Stack()
            stack.extend([entry_hash(text) for text in self.book.texts[index * width : (index + 1) * width]])
            hashes.append(stack.root())
        return b"".join(hashes)


@pytest.fixture
def served() -> Iterator[Served]:
    book = Logbook()
    book.append(300)
    book.seal()
    log = Served(book)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.removeprefix(f"/logs/{ORIGIN}/")
            log.asked.append(path)
            if log.key is not None and self.headers.get("Authorization") != f"Bearer {log.key}":
                self.send_error(401)
                return
            data = log.resource(path)
            if data is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    log.address = f"http://127.0.0.1:{server.server_port}/logs/{ORIGIN}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield log
    server.shutdown()
    thread.join()
    server.server_close()


def options(pins: Pins | None = None, known: KnownLogs | None = None, **more: object) -> Options:
    return Options(pins=pins or Pins(), known=known, now=1_772_374_999_000_000, patience=0.0, **more)  # type: ignore[arg-type]


def test_a_live_log_is_verified_from_its_first_entry(served: Served) -> None:
    report = verify_live(served.address, options(served.book.pins(300)))
    assert (report.verdict, report.trust, report.entries) == ("verified", "pinned", 300)
    assert report.check("head").state == "passed"


def test_only_what_came_after_the_pin_is_fetched_when_asked(served: Served) -> None:
    report = verify_live(served.address, options(served.book.pins(290), since_pin=True))
    assert (report.verdict, report.entries, report.check("pin").state) == ("verified", 10, "passed")
    assert [path for path in served.asked if "entries" in path] == ["tile/entries/001.p/44"]


def test_a_changed_entry_fails_chain_and_tree(served: Served) -> None:
    served.book.texts[7] = served.book.texts[7].replace(b"wks-prod-01", b"wks-prod-02")
    report = verify_live(served.address, options(served.book.pins()))
    assert {"chain", "tree"} <= set(report.failed)


def test_a_read_key_is_sent_and_asked_for(served: Served) -> None:
    served.key = "mk_secret"
    assert verify_live(served.address, options(api_key="mk_secret")).verdict == "verified"
    report = verify_live(served.address, options())
    assert report.verdict == "malformed"
    assert "read key" in report.check("form").reason


def test_a_restored_older_database_is_caught_by_known_logs(served: Served, tmp_path: Path) -> None:
    known = KnownLogs(tmp_path)
    assert verify_live(served.address, options(known=known)).verdict == "verified"
    older = Logbook(texts=served.book.texts[:250])
    older.seal()
    served.book = older
    report = verify_live(served.address, options(known=known))
    assert report.failed == ("pin",)
    assert "has proven 300 entries before" in report.check("pin").reason


def test_a_rewritten_log_is_caught_by_known_logs(served: Served, tmp_path: Path) -> None:
    known = KnownLogs(tmp_path)
    verify_live(served.address, options(known=known))
    served.book = rewritten(served.book)
    report = verify_live(served.address, options(known=known))
    assert "pin" in report.failed
    assert len(known.evidence()) == 1


def test_an_address_that_names_another_log_fails_the_place(served: Served) -> None:
    served.book.origin = "log.example/eu1/ffff"
    served.book.seal()
    assert "place" in verify_live(served.address, options()).failed


def test_a_server_that_is_not_there_is_no_verdict_about_the_log() -> None:
    report = verify_live(f"http://127.0.0.1:9/logs/{ORIGIN}", options())
    assert (report.verdict, report.exit_code) == ("malformed", 2)
