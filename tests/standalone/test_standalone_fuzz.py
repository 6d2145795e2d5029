"""Whatever the bytes, the single-file verifier answers; and whatever was changed, it does not say "verified"."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import example, given, settings
from hypothesis import strategies as st

from muniment.verifier.standalone import muniment_verify as mv
from tests.standalone.forge import LOG, ROOT, WITNESS, b64, keys_line, note_line, sample, seal, sha256

FORGE = sample()
WHOLE = FORGE.lines()
BLOB = seal(WHOLE)
ROOT_KEY = mv.read_vkey(ROOT.vkey, 1)
STATES = {"passed", "failed", "not_made"}


def verdict(data: bytes, root: bool = True) -> str:
    with TemporaryDirectory() as folder:
        path = Path(folder, "bundle")
        path.write_bytes(data)
        answer = mv.verify(str(path), mv.Pins(genesis=FORGE.genesis, root=ROOT_KEY if root else None))
    mv.show(answer).encode("ascii")
    assert [check["name"] for check in answer["checks"]] == list(mv.CHECKS)
    assert {check["state"] for check in answer["checks"]} <= STATES
    assert (answer["verdict"] == "verified") == (answer["first_broken"] is None)
    said: str = answer["verdict"]
    return said


@settings(max_examples=150, deadline=None)
@given(data=st.binary(max_size=300))
def test_random_bytes_are_malformed(data: bytes) -> None:
    assert verdict(data) == "malformed"


LINE = st.one_of(
    st.builds(lambda letter, rest: letter + b" " + rest, st.sampled_from([b"K", b"E", b"B", b"N", b"C", b"T"]),
              st.binary(max_size=80)),
    st.builds(lambda letter, raw: f"{letter} {b64(raw)}".encode(), st.sampled_from("KBCT"), st.binary(max_size=80)),
    st.builds(lambda level, raw: f"N {level} {b64(raw)}".encode(), st.integers(0, 60),
              st.binary(min_size=32, max_size=32)),
    st.sampled_from([line.encode() if isinstance(line, str) else line for line in WHOLE]),
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(lines=st.lists(LINE, max_size=12))
def test_random_lines_get_an_answer(lines: list[bytes]) -> None:
    verdict(seal([WHOLE[0], *lines]))
    verdict(seal([*WHOLE[:2], *lines, WHOLE[-1]]), root=False)


@settings(max_examples=300, deadline=None)
@given(at=st.integers(0, len(BLOB) - 70), byte=st.integers(0, 255))
def test_no_changed_byte_is_verified_even_with_a_new_last_line(at: int, byte: int) -> None:
    data = BLOB[: BLOB.rindex(b"Z ")]
    changed = data[:at] + bytes([byte]) + data[at + 1 :]
    sealed = changed + b"Z " + sha256(changed).hex().encode() + b"\n"
    assert (verdict(sealed) == "verified") == (changed == data)


@settings(max_examples=150, deadline=None)
@given(at=st.integers(0, len(BLOB)), gone=st.integers(0, 40), new=st.binary(max_size=40))
@example(at=0, gone=0, new=b"")
def test_no_splice_is_verified(at: int, gone: int, new: bytes) -> None:
    changed = BLOB[:at] + new + BLOB[at + gone :]
    assert (verdict(changed) == "verified") == (changed == BLOB)


@settings(max_examples=150, deadline=None)
@given(order=st.lists(st.integers(0, len(WHOLE) - 1), max_size=len(WHOLE) + 3))
def test_no_other_order_of_lines_is_verified(order: list[int]) -> None:
    chosen = [WHOLE[at] for at in order]
    without_bodies = [line for line in WHOLE if not str(line).startswith("B ")]
    assert (verdict(seal(chosen)) == "verified") == (chosen in (WHOLE, without_bodies))


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(path=st.sampled_from([("event",), ("event", "source"), ("event", "body"), ("seq",), ("log",), ("prev",),
                             ("recorded_at",), ("controls",), ("event", "controls"), ("event", "source", "seq"),
                             ("event", "actor"), ("event", "trace"), ("v",)]), value=JSON)  # fmt: skip
def test_any_json_in_the_place_of_any_field_gets_an_answer(path: tuple[str, ...], value: object) -> None:
    def change(seq: int, entry: dict[str, object]) -> None:
        if seq == 4:
            inside = entry
            for key in path[:-1]:
                inner = inside[key]
                assert isinstance(inner, dict)
                inside = inner
            inside[path[-1]] = value

    def run() -> bytes:
        return seal(sample(change=change).lines())

    try:
        data = run()
    except UnicodeEncodeError:
        return
    assert verdict(data, root=False) in ("failed", "verified")


@settings(max_examples=150, deadline=None)
@given(
    text=st.text(alphabet="\n —abz+=0189 \t\r\0é", max_size=60),
    raw=st.binary(max_size=60),
    time=st.integers(0, 2**64 - 1),
)
def test_any_note_gets_an_answer(text: str, raw: bytes, time: int) -> None:
    checkpoint = FORGE.checkpoint_text()
    odd = f"— {WITNESS.name} {b64(WITNESS.id + time.to_bytes(8, 'big') + raw)}\n"
    keys = keys_line(FORGE.keys_text(lines=[f"log {LOG.vkey} from 0", f"cosigner {WITNESS.vkey} from 0"]))
    for note in (text, checkpoint + text, checkpoint + "\n" + text, checkpoint + "\n" + LOG.line(checkpoint) + odd):
        assert verdict(seal([WHOLE[0], keys, *WHOLE[2:-1], note_line("C", note)])) != "verified"
    verdict(seal([WHOLE[0], note_line("K", text + "\n" + ROOT.line(text)), *WHOLE[2:]]))
    verdict(seal([WHOLE[0], keys_line(FORGE.keys_text() + text), *WHOLE[2:]]))
