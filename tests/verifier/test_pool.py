"""Several processes see what one sees."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from muniment.verifier import bundle
from muniment.verifier.bundle import verify_bundle
from tests.verifier.logbook import OTHER_SOURCE, Logbook, closed, opened


@pytest.fixture(scope="module")
def long_log() -> Logbook:
    book = Logbook()
    for number in range(40):
        book.append(11, body=b"x" * 300)
        book.append(7, source=OTHER_SOURCE, body=b"y" * 40)
        if number % 3 == 0:
            book.seal()
    book.seal()
    return book


def _as_it_is(lines: list[bytes]) -> list[bytes]:
    return lines


def _without_line_400(lines: list[bytes]) -> list[bytes]:
    return [*lines[:400], *lines[401:]]


def _changed_entry(lines: list[bytes]) -> list[bytes]:
    at = next(index for index, line in enumerate(lines) if index > 300 and line.startswith(b"E "))
    return [*lines[:at], lines[at].replace(b"wks-prod-01", b"wks-prod-02"), *lines[at + 1 :]]


def _malformed_line(lines: list[bytes]) -> list[bytes]:
    return [*lines[:350], b"Q x", *lines[350:]]


@pytest.mark.parametrize("change", [_as_it_is, _without_line_400, _changed_entry, _malformed_line])
@pytest.mark.parametrize("block", [3000, 20_000])
def test_processes_and_blocks_change_nothing_in_the_report(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    long_log: Logbook,
    block: int,
    change: Callable[[list[bytes]], list[bytes]],
) -> None:
    data = closed(change(opened(long_log.bundle())))
    pins = long_log.pins(397)
    whole = verify_bundle(io.BytesIO(data), pins, workers=1)
    monkeypatch.setattr(bundle, "BLOCK", block)
    in_blocks = verify_bundle(io.BytesIO(data), pins, workers=1)
    path = tmp_path / "long.bundle"
    path.write_bytes(data)
    with path.open("rb") as stream:
        spread = verify_bundle(stream, pins, workers=2)
    assert in_blocks.as_json()["checks"] == whole.as_json()["checks"]
    assert spread.as_json() == in_blocks.as_json()
