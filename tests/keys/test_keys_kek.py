import base64
import copy
import os
import pickle
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.core.errors import Malformed, Refused
from muniment.keys import FileKek, KeyEncryptionKey, MalformedKekFile, MalformedSealed, Tampered

KEY = bytes(range(32))
DATA_KEY = bytes(range(32, 64))
CONTEXT = b"tenant and number"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "kek.key"


def test_a_key_comes_back_as_it_was_made(path):
    made = FileKek.create(path)
    loaded = FileKek.load(path)
    assert isinstance(loaded, KeyEncryptionKey)
    assert loaded.key_id == made.key_id
    assert loaded.unwrap(made.wrap(DATA_KEY, CONTEXT), CONTEXT) == DATA_KEY


def test_the_file_is_one_line_that_only_its_owner_may_read(path):
    made = FileKek.create(path)
    text = path.read_text()
    prefix = f"MUNIMENT-KEK+{made.key_id}+"
    assert text.startswith(prefix)
    assert text.count("\n") == 1
    assert len(base64.b64decode(text.removeprefix(prefix))) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [item.name for item in path.parent.iterdir()] == ["kek.key"]


def test_every_key_is_another_one(tmp_path):
    made = [FileKek.create(tmp_path / f"{number}.key") for number in range(20)]
    assert len({kek.key_id for kek in made}) == 20


def test_an_existing_key_is_never_overwritten(path):
    first = FileKek.create(path)
    with pytest.raises(Refused, match="never overwritten"):
        FileKek.create(path)
    assert FileKek.load(path).key_id == first.key_id


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o777, 0o601])
def test_a_key_that_others_may_use_is_refused_with_the_remedy(path, mode):
    FileKek.create(path)
    path.chmod(mode)
    with pytest.raises(Refused, match="chmod 600"):
        FileKek.load(path)


def test_a_link_to_a_key_is_refused(path, tmp_path):
    FileKek.create(path)
    (tmp_path / "link.key").symlink_to(path)
    with pytest.raises(Refused, match="link"):
        FileKek.load(tmp_path / "link.key")


def test_a_dangling_link_at_the_place_of_a_key_is_not_followed(path, tmp_path):
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Refused):
        FileKek.create(path)
    assert not (tmp_path / "elsewhere").exists()


def test_a_key_with_a_second_name_is_refused(path, tmp_path):
    FileKek.create(path)
    os.link(path, tmp_path / "second")
    with pytest.raises(Refused, match="2 names"):
        FileKek.load(path)
    (tmp_path / "second").unlink()
    assert FileKek.load(path)


def test_a_key_of_another_user_is_refused(path, monkeypatch):
    FileKek.create(path)
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    with pytest.raises(Refused, match="belongs to user id"):
        FileKek.load(path)


def test_a_directory_that_others_may_write_to_holds_no_key(path, tmp_path):
    FileKek.create(path)
    tmp_path.chmod(0o770)
    with pytest.raises(Refused, match="chmod go-w"):
        FileKek.load(path)
    with pytest.raises(Refused, match="chmod go-w"):
        FileKek.create(tmp_path / "another.key")
    assert not (tmp_path / "another.key").exists()


def test_a_missing_key_or_directory_is_refused_by_its_path(path, tmp_path):
    with pytest.raises(Refused) as caught:
        FileKek.load(path)
    assert caught.value.where == str(path)
    with pytest.raises(Refused) as caught:
        FileKek.load(tmp_path / "nowhere" / "kek.key")
    assert caught.value.where == str(tmp_path / "nowhere")


def test_a_directory_or_a_pipe_is_no_key(path, tmp_path):
    (tmp_path / "folder").mkdir()
    os.mkfifo(path, 0o600)
    for place in (path, tmp_path / "folder"):
        with pytest.raises(Refused, match="regular file"):
            FileKek.load(place)


def mutations(line: str) -> dict[str, bytes]:
    _, key_id, secret = line.rstrip("\n").split("+", 2)
    raw = base64.b64decode(secret)

    def again(blob: bytes) -> bytes:
        return f"MUNIMENT-KEK+{key_id}+{base64.b64encode(blob).decode()}\n".encode()

    return {
        "without newline": line.rstrip("\n").encode(),
        "second line": (line + "x\n").encode(),
        "carriage return": line.replace("\n", "\r\n").encode(),
        "other id": line.replace(key_id, "0" * 16).encode(),
        "id in capitals": line.replace(key_id, key_id.upper()).encode(),
        "without id": f"MUNIMENT-KEK+{secret}\n".encode(),
        "other key": again(raw[:-1] + bytes([raw[-1] ^ 1])),
        "key too short": again(raw[:-1]),
        "key too long": again(raw + b"x"),
        "nothing": again(b""),
        "white space in the base64": line.replace(secret, secret[:8] + " " + secret[8:]).encode(),
        "bits after the end of the base64": line.replace(secret, secret[:-2] + "9=").encode(),
        "not ASCII": b"\xff" + line.encode(),
        "signing key": line.replace("MUNIMENT-KEK", "PRIVATE+KEY").encode(),
        "empty": b"",
        "huge": line.encode() * 100,
    }


LINE = f"MUNIMENT-KEK+{FileKek(KEY).key_id}+{base64.b64encode(KEY).decode()}\n"


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    path.chmod(0o600)
    return path


def test_the_line_that_is_mutated_below_is_a_key(path):
    assert FileKek.load(written(path, LINE.encode())).key_id == FileKek(KEY).key_id


@pytest.mark.parametrize("name", mutations(LINE))
def test_a_changed_key_file_is_refused_and_not_repeated(path, name):
    with pytest.raises(MalformedKekFile) as caught:
        FileKek.load(written(path, mutations(LINE)[name]))
    assert LINE.rstrip("\n").split("+", 2)[2] not in str(caught.value)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_key_or_malformed(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("keys") / "any.key"
    with pytest.raises(Malformed):
        FileKek.load(written(path, data))


def test_wrapping_twice_gives_two_texts_of_one_length():
    first, second = (FileKek(KEY).wrap(DATA_KEY, CONTEXT) for _ in range(2))
    assert first != second
    assert len(first) == len(second) == 61
    assert DATA_KEY not in first


def test_a_changed_byte_anywhere_in_a_wrapped_key_is_noticed():
    wrapped = FileKek(KEY).wrap(DATA_KEY, CONTEXT)
    for place in range(len(wrapped)):
        changed = bytearray(wrapped)
        changed[place] ^= 1
        with pytest.raises(MalformedSealed if place == 0 else Tampered):
            FileKek(KEY).unwrap(bytes(changed), CONTEXT)


def test_a_wrapped_key_opens_neither_elsewhere_nor_with_another_key():
    wrapped = FileKek(KEY).wrap(DATA_KEY, CONTEXT)
    with pytest.raises(Tampered):
        FileKek(KEY).unwrap(wrapped, CONTEXT + b"x")
    with pytest.raises(Tampered):
        FileKek(bytes(32)).unwrap(wrapped, CONTEXT)


def test_a_cut_or_lengthened_wrapped_key_is_malformed():
    wrapped = FileKek(KEY).wrap(DATA_KEY, CONTEXT)
    for bad in [*(wrapped[:end] for end in range(len(wrapped))), wrapped + b"\0"]:
        with pytest.raises(MalformedSealed):
            FileKek(KEY).unwrap(bad, CONTEXT)


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_key_of_another_length_is_neither_wrapped_nor_a_kek(length):
    with pytest.raises(Malformed):
        FileKek(KEY).wrap(bytes(length), CONTEXT)
    with pytest.raises(Malformed):
        FileKek(bytes(length))


def test_a_key_shows_no_secret_and_is_neither_pickled_nor_copied():
    kek = FileKek(KEY)
    assert repr(kek) == f"FileKek({kek.key_id})"
    assert KEY.hex() not in repr(kek)
    for copying in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            copying(kek)
