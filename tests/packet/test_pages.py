"""The pages of a packet hold no script, no address and no markup of others, and are the same each time."""

import io
import json
import re
from dataclasses import replace

import pytest

from muniment.core.errors import Malformed
from muniment.packet.contents import Extract, Table
from muniment.packet.draft import draft_packet, write_packet
from muniment.packet.manifest import parse_manifest
from muniment.packet.page import POLICY
from muniment.packet.tabular import as_csv, as_markdown
from tests.packet.scene import LETTER, Scene, scene


def texts(made: Scene, ending: str) -> dict[str, str]:
    return {part.path: b"".join(part.open()).decode() for part in made.draft.parts if part.path.endswith(ending)}


def test_pages_hold_no_script_and_no_address_and_nothing_hostile(made: Scene) -> None:
    pages = {path: text for path, text in texts(made, ".html").items() if path.startswith(("pages/", "READ"))}
    assert len(pages) == 9
    files = {part.path for part in made.draft.parts} | {"manifest.json", "signature.bundle"}
    for path, text in pages.items():
        assert POLICY in text
        assert "<script" not in text
        assert "\u202e" not in text
        assert not re.search(r"(?:https?:)?//|\son[a-z]+=|\sstyle=|src=|url\(", text), path
        folder = path.rpartition("/")[0]
        for target in re.findall(r'href="([^"]*)"', text):
            resolved = target.replace("%20", " ")
            resolved = resolved[3:] if resolved.startswith("../") else f"{folder}/{resolved}".lstrip("/")
            assert resolved in files, (path, target)
    assert "default-src 'none'" in POLICY
    assert "unsafe" not in POLICY


def test_what_was_not_supplied_says_so_on_every_page_that_would_show_it(made: Scene) -> None:
    pages = texts(made, ".html")
    for path in ("READ ME FIRST.html", "pages/registers.html", "pages/attachments.html"):
        assert "not supplied" in pages[path], path
    assert json.loads(texts(made, ".json")["data/exceptions.json"])["state"] == "not supplied"
    bare = scene(matrix=replace(made.contents.matrix, table=None), samples=(), papers=(), slots=())
    assert texts(bare, ".html")["READ ME FIRST.html"].count("not supplied") == 5


def test_the_same_contents_give_the_same_bytes(made: Scene, archive: bytes) -> None:
    again = scene()
    assert again.draft.manifest == made.draft.manifest
    assert parse_manifest(made.draft.manifest.text()) == made.draft.manifest
    out = io.BytesIO()
    write_packet(again.draft, made.signature(), out)
    assert out.getvalue() == archive


def test_an_attachment_that_is_not_what_was_recorded_is_refused(made: Scene) -> None:
    slot = made.contents.slots[0]
    forged = replace(slot, files=(replace(slot.files[0], open=lambda: (LETTER.upper(),)),))
    with pytest.raises(Malformed, match="not those that were recorded"):
        draft_packet(replace(made.contents, slots=(forged,)))
    active = replace(slot, files=(replace(slot.files[0], suffix=".html"),))
    with pytest.raises(Malformed, match="no ending of a supplied file"):
        draft_packet(replace(made.contents, slots=(active,)))


def test_a_cell_that_a_spreadsheet_would_run_is_disarmed() -> None:
    rows = as_csv(Table(("a",), (("=1+1",), ("@x",), ("-1",), ("plain",)))).decode().split("\r\n")
    assert rows == ["a", "'=1+1", "'@x", "'-1", "plain", ""]


def test_markdown_of_a_register_holds_no_markup_of_others() -> None:
    hostile = "a | b\n# c <script> [x](http://e) `d` \u202eevil ![i](j)"
    text = as_markdown(
        Extract("exceptions", "Exceptions", "All.", Table(("Id", "Why"), (("exc_1", hostile),)))
    ).decode()
    assert text.splitlines()[-3:-1] == ["| Id | Why |", "| --- | --- |"]
    assert text.splitlines()[-1] == (
        r"| exc\_1 | a \| b \# c \<script\> \[x\]\(http\://e\) \`d\` \[U\+202E\]evil \!\[i\]\(j\) |"
    )
    assert b"Not supplied." in as_markdown(Extract("vendors", "Vendors", "None.", None))
