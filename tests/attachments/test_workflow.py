"""A file's name and its first bytes agree, or it is refused."""

import pytest

from muniment.core.errors import Malformed
from muniment.server.attachments.workflow import ENDINGS, NewAttachment, Sniffer, checked_name, sorted_controls

SOUND = {
    "a.pdf": b"%PDF-1.4",
    "a.PNG": b"\x89PNG\r\n\x1a\n",
    "a.jpeg": b"\xff\xd8\xff\xe0",
    "a.webp": b"RIFF\x00\x00\x00\x00WEBPVP8 ",
    "a.docx": b"PK\x03\x04rest",
    "a.txt": "Zażółć".encode(),
    "a.json": b"{}",
}


@pytest.mark.parametrize("name", SOUND)
def test_a_file_that_begins_as_its_name_says_is_taken_in_any_pieces(name: str) -> None:
    for step in (1, 3, 1000):
        sniffer = Sniffer(name)
        for at in range(0, len(SOUND[name]), step):
            sniffer.take(SOUND[name][at : at + step])
        assert "/" in sniffer.finish()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.pdf", b"MZ\x90\x00"),
        ("a.pdf", b"<html><script>"),
        ("a.pdf", b" %PDF-1.4"),
        ("a.png", b"\xff\xd8\xff"),
        ("a.webp", b"RIFF\x00\x00\x00\x00AVI "),
        ("a.txt", b"\xff\xfe\x00"),
        ("a.txt", b"a" * 100_000 + b"\x00"),
        ("a.csv", "ą".encode()[:1]),
    ],
)
def test_a_file_that_is_something_else_is_refused(name: str, data: bytes) -> None:
    sniffer = Sniffer(name)

    def taken() -> str:
        for at in range(0, len(data), 4096):
            sniffer.take(data[at : at + 4096])
        return sniffer.finish()

    with pytest.raises(Malformed) as refused:
        taken()
    assert refused.value.where == "file"


@pytest.mark.parametrize(
    "name", ["", ".pdf", "a", "a.exe", "a.html", "a.svg", "../a.pdf", "a\\b.pdf", "a\n.pdf", "a\u202e.pdf", " a.pdf"]
)
def test_a_name_that_is_no_files_name_is_refused(name: str) -> None:
    with pytest.raises(Malformed):
        checked_name(name)


def test_no_kind_of_file_is_kept_that_a_browser_runs() -> None:
    assert not {"html", "htm", "svg", "xml", "js", "xhtml"} & set(ENDINGS)


def test_controls_are_kept_sorted_and_once() -> None:
    assert sorted_controls(["soc2:CC6.1", "own:1", "soc2:CC6.1 "]) == ("own:1", "soc2:CC6.1")
    with pytest.raises(Malformed):
        NewAttachment("a.pdf", "policy", ("soc2:CC6.1", "own:1"))
