"""Submissions: the quick way and the thorough way read the same, and defaults cannot be guessed."""

import copy
import hashlib

import orjson
from hypothesis import given
from hypothesis import strategies as st

from muniment.core.event import event_from_mapping
from muniment.server.ingest.jsontext import MalformedJson, Scanner
from muniment.server.ingest.submission import Draft, default_source, read_canonical, read_submission
from muniment.server.problems import ProblemError
from tests.server.events import complete

SOURCE = "src_01KAY9M2Z7Q4WXYH3J8V5T6R0C"


def canonical(submission: dict[str, object]) -> bytes:
    """As Muniment's own clients write it."""
    event = event_from_mapping(copy.deepcopy(submission["event"])).text()
    return orjson.dumps({**submission, "event": orjson.Fragment(event)})


def thoroughly(text: bytes) -> Draft | None:
    scanner = Scanner(text.decode())
    try:
        draft = read_submission(scanner, SOURCE)
        scanner.finish()
    except (ProblemError, MalformedJson):
        return None
    return draft


@given(st.binary(max_size=64), st.sampled_from(["a", "é\u2028", '"\\', "\U0001f600"]))
def test_a_canonical_submission_is_read_the_same_in_both_ways(body: bytes, tool: str) -> None:
    text = canonical(complete(SOURCE, body, tool=tool, labels=["a=1", "b=2"]))
    quick = read_canonical(text)
    assert quick is not None
    assert quick == thoroughly(text)
    assert quick.submission.body == body


@given(st.data())
def test_what_was_edited_is_never_read_otherwise_by_the_quick_way(data: st.DataObject) -> None:
    text = canonical(complete(SOURCE))
    at = data.draw(st.integers(0, len(text)))
    inserted = data.draw(
        st.sampled_from([b"", b" ", b'"', b"\\", b'"action":"x.a",', b"0", b"\xc3", b"{}", b",", b'"salt":""'])
    )
    edited = text[:at] + inserted + text[at + data.draw(st.integers(0, 3)) :]
    quick = read_canonical(edited)
    if quick is not None:
        assert quick == thoroughly(edited)


def test_the_quick_way_leaves_everything_unusual_to_the_thorough_way() -> None:
    text = canonical(complete(SOURCE))
    again = text.replace(b'{"event":{"action":"tool.call"', b'{"event":{"action":"tool.call","action":"tool.call"')
    other_body = text.replace(b'"body":"', b'"body":"AAAA')
    for unusual in (
        again,
        other_body,
        text[:-1],
        text + b" ",
        text[:-1] + b',"x":1}',
        text.replace(b"tool.call", b"log.create"),
    ):
        assert read_canonical(unusual) is None


def test_a_default_source_depends_on_the_secret_and_not_only_on_the_public_id() -> None:
    key_id = "ak_01KAY9M2Z7Q4WXYH3J8V5T6R0C"
    one, other = (default_source(key_id, hashlib.sha256(secret).digest()) for secret in (b"one", b"other"))
    assert one != other
    assert one == default_source(key_id, hashlib.sha256(b"one").digest())
