"""Verifying a live log by its address, as C2SP tlog-tiles serves it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import pairwise
from types import TracebackType
from typing import Final
from urllib.parse import unquote, urlsplit

import httpx

from muniment.core.canonical import MAX_BYTES as MAX_ENTRY
from muniment.core.checkpoint import Checkpoint, parse_signed_checkpoint
from muniment.core.errors import Malformed
from muniment.core.merkle import HASH_BYTES
from muniment.core.note import MAX_BYTES as MAX_NOTE
from muniment.core.tiles import WIDTH, Tile, cover, node_from_tile, node_in_tile, tile_width
from muniment.verifier.checker import LogChecker
from muniment.verifier.options import Options, learnt
from muniment.verifier.pins import Pins
from muniment.verifier.report import Report

_MAX_TILE: Final = WIDTH * HASH_BYTES
_MAX_ENTRIES: Final = WIDTH * (MAX_ENTRY + 2)
_TIMEOUT: Final = 30.0
_PAUSE: Final = 2.0


class Unreachable(Malformed):
    """The log's server does not answer, or answers with something that cannot be."""


class Missing(Unreachable):
    """The server has no such resource."""


@dataclass(frozen=True, slots=True)
class LogServer:
    """The resources below the address of one log.

    Attributes:
        client: connections are kept; redirects are never followed, so that a key goes nowhere else.
        address: without a slash at its end.
    """

    client: httpx.Client
    address: str

    @classmethod
    def at(cls, address: str, api_key: str | None) -> LogServer:
        """The log at an address `http(s)://host/logs/<origin>`."""
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        client = httpx.Client(timeout=_TIMEOUT, headers=headers, follow_redirects=False)
        return cls(client, address.rstrip("/"))

    def __enter__(self) -> LogServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()

    @property
    def origin(self) -> str | None:
        """The origin that the address names; None if it names none."""
        return unquote(urlsplit(self.address).path).partition("/logs/")[2] or None

    def get(self, path: str, limit: int) -> bytes:
        """A resource of at most `limit` bytes.

        Raises:
            Missing: if there is no such resource.
            Unreachable: if it cannot be had, or is longer.
        """
        try:
            with self.client.stream("GET", f"{self.address}/{path}") as response:
                if response.status_code in (404, 410):
                    raise Missing(f"the server answers {response.status_code}", path)
                if response.status_code in (401, 403):
                    raise Unreachable("the server wants a read key: give one with --key or MUNIMENT_READ_KEY", path)
                if response.status_code != 200:
                    raise Unreachable(f"the server answers {response.status_code}", path)
                pieces, size = [], 0
                for piece in response.iter_bytes():
                    size += len(piece)
                    if size > limit:
                        raise Unreachable(f"longer than {limit:,} bytes", path)
                    pieces.append(piece)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unreachable(f"cannot be fetched: {str(error) or type(error).__name__}", path) from error
        return b"".join(pieces)

    def tile(self, level: int | None, index: int, width: int) -> bytes:
        """A tile with at least `width` hashes or entries: the partial one, or the full one that took its place."""
        limit = _MAX_ENTRIES if level is None else _MAX_TILE
        try:
            return self.get(Tile(level, index, width).path, limit)
        except Missing:
            if width == WIDTH:
                raise
            return self.get(Tile(level, index).path, limit)

    def entries(self, index: int, width: int) -> list[bytes]:
        """The first `width` entries of an entry bundle, their texts."""
        data = self.tile(None, index, width)
        texts: list[bytes] = []
        at = 0
        while len(texts) < width:
            end = at + 2 + int.from_bytes(data[at : at + 2], "big")
            if at + 2 > len(data) or end > len(data):
                raise Unreachable("ends within an entry", Tile(None, index, width).path)
            texts.append(data[at + 2 : end])
            at = end
        return texts

    def node(self, level: int, index: int, size: int) -> bytes:
        """The hash of a perfect subtree in the tree of `size` leaves."""
        place = node_in_tile(level, index)
        width = tile_width(place.level, place.index, size)
        return node_from_tile(self.tile(place.level, place.index, width), place.start, place.count)


def verify_live(address: str, options: Options) -> Report:
    """Verify the log at an address, and let the known logs learn from it (see `check_live`)."""
    checker, report = check_live(address, options)
    return learnt(checker, report, options)


def check_live(address: str, options: Options) -> tuple[LogChecker, Report]:
    """Verify the log at an address: all of it, or what came after the known checkpoint.

    A log that is smaller than what this machine has proven may only be behind (a replica): it is asked again for
    `options.patience` seconds before that is a failure.
    """
    checker = LogChecker("", target=address)
    try:
        with LogServer.at(address, options.api_key) as server:
            note, checkpoint = _newest(server)
            pins = options.pins_for(live=True)(checkpoint.origin)
            note, checkpoint = _patient(server, note, checkpoint, pins, options.patience)
            checker = LogChecker(checkpoint.origin, pins, target=address)
            if server.origin not in (None, checkpoint.origin):
                checker.fail("place", f"the address names the log {server.origin}", "checkpoint", 0)
            _walk(server, checker, checkpoint, since_pin=options.since_pin)
            checker.checkpoint(note)
    except Unreachable as error:
        return checker, checker.report(malformed=str(error))
    checker.passed("form", "every resource could be read", checker.entries)
    checker.passed("head", "it serves everything that its newest checkpoint covers", checkpoint.size)
    return checker, checker.report()


def _walk(server: LogServer, checker: LogChecker, checkpoint: Checkpoint, *, since_pin: bool) -> None:
    try:
        checker.keys(server.get("keys", MAX_NOTE))
    except Missing:
        checker.remark("The server publishes no keys note.")
    size = checkpoint.size
    start = _start(checker.pins, size) if since_pin else 0
    # Every checkpoint that is held against the log must stand between two subtrees.
    for begin, end in pairwise(sorted({0, start, *(mark for mark in checker.marks if mark < start)})):
        for level, index in cover(begin, end):
            checker.subtree(level, server.node(level, index, size))
    if start:
        checker.remark(f"The first {start:,} entries were proven before and not fetched again.")
    for index in range(start // WIDTH, -(-size // WIDTH)):
        first = index * WIDTH
        texts = server.entries(index, min(WIDTH, size - first))
        for text in texts[max(0, start - first) :]:
            checker.entry(text)


def _start(pins: Pins, size: int) -> int:
    sizes = [held.size for held in (pins.checkpoint, pins.known) if held is not None]
    return max((held for held in sizes if held <= size), default=0)


def _newest(server: LogServer) -> tuple[bytes, Checkpoint]:
    note = server.get("checkpoint", MAX_NOTE)
    try:
        _, checkpoint = parse_signed_checkpoint(note)
    except Malformed as error:
        raise Unreachable(f"is no checkpoint: {error}", "checkpoint") from error
    if checkpoint.size == 0:
        raise Unreachable("is of an empty log: there is nothing to verify", "checkpoint")
    return note, checkpoint


def _patient(
    server: LogServer, note: bytes, checkpoint: Checkpoint, pins: Pins, patience: float
) -> tuple[bytes, Checkpoint]:
    expected = pins.known.size if pins.known else 0
    end = time.monotonic() + patience
    while checkpoint.size < expected and (left := end - time.monotonic()) > 0:
        time.sleep(min(_PAUSE, left))
        note, checkpoint = _newest(server)
    return note, checkpoint
