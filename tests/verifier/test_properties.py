"""Whatever is done to a bundle, it is never verified against pins any more."""

from __future__ import annotations

import io
from functools import lru_cache

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from muniment.core.merkle import Stack
from muniment.verifier.bundle import verify_bundle
from muniment.verifier.hashing import subtrees
from muniment.verifier.pins import Pins
from muniment.verifier.report import CHECK_NAMES, Report
from muniment.verifier.scan import Scanner, scan
from tests.verifier.logbook import ORIGIN, OTHER_SOURCE, Logbook, closed, in_base64, opened

_SLOW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@lru_cache(maxsize=1)
def sealed() -> tuple[bytes, Pins]:
    book = Logbook()
    book.append(5)
    book.seal()
    book.append(4, source=OTHER_SOURCE)
    book.append(8)
    book.seal()
    return book.bundle(show=[*range(6), *range(8, 17)], tokens=True), book.pins(17)


def check(data: bytes, pins: Pins | None) -> Report:
    return verify_bundle(io.BytesIO(data), pins, workers=1)


@given(st.data())
@_SLOW
def test_no_single_byte_can_be_changed(data: st.DataObject) -> None:
    bundle, pins = sealed()
    at = data.draw(st.integers(0, len(bundle) - 1))
    byte = data.draw(st.integers(0, 255))
    changed = bundle[:at] + bytes([byte]) + bundle[at + 1 :]
    report = check(changed, pins)
    assert (report.verdict == "verified") == (changed == bundle)


@given(st.data())
@_SLOW
def test_no_byte_of_any_line_but_a_token_can_be_changed_even_with_a_new_digest(
    data: st.DataObject,
) -> None:
    bundle, pins = sealed()
    lines = opened(bundle)
    row = data.draw(st.sampled_from([row for row, line in enumerate(lines) if line[:1] in b"HKEBNC"]))
    at = data.draw(st.integers(0, len(lines[row]) - 1))
    byte = data.draw(st.integers(0, 255))
    changed = lines[row][:at] + bytes([byte]) + lines[row][at + 1 :]
    report = check(closed([*lines[:row], changed, *lines[row + 1 :]]), pins)
    assert (report.verdict == "verified") == (changed == lines[row])


@given(st.data())
@_SLOW
def test_no_byte_can_be_put_in_or_taken_out(data: st.DataObject) -> None:
    bundle, pins = sealed()
    at = data.draw(st.integers(0, len(bundle) - 1))
    more = data.draw(st.binary(max_size=3))
    changed = bundle[:at] + more + bundle[at + (not more) :]
    assert check(changed, pins).verdict != "verified"


@given(st.data())
@_SLOW
def test_entries_cannot_be_put_into_another_order(data: st.DataObject) -> None:
    bundle, pins = sealed()
    lines = opened(bundle)
    rows = [row for row, line in enumerate(lines) if line[:1] == b"E"]
    order = data.draw(st.permutations(rows))
    changed = list(lines)
    for row, other in zip(rows, order, strict=True):
        changed[row] = lines[other]
    report = check(closed(changed), pins)
    assert (report.verdict == "verified") == (changed == lines)


@given(st.binary(max_size=400) | st.lists(st.sampled_from([b"E {}", b"K x", b"C x", b"N 0 x", b"T", b""])).map(closed))
@_SLOW
def test_any_bytes_give_a_report(data: bytes) -> None:
    report = check(b"H muniment-bundle/1 " + ORIGIN.encode() + b"\n" + data, None)
    assert report.verdict in ("failed", "malformed")
    assert tuple(found.name for found in report.checks) == CHECK_NAMES
    assert report.first_broken is not None or report.verdict == "failed"


@given(st.integers(0, 70), st.integers(1, 70))
def test_subtrees_of_any_range_fold_as_the_single_leaves_do(start: int, count: int) -> None:
    leaves = [bytes([number]) * 32 for number in range(start + count)]
    one, other = Stack(), Stack()
    one.extend(leaves)
    other.extend(leaves[:start])
    for level, hash_ in subtrees(start, leaves[start:]):
        other.push(level, hash_)
    assert one.root() == other.root()


_MUTATIONS = (
    (b'"v":3', b'"v":4'),
    (b'"success"', b'"denied"'),
    (b'"success"', b'"sucess"'),
    (b"wks-prod-01", b"-wks"),
    (b'"tool":"http_request"', b'"tool":"a\\"b"'),
    (b'"tool":"http_request"', b'"tool":"\\u0041"'),
    (b'"tool":"http_request"', '"tool":"zażółć"'.encode()),
    (b'"tool":"http_request"', b'"tool":"\xff"'),
    (b'"tool":"http_request"', '"tool":"\x85"'.encode()),
    (b'"seq":', b'"seq": '),
    (b'"env=prod"', b'"env=prod","env=prod"'),
    (b'"env=prod"', b'"env=prod","a=b"'),
    (b"2026-03-01T", b"2026-02-30T"),
    (b'"len":', b'"len":0'),
    (b"log.example", b"log.other"),
    (b'"id":"agent.exec"', b'"id":""'),
    (b'"epoch"', b'"epoc"'),
    (b'"prev":"', b'"prev":"A'),
)


@given(st.lists(st.tuples(st.integers(1, 30), st.sampled_from(_MUTATIONS)), max_size=4))
@_SLOW
def test_entries_taken_together_are_judged_as_each_by_itself(changes: list[tuple[int, tuple[bytes, bytes]]]) -> None:
    book = Logbook()
    book.append(20)
    book.append(6, source=OTHER_SOURCE)
    book.append(5, numbered=False)
    texts = list(book.texts)
    for at, (old, new) in changes:
        texts[at] = texts[at].replace(old, new, 1)
    together = scan(texts, 0, ORIGIN, book.bodies)
    alone = Scanner(0, ORIGIN)
    alone.alone(texts, book.bodies)
    assert together.failures == alone.run.failures
    assert together.sources == alone.run.sources
    assert (together.pairs, together.unreadable, together.disclosed, together.undisclosed, together.edges) == (
        alone.run.pairs,
        alone.run.unreadable,
        alone.run.disclosed,
        alone.run.undisclosed,
        alone.run.edges,
    )
    assert (together.unnumbered, together.last_time, together.subtrees) == (
        alone.run.unnumbered,
        alone.run.last_time,
        alone.run.subtrees,
    )


def test_base64_in_lines_is_strict() -> None:
    bundle, pins = sealed()
    lines = opened(bundle)
    at = next(row for row, line in enumerate(lines) if line[:2] == b"T ")
    assert check(closed([*lines[:at], b"T " + in_base64(b"other"), *lines[at + 1 :]]), pins).verdict == "verified"
    assert check(closed([*lines[:at], b"T YR==", *lines[at + 1 :]]), pins).verdict == "malformed"
