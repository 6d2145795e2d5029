"""Tokens in bundles, offline: the package, the single file and `openssl ts -verify` come to the same conclusion."""

import base64
import io
import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest

from muniment.core.event import Resource
from muniment.core.timestamp import note_imprint
from muniment.core.timestamp_exchange import parse_response, timestamp_request
from muniment.verifier.anchors import TimestampTrust, load_trust
from muniment.verifier.bundle import verify_bundle
from muniment.verifier.report import Report
from muniment.verifier.standalone import muniment_verify as standalone
from tests.support.tsa import Tsa, forge, openssl_verifies, pem
from tests.verifier.logbook import Logbook, closed, in_base64, opened

T1, T2, T3 = 1_760_000_000, 1_780_000_000, 1_795_000_000
"""Moments; the certificates of `old` end between the first and the last."""
ENDS = 1_790_000_000


def stamped(tsa: Tsa, note: bytes) -> bytes:
    """A token by the real authority, of now."""
    return parse_response(tsa.reply(timestamp_request(note_imprint(note), 7))).token


def with_tokens(bundle: bytes, tokens: dict[bytes, list[bytes]]) -> bytes:
    """The bundle with tokens behind the checkpoint notes that they are over."""
    lines = []
    for line in opened(bundle):
        lines.append(line)
        if line.startswith(b"C "):
            lines += [b"T " + in_base64(token) for token in tokens.get(base64.b64decode(line[2:]), [])]
    return closed(lines)


def record(book: Logbook, token: bytes) -> None:
    """An entry that records a token."""
    import hashlib

    event = book.event(len(book.texts), numbered=False)
    digest = hashlib.sha256(token).hexdigest()
    own = replace(event, action="anchor.record", body=None, labels=(f"anchor.token={digest}",))
    del book.bodies[len(book.texts)]
    book.add(replace(own, resource=Resource("4", "checkpoint"), tool=None))


def both(bundle: bytes, book: Logbook, tsas: list[Tsa], at: int) -> Report:
    """What the package says, after the single file has said the same."""
    trust = TimestampTrust(tuple(tsa.root for tsa in tsas), at)
    mine = verify_bundle(io.BytesIO(bundle), replace(book.pins(), timestamps=trust), workers=1)
    pins = book.pins()
    assert pins.root is not None
    given = standalone.Pins(
        origin=pins.origin,
        root=standalone.read_vkey(pins.root.vkey, 1),
        timestamp_roots=pem(*(tsa.root for tsa in tsas)),
        now=at,
    )
    with tempfile.NamedTemporaryFile(suffix=".bundle") as file:
        file.write(bundle)
        file.flush()
        theirs = standalone.verify(file.name, given)
    states = {check["name"]: check["state"] for check in theirs["checks"]}
    said = next(check["reason"] for check in theirs["checks"] if check["name"] == "anchors")
    assert (theirs["verdict"], states["anchors"]) == (mine.verdict, mine.check("anchors").state), (mine.findings, said)
    return mine


@pytest.fixture
def book() -> Logbook:
    made = Logbook()
    made.append(4)
    made.seal()
    return made


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Tsa:
    return Tsa(tmp_path_factory.mktemp("old"), ends=ENDS, name="Old TSA", intermediate=True)


def test_a_real_token_proves_that_the_entries_existed(book: Logbook, tsa: Tsa, tmp_path: Path) -> None:
    note = book.checkpoints[4]
    token = stamped(tsa, note)
    assert openssl_verifies(token, note_imprint(note), tsa.root_file, tmp_path, time.time())
    report = both(with_tokens(book.bundle(), {note: [token]}), book, [tsa], int(time.time()))
    check = report.check("anchors")
    assert (report.verdict, check.state, check.count) == ("verified", "passed", 1)
    assert "the first 4 entries existed no later than 20" in check.reason
    assert "says Test TSA; verifies without renewal until 2030-03-17T17:46:40Z" in check.reason
    assert report.as_json()["anchors"][0]["state"] == "holds"  # type: ignore[index]


def test_without_a_pinned_root_it_is_said_that_nothing_was_checked(book: Logbook, tsa: Tsa) -> None:
    note = book.checkpoints[4]
    bundle = with_tokens(book.bundle(), {note: [stamped(tsa, note)]})
    check = verify_bundle(io.BytesIO(bundle), book.pins(), workers=1).check("anchors")
    assert (check.state, check.reason) == ("not_made", "1 token not checked: no timestamp root is pinned")


def test_an_authority_that_is_not_pinned_is_neither_good_nor_bad(book: Logbook, tsa: Tsa, old: Tsa) -> None:
    note = book.checkpoints[4]
    report = both(with_tokens(book.bundle(), {note: [stamped(tsa, note)]}), book, [old], T3)
    assert (report.verdict, report.check("anchors").state) == ("verified", "not_made")
    assert report.check("anchors").reason == "1 token not checked: of no pinned authority"


def test_a_token_over_another_checkpoint_fails(book: Logbook, tsa: Tsa) -> None:
    first = book.checkpoints[4]
    token = stamped(tsa, first)
    book.append(2)
    report = both(with_tokens(book.bundle() if book.seal() else b"", {book.checkpoints[6]: [token]}), book, [tsa], T3)
    assert (report.verdict, report.failed) == ("failed", ("anchors",))
    assert str(report.first_broken) == "checkpoint 6: the token does not hold: it stamps another hash"


def test_certificates_that_have_ended_prove_nothing_more_until_a_newer_token_covers_their_record(
    book: Logbook, tsa: Tsa, old: Tsa
) -> None:
    first = book.checkpoints[4]
    token = forge(old, note_imprint(first), T1)
    record(book, token)
    second = book.seal()
    newer = forge(tsa, note_imprint(second), T2)
    alone = with_tokens(book.bundle(), {first: [token]})
    assert both(alone, book, [tsa, old], T2).check("anchors").state == "passed"
    ended = both(alone, book, [tsa, old], T3)
    assert (ended.verdict, ended.check("anchors").state) == ("verified", "not_made")
    assert "the certificates of 1 token have ended, and nothing shown renews them" in ended.check("anchors").reason
    renewed = both(with_tokens(book.bundle(), {first: [token], second: [newer]}), book, [tsa, old], T3)
    assert [one.state for one in renewed.anchors] == ["holds", "holds"]
    hidden = both(with_tokens(book.bundle(show=[0]), {first: [token], second: [newer]}), book, [tsa, old], T3)
    assert [one.state for one in hidden.anchors] == ["ended", "holds"]


def test_a_newer_token_made_after_the_certificates_ended_renews_nothing(book: Logbook, tsa: Tsa, old: Tsa) -> None:
    first = book.checkpoints[4]
    token = forge(old, note_imprint(first), T1)
    record(book, token)
    second = book.seal()
    late = forge(tsa, note_imprint(second), ENDS + 60)
    report = both(with_tokens(book.bundle(), {first: [token], second: [late]}), book, [tsa, old], T3)
    assert [one.state for one in report.anchors] == ["ended", "holds"]


def test_a_token_of_a_time_at_which_its_certificate_was_not_valid_fails(book: Logbook, old: Tsa) -> None:
    note = book.checkpoints[4]
    report = both(with_tokens(book.bundle(), {note: [forge(old, note_imprint(note), T3)]}), book, [old], T3)
    assert (report.verdict, report.failed) == ("failed", ("anchors",))


def test_any_changed_byte_of_a_token_is_found_by_both(book: Logbook, tsa: Tsa) -> None:
    note = book.checkpoints[4]
    token = stamped(tsa, note)
    states = set()
    for at in range(0, len(token), 23):
        changed = bytearray(token)
        changed[at] ^= 1 << at % 8
        report = both(with_tokens(book.bundle(), {note: [bytes(changed)]}), book, [tsa], int(time.time()))
        states.add(report.check("anchors").state)
    assert states == {"failed"}


def test_without_openssl_the_single_file_says_that_it_has_not_checked(
    book: Logbook, tsa: Tsa, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    note = book.checkpoints[4]
    file = tmp_path / "a.bundle"
    file.write_bytes(with_tokens(book.bundle(), {note: [stamped(tsa, note)]}))
    monkeypatch.setattr(shutil, "which", lambda _: None)
    found = standalone.verify(str(file), standalone.Pins(timestamp_roots=pem(tsa.root)))
    said = {check["name"]: (check["state"], check["reason"]) for check in found["checks"]}
    assert found["verdict"] == "verified"
    assert said["anchors"] == ("not_made", "1 tokens not checked: the program openssl is not installed here")


def test_roots_are_read_from_pem_files(tsa: Tsa, old: Tsa) -> None:
    trust = load_trust([tsa.root_file, old.root_file], T3 * 1_000_000)
    assert trust == TimestampTrust((tsa.root, old.root), T3)
    assert load_trust([], T3) is None
