"""What hypothesis draws: values that keep every grammar, and ways to damage their texts."""

import json
from typing import Any

from hypothesis import strategies as st

from muniment.core.entry import Entry
from muniment.core.event import Actor, Body, Event, Resource, Source, Trace
from muniment.core.times import MAX_TIME6, MAX_TIME9

ULID_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

ulids = st.builds(str.__add__, st.sampled_from("01234567"), st.text(ULID_LETTERS, min_size=25, max_size=25))
event_ids = ulids.map("evt_".__add__)
source_ids = ulids.map("src_".__add__)
references = st.builds("{}/{}".format, source_ids, event_ids)
integers = st.one_of(st.integers(0, 2**53 - 1), st.sampled_from([0, 9, 10**15 - 1, 10**15, 2**53 - 1]))
hashes = st.binary(min_size=32, max_size=32)
characters = st.one_of(
    st.sampled_from('"\\/ aé€\u2028\U0001f600\ufffd\ue000'),
    st.characters(exclude_categories=["Cs", "Cc"]),
)


def texts(maximum: int) -> st.SearchStrategy[str]:
    drawn = st.text(characters, min_size=1, max_size=20)
    return st.one_of(drawn, drawn.map(lambda text: (text * maximum)[:maximum])).filter(
        lambda text: len(text.encode()) <= maximum
    )


def ascending(items: st.SearchStrategy[str], maximum: int) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(items, max_size=maximum, unique=True).map(sorted).map(tuple)


words = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
actions = st.lists(words, min_size=2, max_size=4).map(".".join)
controls = st.from_regex(r"[a-z0-9]{1,9}(-[a-z0-9]{1,4}){0,2}:[A-Za-z0-9][A-Za-z0-9._()/-]{0,30}", fullmatch=True)
labels = st.from_regex(r"[a-z][a-z0-9_.-]{0,10}=[ -~]{1,30}", fullmatch=True)
media = st.from_regex(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,20}/[a-z0-9][a-z0-9!#$&^_.+-]{0,20}", fullmatch=True)
origins = st.from_regex(r"[a-z0-9][a-z0-9.-]{0,20}(/[a-z0-9][a-z0-9._-]{0,10}){0,3}", fullmatch=True)
slugs = st.from_regex(r"[a-z][a-z0-9_.-]{0,63}", fullmatch=True)

sources = st.one_of(
    st.builds(Source, source_ids),
    st.builds(Source, source_ids, st.binary(min_size=16, max_size=16), hashes, integers),
)

events = st.builds(
    Event,
    id=event_ids,
    source=sources,
    occurred_at=st.integers(0, MAX_TIME9),
    action=actions,
    actor=st.builds(Actor, texts(256), st.sampled_from(["agent", "service", "session", "system", "user"])),
    outcome=st.sampled_from(["denied", "failure", "success", "unknown"]),
    body=st.none() | st.builds(Body, hashes, integers, media),
    causes=ascending(references, 3),
    controls=ascending(controls, 4),
    labels=ascending(labels, 4),
    resource=st.none() | st.builds(Resource, texts(1024), slugs),
    tool=st.none() | texts(256),
    trace=st.none()
    | st.builds(Trace, st.binary(min_size=16, max_size=16), st.none() | st.binary(min_size=8, max_size=8)),
    workspace=st.none() | st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", fullmatch=True),
)


def entry_of(event: Event, more: tuple[str, ...], **fields: Any) -> Entry:
    """An entry whose controls are its event's own and some more."""
    return Entry(event=event, controls=tuple(sorted({*event.controls, *more})), **fields)


entries = st.builds(
    entry_of,
    seq=integers,
    prev=hashes,
    recorded_at=st.integers(0, MAX_TIME6),
    log=origins,
    by=st.from_regex(r"[a-z]{1,9}:[A-Za-z0-9_.-]{1,40}", fullmatch=True),
    map=st.from_regex(r"[a-z0-9][a-z0-9._-]{0,63}", fullmatch=True),
    event=events,
    more=ascending(controls, 5),
)

json_values = st.recursive(
    st.integers(-(2**53) + 1, 2**53 - 1) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=12,
)

INSERTIONS = (
    b"", b" ", b"\n", b"\r", b"\t", b"\x00", b"\x7f", b"\xc2\x85", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf",
    b"0", b"9", b"a", b"G", b"_", b"-", b".", b"/", b":", b"=", b"+", b",", b'"', b"\\", b'\\"', b"\\\\", b"\\/",
    b"\\u0041", b"\\n", b"{", b"}", b"[", b"]", b'""', b'","', b"null", b"true", b"1.0", b"1e3", b"\xc3\xa9",
    b"\xf0\x9f\x98\x80",
)  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """Replace a short stretch by something else: most of what comes out is wrong by very little."""
    at = draw(st.integers(0, len(whole)))
    width = draw(st.sampled_from([0, 0, 1, 1, 2, 5]))
    return whole[:at] + draw(st.sampled_from(INSERTIONS)) + whole[at + width :]


@st.composite
def altered(draw: st.DrawFn, whole: bytes) -> bytes:
    """Change one place of the parsed value and write it canonically again: right in form, often wrong in grammar."""
    value: Any = json.loads(whole)
    places: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:
        for key in node if isinstance(node, dict) else range(len(node)):
            places.append((node, key))
            if isinstance(node[key], dict | list):
                walk(node[key])

    walk(value)
    node, key = draw(st.sampled_from(places))
    old = node[key]
    choices: list[Any] = [
        "", " ", "\x00", "\x1f", "\x7f", "\x85", "x", "X" * 63, "a" * 64, "a" * 65, "a" * 256, "a" * 257, "é" * 128,
        "é" * 129, "a" * 1024, "a" * 1025, 0, -1, 1, 3, 4, 2**53 - 1, 2**53, [], {}, None, True, 1.5, ["b=1", "a=1"],
        ["a=1", "a=1"], ["soc2:1"], ["soc2:1"] * 2, [f"s:{n:02d}" for n in range(17)],
        [f"a=\"{n:02d}" for n in range(33)],
        [f"a={n:02d}" for n in range(32)], "2026-02-29T00:00:00.000000000Z", "2024-02-29T00:00:00.000000000Z",
        "1969-12-31T23:59:59.999999999Z", "2262-01-01T00:00:00.000000000Z", "2261-12-31T23:59:59.999999Z",
        "2026-02-30T00:00:00.000000Z", "evt_" + "8" + "0" * 25, "evt_" + "7" + "Z" * 25, "evt_" + "0" * 25 + "U",
        'a"b', "a\\b", "a=" + "x" * 256, "a=" + "x" * 257,
    ]  # fmt: skip
    if isinstance(old, str):
        choices += [old + "\n", old + "é", old[:-1], old.upper(), old + old, "\ufeff" + old, old[1:]]
    if draw(st.integers(0, 9)) == 0 and isinstance(node, dict):
        del node[key]
    elif draw(st.integers(0, 9)) == 0 and isinstance(node, dict):
        node[draw(st.sampled_from(["extra", "v", "id", "type", "seq", "prev", "epoch", "tool", "controls"]))] = "x"
    else:
        node[key] = draw(st.sampled_from(choices))
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
