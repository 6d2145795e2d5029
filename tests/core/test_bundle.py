import base64
import hashlib
import io
import itertools
import pickle
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.core.body import MAX_INLINE_BYTES
from muniment.core.bundle import (
    MAX_LINE,
    BodyLine,
    BundleWriter,
    CheckpointLine,
    End,
    EntryLine,
    Header,
    Keys,
    Line,
    MalformedBundle,
    Subtree,
    Token,
    read_bundle,
)
from muniment.core.checkpoint import Checkpoint
from muniment.core.entry import entry_hash
from muniment.core.errors import Malformed, MunimentError, VerificationFailed
from muniment.core.merkle import Stack, root_of
from tests.core.notes import LOG, ORIGIN, ROOT
from tests.core.strategies import damaged
from tests.core.test_keysnote import KEYS

ENTRIES = [b'{"log":"%b","seq":%d,"v":3}' % (ORIGIN.encode(), seq) for seq in range(11)]
HASHES = [entry_hash(text) for text in ENTRIES]
SALT = bytes(range(32))
KEYS_DATA = ROOT.note(KEYS.text()).encoded()


def checkpoint(size: int) -> bytes:
    return LOG.note(Checkpoint(ORIGIN, size, root_of(HASHES[:size])).text()).encoded()


def write() -> bytes:
    stream = io.BytesIO()
    writer = BundleWriter(stream, ORIGIN)
    writer.keys(KEYS_DATA)
    writer.subtree(2, root_of(HASHES[:4]))
    writer.entry(ENTRIES[4])
    writer.body(SALT, b"body\n")
    writer.entry(ENTRIES[5])
    writer.checkpoint(checkpoint(6))
    writer.token(b"\x30\x00")
    writer.token(b"\x30\x01\x00")
    writer.subtree(1, root_of(HASHES[6:8]))
    writer.entry(ENTRIES[8])
    writer.body(SALT, b"")
    writer.subtree(0, HASHES[9])
    assert writer.position == 10
    writer.checkpoint(checkpoint(10))
    digest = writer.end()
    data = stream.getvalue()
    assert digest == hashlib.sha256(data[: data.rindex(b"Z ")]).digest()
    return data


DATA = write()
LINES = DATA.splitlines(keepends=True)


def lines(data: bytes) -> list[Line]:
    return list(read_bundle(io.BytesIO(data)))


def closed(body: bytes) -> bytes:
    """Put the right Z line after other lines."""
    return body + f"Z {hashlib.sha256(body).hexdigest()}\n".encode()


def test_what_was_written_is_read_line_by_line() -> None:
    read = lines(DATA)
    assert [type(line) for line in read] == [
        Header, Keys, Subtree, EntryLine, BodyLine, EntryLine, CheckpointLine, Token, Token, Subtree, EntryLine,
        BodyLine, Subtree, CheckpointLine, End,
    ]  # fmt: skip
    assert b"".join(line.encoded() for line in read) == DATA


def test_folding_what_was_read_gives_the_root_of_every_checkpoint() -> None:
    stack = Stack()
    seen = []
    for line in lines(DATA):
        if isinstance(line, EntryLine):
            stack.append(entry_hash(line.text))
        elif isinstance(line, Subtree):
            stack.push(line.level, line.hash)
        elif isinstance(line, CheckpointLine):
            assert (stack.size, stack.root()) == (line.checkpoint.size, line.checkpoint.root)
            seen.append(stack.size)
    assert seen == [6, 10]


class Drip(io.BytesIO):
    """A stream that gives one byte at a time."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(size or 0, 1))


def test_the_stream_may_give_any_portions() -> None:
    assert list(read_bundle(Drip(DATA))) == lines(DATA)


def test_a_large_file_is_read_in_small_memory() -> None:
    class Endless:
        left = 400

        def read(self, size: int, /) -> bytes:
            self.left -= 1
            assert size <= 1 << 20
            return (
                b"H muniment-bundle/1 a\n" if self.left == 399 else b"E " + b"x" * 300_000 + b"\n" if self.left else b""
            )

    reader = read_bundle(Endless())
    assert isinstance(next(reader), Header)
    assert all(isinstance(line, EntryLine) for line in itertools.islice(reader, 398))
    with pytest.raises(MalformedBundle, match="without a Z line"):
        next(reader)


def at(number: int, line: bytes) -> bytes:
    """Replace one line (from 1) and close the file again."""
    return closed(b"".join([*LINES[: number - 1], line, *LINES[number:-1]]))


def before(number: int, line: bytes) -> bytes:
    return closed(b"".join([*LINES[: number - 1], line, *LINES[number - 1 : -1]]))


def encoded(data: bytes) -> bytes:
    return base64.b64encode(data)


E1, B1, C6, T1, N2 = LINES[3], LINES[4], LINES[6], LINES[7], LINES[2]
BAD: dict[str, tuple[bytes, int]] = {
    "nothing": (b"", 1),
    "no header": (closed(b"".join(LINES[1:-1])), 1),
    "another header": (at(1, LINES[0].replace(b"bundle/1", b"bundle/2")), 1),
    "header without origin": (at(1, b"H muniment-bundle/1\n"), 1),
    "header with a bad origin": (at(1, b"H muniment-bundle/1 Log\n"), 1),
    "header twice": (before(2, LINES[0]), 2),
    "byte-order mark": (b"\xef\xbb\xbf" + DATA, 1),
    "keys after an entry": (before(5, LINES[1]), 5),
    "keys with the same number": (before(3, LINES[1]), 3),
    "keys that are no note": (at(2, b"K " + encoded(b"x") + b"\n"), 2),
    "keys of a checkpoint": (at(2, b"K " + encoded(checkpoint(6)) + b"\n"), 2),
    "body after a subtree": (before(4, B1), 4),
    "body twice": (before(6, B1), 6),
    "body of 31 bytes": (at(5, b"B " + encoded(bytes(31)) + b"\n"), 5),
    "body over the limit": (at(5, b"B " + encoded(bytes(32 + MAX_INLINE_BYTES + 1)) + b"\n"), 5),
    "body in loose base64": (at(5, b"B " + encoded(bytes(32))[:-2] + b"B=\n"), 5),
    "body without padding": (at(5, b"B " + encoded(bytes(32)).rstrip(b"=") + b"\n"), 5),
    "subtree of level 53": (at(3, N2.replace(b"N 2", b"N 53")), 3),
    "subtree of level 02": (at(3, N2.replace(b"N 2", b"N 02")), 3),
    "subtree of level -1": (at(3, N2.replace(b"N 2", b"N -1")), 3),
    "subtree without a hash": (at(3, b"N 2\n"), 3),
    "subtree with a short hash": (at(3, b"N 2 " + encoded(bytes(31)) + b"\n"), 3),
    "subtree with two spaces": (at(3, N2.replace(b"N 2 ", b"N 2  ")), 3),
    "position beyond 2^53-1": (before(3, N2.replace(b"N 2", b"N 52") * 2), 4),
    "checkpoint that is none": (at(7, b"C " + encoded(b"x") + b"\n"), 7),
    "checkpoint before everything": (before(3, C6), 3),
    "checkpoint twice": (before(8, C6), 8),
    "checkpoint of a keys note": (at(7, b"C " + encoded(KEYS_DATA) + b"\n"), 7),
    "token after an entry": (before(5, T1), 5),
    "empty token": (at(8, b"T \n"), 8),
    "token that is no base64": (at(8, b"T !!!!\n"), 8),
    "entry after the last checkpoint": (before(15, E1), 16),
    "no checkpoint": (closed(b"".join(LINES[:4])), 5),
    "unknown letter": (before(4, b"X x\n"), 4),
    "small letter": (before(4, b"e" + E1[1:]), 4),
    "letter without a space": (before(4, b"E\n"), 4),
    "tab for the space": (before(4, b"E\t" + E1[2:]), 4),
    "empty line": (before(4, b"\n"), 4),
    "carriage return": (at(4, E1[:-1] + b"\r\n"), 4),
    "carriage return in a Z line": (DATA[:-1] + b"\r\n", 15),
    "line over the limit": (before(4, b"E " + b"x" * (MAX_LINE - 1) + b"\n"), 4),
    "line over the limit without an end": (LINES[0] + b"E " + b"x" * 2 * MAX_LINE, 2),
    "no Z line": (b"".join(LINES[:-1]), 15),
    "Z line without a newline": (DATA[:-1], 15),
    "Z line in capitals": (DATA[:-65] + DATA[-65:].upper(), 15),
    "Z line of another file": (DATA[:-65] + b"0" * 64 + b"\n", 15),
    "Z line twice": (DATA + LINES[-1], 16),
    "bytes after Z": (DATA + b"x", 16),
    "newline after Z": (DATA + b"\n", 16),
    "Z line alone": (closed(b""), 1),
    "a byte changed": (DATA.replace(b'"seq":5', b'"seq":6'), 15),
    "a line removed": (b"".join(LINES[:3] + LINES[4:]), 4),
    "cut in the middle of a line": (DATA[:400], DATA[:400].count(b"\n") + 1),
}  # fmt: skip


@pytest.mark.parametrize(("data", "line"), BAD.values(), ids=BAD.keys())
def test_what_breaks_the_form_is_malformed_and_names_the_line(data: bytes, line: int) -> None:
    with pytest.raises(MalformedBundle) as caught:
        lines(data)
    assert (caught.value.line, caught.value.where) == (line, f"line {line}")


def test_the_limits_themselves_are_read() -> None:
    entry = b"E " + b"x" * (MAX_LINE - 2) + b"\n"
    assert EntryLine(entry[2:-1]) in lines(before(4, entry))
    body = BodyLine(SALT, bytes(MAX_INLINE_BYTES))
    assert body in lines(at(5, body.encoded()))


def test_an_entry_at_the_last_position_is_read_and_one_beyond_is_malformed() -> None:
    subtrees = [N2.replace(b"N 2", b"N %d" % level) for level in range(52, 0, -1)]
    assert lines(closed(b"".join([*LINES[:2], *subtrees, E1, C6])))
    with pytest.raises(MalformedBundle, match="beyond"):
        lines(closed(b"".join([*LINES[:2], *subtrees, E1, E1, C6])))


def test_the_error_survives_the_way_between_processes() -> None:
    error = pickle.loads(pickle.dumps(MalformedBundle("why", "line 3", 3)))
    assert (error.reason, error.where, error.line, str(error)) == ("why", "line 3", 3, "line 3: why")


@given(st.binary(max_size=80) | damaged(DATA) | damaged(DATA).map(lambda data: closed(data[: data.rfind(b"Z ")])))
def test_any_bytes_are_lines_that_write_back_the_same_or_malformed(data: bytes) -> None:
    try:
        read = lines(data)
    except MalformedBundle:
        return
    assert b"".join(line.encoded() for line in read) == data


@given(st.lists(st.sampled_from(LINES), max_size=8).map(b"".join))
def test_lines_in_any_order_are_read_or_malformed(data: bytes) -> None:
    with pytest.raises(MalformedBundle):
        lines(closed(data + LINES[0]))


def writers() -> Iterator[tuple[str, Callable[[BundleWriter], object], type[MunimentError]]]:
    yield "entry of another place", lambda w: w.entry(ENTRIES[1]), VerificationFailed
    yield "entry with a newline", lambda w: w.entry(b"\n" + ENTRIES[0]), VerificationFailed
    yield "entry with a carriage return", lambda w: w.entry(b"\r" + ENTRIES[0]), VerificationFailed
    yield "entry over the limit of a line", lambda w: w.entry(b"x" * MAX_LINE + ENTRIES[0]), Malformed
    yield "body before an entry", lambda w: w.body(SALT, b""), Malformed
    yield "checkpoint of another size", lambda w: w.checkpoint(checkpoint(3)), VerificationFailed
    yield "token before a checkpoint", lambda w: w.token(b"x"), Malformed
    yield "end without a checkpoint", lambda w: w.end(), Malformed
    yield "level out of range", lambda w: w.subtree(53, bytes(32)), Malformed
    yield "short hash", lambda w: w.subtree(0, bytes(31)), Malformed
    yield "keys note that is none", lambda w: w.keys(b"x"), Malformed
    yield "checkpoint that is none", lambda w: w.checkpoint(b"x"), Malformed

    def twice(w: BundleWriter) -> None:
        w.keys(KEYS_DATA)
        w.keys(KEYS_DATA)

    yield "keys note twice", twice, VerificationFailed

    def misplaced(w: BundleWriter) -> None:
        w.entry(ENTRIES[0])
        w.subtree(1, bytes(32))

    yield "subtree at an odd place", misplaced, VerificationFailed

    def false_root(w: BundleWriter) -> None:
        w.subtree(0, bytes(32))
        w.checkpoint(checkpoint(1))

    yield "checkpoint with another root", false_root, VerificationFailed

    def short_salt(w: BundleWriter) -> None:
        w.entry(ENTRIES[0])
        w.body(SALT[1:], b"x")

    yield "short salt", short_salt, Malformed

    def large_body(w: BundleWriter) -> None:
        w.entry(ENTRIES[0])
        w.body(SALT, bytes(MAX_INLINE_BYTES + 1))

    yield "large body", large_body, Malformed


CASES = list(writers())


@pytest.mark.parametrize(("act", "error"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_writer_writes_nothing_that_does_not_fit(
    act: Callable[[BundleWriter], object], error: type[MunimentError]
) -> None:
    stream = io.BytesIO()
    writer = BundleWriter(stream, ORIGIN)
    with pytest.raises(error):
        act(writer)


def test_after_a_refusal_the_writer_goes_on_where_it_was() -> None:
    stream = io.BytesIO()
    writer = BundleWriter(stream, ORIGIN)
    writer.entry(ENTRIES[0])
    for act in (lambda: writer.entry(ENTRIES[2]), lambda: writer.subtree(1, bytes(32)), lambda: writer.end()):
        with pytest.raises(MunimentError):
            act()
    writer.checkpoint(checkpoint(1))
    writer.end()
    assert [type(line) for line in lines(stream.getvalue())] == [Header, EntryLine, CheckpointLine, End]


def test_the_writer_needs_an_origin() -> None:
    with pytest.raises(Malformed):
        BundleWriter(io.BytesIO(), "")
