import base64
import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.core.errors import Malformed, Refused
from muniment.core.note import parse_vkey, verify_ed25519
from muniment.keys import FileSigner, MalformedKeyFile, Signer

ORIGIN = "muniment.example/log/01k"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "log.key"


def test_a_key_comes_back_as_it_was_made(path):
    made = FileSigner.create(path, ORIGIN, 1)
    loaded = FileSigner.load(path)
    assert isinstance(loaded, Signer)
    assert (loaded.name, loaded.key_type, loaded.vkey) == (ORIGIN, 1, made.vkey)
    assert parse_vkey(loaded.vkey).public_key == loaded.public_key
    verify_ed25519(made.public_key, loaded.sign(b"message"), b"message")


def test_the_file_is_one_line_that_only_its_owner_may_read(path):
    made = FileSigner.create(path, ORIGIN, 4)
    text = path.read_text()
    prefix = f"PRIVATE+KEY+{ORIGIN}+{made.verifier.key_id.hex()}+"
    assert text.startswith(prefix)
    assert text.count("\n") == 1
    assert base64.b64decode(text.removeprefix(prefix))[0] == 4
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_nothing_but_the_key_is_left_behind(path):
    FileSigner.create(path, ORIGIN, 1)
    assert [item.name for item in path.parent.iterdir()] == ["log.key"]


def test_an_existing_key_is_never_overwritten(path):
    first = FileSigner.create(path, ORIGIN, 1)
    with pytest.raises(Refused, match="never overwritten"):
        FileSigner.create(path, ORIGIN, 1)
    assert FileSigner.load(path).vkey == first.vkey
    assert [item.name for item in path.parent.iterdir()] == ["log.key"]


def test_a_dangling_link_at_the_place_of_a_key_is_not_followed(path):
    path.symlink_to(path.parent / "elsewhere")
    with pytest.raises(Refused):
        FileSigner.create(path, ORIGIN, 1)
    assert not (path.parent / "elsewhere").exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o777, 0o601])
def test_a_key_that_others_may_use_is_refused_with_the_remedy(path, mode):
    FileSigner.create(path, ORIGIN, 1)
    path.chmod(mode)
    with pytest.raises(Refused, match="chmod 600"):
        FileSigner.load(path)


def test_a_missing_key_is_refused_by_its_path(path):
    with pytest.raises(Refused) as caught:
        FileSigner.load(path)
    assert caught.value.where == str(path)


def test_a_directory_or_a_pipe_is_no_key(path, tmp_path):
    (tmp_path / "folder").mkdir()
    os.mkfifo(path, 0o600)
    for place in (path, tmp_path / "folder"):
        with pytest.raises(Refused, match="regular file"):
            FileSigner.load(place)


def mutations(line: str) -> dict[str, bytes]:
    _, _, name, key_id, secret = line.rstrip("\n").split("+", 4)
    head = f"PRIVATE+KEY+{name}"
    raw = base64.b64decode(secret)

    def again(blob: bytes) -> bytes:
        return f"{head}+{key_id}+{base64.b64encode(blob).decode()}\n".encode()

    return {
        "without newline": line.rstrip("\n").encode(),
        "second line": (line + "x\n").encode(),
        "carriage return": line.replace("\n", "\r\n").encode(),
        "other name": line.replace(ORIGIN, ORIGIN + "x").encode(),
        "other key id": line.replace(key_id, "00000000").encode(),
        "other seed": again(raw[:-1] + bytes([raw[-1] ^ 1])),
        "other type": again(b"\x02" + raw[1:]),
        "type without seed": again(raw[:1]),
        "nothing": again(b""),
        "seed too long": again(raw + b"x"),
        "white space in the base64": line.replace(secret, secret[:8] + " " + secret[8:]).encode(),
        "no base64": line.replace(secret, "!" * 44).encode(),
        "not UTF-8": b"\xff" + line.encode(),
        "public key": b"PUBLIC" + line.encode().removeprefix(b"PRIVATE"),
        "empty": b"",
        "huge": line.encode() * 100,
    }


def fixed() -> FileSigner:
    return FileSigner(ORIGIN, 1, bytes(range(32)))


NAMES = list(mutations(f"PRIVATE+KEY+{ORIGIN}+00000001+{base64.b64encode(b'x' * 33).decode()}\n"))


@pytest.mark.parametrize("name", NAMES)
def test_a_changed_key_file_is_refused_and_not_repeated(path, name):
    fixed().save(path)
    line = path.read_text()
    path.write_bytes(mutations(line)[name])
    with pytest.raises(MalformedKeyFile) as caught:
        FileSigner.load(path)
    assert line.rstrip("\n").split("+", 4)[4] not in str(caught.value)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_key_or_malformed(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("keys") / "any.key"
    path.write_bytes(data)
    path.chmod(0o600)
    with pytest.raises(Malformed):
        FileSigner.load(path)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb"])
def test_a_name_that_no_signature_line_can_carry_is_refused_before_anything_is_written(path, name):
    with pytest.raises(Malformed):
        FileSigner.create(path, name, 1)
    assert not path.exists()


def test_a_printed_signer_shows_no_secret(path):
    signer = fixed()
    assert base64.b64encode(b"\x01" + bytes(range(32))).decode() not in repr(signer)
    assert signer.vkey in repr(signer)
