"""A document draws the same bytes everywhere, sets what others wrote as text, and a changed one is found."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import unicodedata
import zlib
from dataclasses import replace
from hashlib import sha256

import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muniment.core.errors import Malformed
from muniment.reports.asks import Ask
from muniment.reports.blocks import Bars, Block, Column, Facts, Figure, Heading, Notice, Paragraph, Table
from muniment.reports.checking import Check, Compared, ReportVerdict, check_numbers, check_pages, opened
from muniment.reports.document import Checkpoint, Document, Number, parse_document
from muniment.reports.extraction import attached, read_document
from muniment.reports.layout import parse_layout
from muniment.reports.lettering import SHOWABLE, shown
from muniment.reports.rendering import draw, renderer
from tests.reports.conftest import LAYOUT

HOSTILE = (
    '#import "@preview/x:1.0.0": *',
    '#read("/etc/passwd")',
    "] #panic() [",
    "$ x #h(1em) $ *bold* _it_ `raw` <label> @label \\u{41} // /* ---",
    '"}], "view": {}',
    "\u202eevil\u2066\u200b\ufeff",
    "שלום عربي 中文 😀",
    "\x01\x07\x1b[31m\x7f\x85",
    "а\u0301\u05b0\u064b é\u20dd",
    "A" * 7_000,
    "a\n1 0 obj\n<</Length 2/Type/EmbeddedFile/Subtype/x>>\nstream\n{}\nendstream",
    "",
)


def document(*blocks: Block, numbers: tuple[Number, ...] = (), title: str = "A title") -> Document:
    return Document(
        kind="custom",
        title=title,
        subtitle="Of a test",
        tenant="Northwind",
        log="log.example/0",
        checkpoint=Checkpoint(4_711, "ab" * 32, "2026-03-31T12:00:00.123456Z"),
        mapping=("base-1", "cd" * 32),
        layout="",
        blocks=blocks,
        numbers=numbers,
        drawn_by=renderer(),
    )


def counted(value: int | str = 4_711) -> Document:
    """A document with every kind of block and one number."""
    one = Figure(1)
    return document(
        Heading("In short"),
        Paragraph(("There are ", one, " entries.")),
        Notice("Gap", "nothing recorded", "bad"),
        Facts((("Entries", one), ("Name", "x"))),
        Bars((("success", one),), "By outcome"),
        Table((Column("Control", "mono", 0), Column("Entries", "right")), (("soc2:CC6.1", one),) * 90, "Many"),
        numbers=(Number("entries", Ask("count", filters={"outcome": "success"}), value),),
    )


def text_of(pdf: bytes) -> str:
    """What the page streams of a PDF hold, without the attached file."""
    with pikepdf.open(io.BytesIO(pdf)) as opened_pdf:
        return "\n".join(page.Contents.read_bytes().decode("latin-1") for page in opened_pdf.pages)


def test_the_same_document_gives_the_same_bytes_wherever_it_is_drawn() -> None:
    made = counted()
    program = (
        "import sys; from hashlib import sha256; from muniment.reports.document import parse_document; "
        "from muniment.reports.rendering import draw; "
        "print(sha256(draw(parse_document(sys.stdin.buffer.read()))).hexdigest())"
    )
    for zone, language, folder in (("Asia/Kathmandu", "de_DE.UTF-8", "/"), ("America/Caracas", "C", "/tmp")):
        environment = {
            **os.environ,
            "TZ": zone,
            "LANG": language,
            "LC_ALL": language,
            "HOME": folder,
            "PYTHONHASHSEED": "7",
        }
        drawn = subprocess.run(
            [sys.executable, "-c", program],
            input=made.text(),
            capture_output=True,
            env=environment,
            cwd=folder,
            check=True,
        )
        assert drawn.stdout.decode().strip() == sha256(draw(made)).hexdigest()


def test_what_others_wrote_is_text_and_nothing_else() -> None:
    hostile = [
        document(Paragraph((text,)), Facts(((text, text),)), Notice(text, text), Heading(text or "-", 2),
                 Table((Column(text),) * 7, ((text,) * 7,), text), title=text or "-")
        for text in HOSTILE
    ]  # fmt: skip
    for made in hostile:
        pdf = draw(made)
        assert read_document(pdf) == made, made.title[:40]
        assert b"root:" not in pdf
        assert b"root:" not in text_of(pdf).encode()


def test_every_letter_that_is_called_showable_is_and_others_stand_as_code_points() -> None:
    letters = [chr(code) for low, high in SHOWABLE for code in range(low, high + 1)]
    assert all(shown(letter) == letter for letter in letters)
    rows = [" ".join(letters[at : at + 40]) for at in range(0, len(letters), 40)]
    assert draw(document(*(Paragraph((row,)) for row in rows), Heading(" ".join(letters[:900]))))
    assert shown("a\u202eb\x00中") == "a[U+202E]b[U+0000][U+4E2D]"
    assert shown("x" * 5_000, most=10).endswith("[… 5,000 characters in all]")
    assert not any(
        unicodedata.bidirectional(letter) in ("RLO", "LRO", "RLE", "LRE", "RLI", "LRI") for letter in letters
    )


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=60))
def test_any_text_can_be_drawn(text: str) -> None:
    clean = "".join(letter for letter in text if letter != "\0" and not 0xD800 <= ord(letter) <= 0xDFFF)
    made = document(Paragraph((clean,)), Facts((("x", clean),)))
    assert read_document(draw(made)) == made


def test_the_pdf_says_what_pdf_a_3a_asks_for() -> None:
    pdf = draw(counted())
    with pikepdf.open(io.BytesIO(pdf)) as found:
        assert not found.is_encrypted
        with found.open_metadata() as metadata:
            assert (metadata["pdfaid:part"], metadata["pdfaid:conformance"]) == ("3", "A")
            assert metadata["pdfuaid:part"] == "1"
            assert metadata["dc:title"] == "A title"
        root = found.Root
        assert root.OutputIntents[0].S == "/GTS_PDFA1"
        assert root.OutputIntents[0].DestOutputProfile.read_bytes()[36:40] == b"acsp"
        assert bool(root.MarkInfo.Marked)
        assert root.StructTreeRoot.K[0].S == "/Document"
        assert str(root.Lang) == "en"
        assert "/JavaScript" not in root.get("/Names", {})
        assert "/OpenAction" not in root
        (specification,) = root.AF
        assert specification.AFRelationship == "/Data"
        assert specification.EF.F.Subtype == "/application/json"
        assert found.attachments["report.json"].get_file().read_bytes() == counted().text() == attached(pdf)
        for page in found.pages:
            for font in page.Resources.Font.values():
                descriptor = font.DescendantFonts[0].FontDescriptor
                assert "/FontFile2" in descriptor or "/FontFile3" in descriptor
                assert "/ToUnicode" in font
        assert str(found.trailer.Info.get("/CreationDate", "")).startswith("D:20260331120000")


def test_a_document_reads_back_and_a_broken_one_is_refused_by_its_place() -> None:
    text = counted().text()
    assert parse_document(text) == counted()
    for change, where in (
        (lambda d: d.update(format="muniment-report/2"), "format"),
        (lambda d: d.update(template="9"), "template"),
        (lambda d: d.update(more=1), "more"),
        (lambda d: d.pop("log"), "log"),
        (lambda d: d["checkpoint"].update(root="xy"), "checkpoint.root"),
        (lambda d: d["checkpoint"].update(size=0), "checkpoint.size"),
        (lambda d: d["blocks"][0].update(level=3), "blocks[0].level"),
        (lambda d: d["blocks"][5]["rows"][2].pop(), "blocks[5].rows[2]"),
        (lambda d: d["blocks"][1]["parts"].append({"figure": 2}), "blocks"),
        (lambda d: d["blocks"].append({"block": "script"}), "blocks[6].block"),
        (lambda d: d["numbers"].append(d["numbers"][0]), "numbers"),
        (lambda d: d["numbers"][0]["ask"].update(kind="sql"), "numbers[0].ask.kind"),
        (lambda d: d["numbers"][0]["ask"]["filters"].update(control="x"), "numbers[0].ask.filters.control"),
        (lambda d: d["numbers"][0].update(value=[1]), "numbers[0].value"),
    ):
        value = json.loads(text)
        change(value)
        with pytest.raises(Malformed) as refused:
            parse_document(json.dumps(value, sort_keys=True, separators=(",", ":")).encode())
        assert refused.value.where == where
    with pytest.raises(Malformed, match="canonical"):
        parse_document(json.dumps(json.loads(text), separators=(", ", ":")).encode())


def repacked(pdf: bytes, data: bytes) -> bytes:
    """The PDF with another attached file in the place of its own."""
    with pikepdf.open(io.BytesIO(pdf)) as found:
        del found.attachments["report.json"]
        found.attachments["report.json"] = pikepdf.AttachedFileSpec(found, data, filename="report.json")
        out = io.BytesIO()
        found.save(out)
    return out.getvalue()


def swapped(pdf: bytes, data: bytes) -> bytes:
    """The same, written as typst writes it, so that nothing but its content is another."""
    old = zlib.compress(attached(pdf))
    start = pdf.index(b"/EmbeddedFile")
    begins = pdf.index(b"stream\n", start) + len(b"stream\n")
    ends = pdf.index(b"\nendstream", begins)
    head = pdf[pdf.rindex(b"<<", 0, pdf.rindex(b"/Length", 0, start)) : begins]
    packed = zlib.compress(data)
    changed = head.replace(f"/Length {ends - begins}".encode(), f"/Length {len(packed)}".encode())
    assert changed != head or len(packed) == ends - begins, (len(old), head)
    return pdf.replace(head + pdf[begins:ends], changed + packed)


def test_a_number_changed_in_the_document_in_the_pages_or_in_both_is_found() -> None:
    pdf, other = draw(counted()), counted(4_712)
    assert check_pages(pdf, counted()).state == "same"
    # The attached document alone: its pages would be others.
    forged = swapped(pdf, other.text())
    found, form = opened(forged)
    assert (found, form.state) == (other, "same")
    assert check_pages(forged, other).state == "differs"
    # The pages alone: the document draws others.
    assert check_pages(swapped(draw(other), counted().text()), counted()).state == "differs"
    # One byte of a page.
    flipped = bytearray(pdf)
    flipped[len(pdf) // 2] ^= 1
    assert check_pages(bytes(flipped), counted()).state == "differs"
    # Both, drawn anew by the same program: the pages fit, the numbers and the recorded hash do not.
    both = draw(other)
    assert check_pages(both, other).state == "same"
    assert sha256(both).hexdigest() != sha256(pdf).hexdigest()
    assert check_numbers([Compared(1, "entries", 4_712, 4_711)], 1).state == "differs"
    # Drawn by something that is not here: said, not guessed.
    assert check_pages(pdf, replace(counted(), drawn_by="typst 0.1.0")).state == "not_checked"


def test_what_is_no_report_is_malformed() -> None:
    pdf = draw(counted())
    for data, said in (
        (b"", "is no PDF"),
        (b"%PDF-1.7\n%%EOF", "holds no document"),
        (pdf + pdf, "holds 2 attached files"),
        (swapped(pdf, b"{}"), "format"),
        (swapped(pdf, b"[" * 100_000), "nested"),
        (pdf.replace(b"/EmbeddedFile/Filter/FlateDecode", b"/EmbeddedFile/Filter/LZWDecode"), "holds no document"),
        (swapped(pdf, b" " * (5 * 1024 * 1024)), "too large"),
    ):
        found, form = opened(data)
        assert found is None
        assert said in form.reason, form
        verdict = ReportVerdict("x", "", None, (form,))
        assert (verdict.verdict, verdict.exit_code) == ("malformed", 2)
    found, form = opened(repacked(pdf, counted(4_712).text()))
    assert found is None or check_pages(pdf, found).state == "differs"


def test_nothing_is_called_verified_that_was_not_checked() -> None:
    made = counted()
    same = tuple(Check(name, "same", "") for name in ("document", "pages", "record", "numbers"))
    assert ReportVerdict("x", "", made, same).verdict == "verified"
    for at in range(4):
        for state, verdict in (("not_checked", "not verified"), ("differs", "failed")):
            checks = (*same[:at], Check(same[at].name, state, ""), *same[at + 1 :])  # type: ignore[arg-type]
            found = ReportVerdict("x", "", made, checks)
            assert (found.verdict, found.exit_code) == (verdict, 1)
    assert Compared(1, "", 1, "1").state == "differs"
    assert Compared(1, "", 1, None, "no answer").state == "not_checked"
    assert check_numbers([], 1, "nobody asked").state == "not_checked"


def test_a_layout_reads_back_and_a_wrong_one_names_its_field() -> None:
    read = parse_layout(json.dumps(LAYOUT).encode())
    assert parse_layout(read.text().encode()) == read
    sections = LAYOUT["sections"]
    for change, where in (
        ({"format": "x"}, "format"),
        ({"title": ""}, "title"),
        ({"title": "a\nb"}, "title"),
        ({"sections": []}, "sections"),
        ({"sections": [{"kind": "code"}]}, "sections[0].kind"),
        ({"sections": [*sections, {"kind": "chart", "by": "colour"}]}, "sections[6].by"),
        ({"sections": [{"kind": "table", "columns": ["place", "body"], "limit": 5}]}, "sections[0].columns[1]"),
        ({"sections": [{"kind": "table", "columns": ["place", "place"], "limit": 5}]}, "sections[0].columns[1]"),
        ({"sections": [{"kind": "table", "columns": ["place"], "limit": 501}]}, "sections[0].limit"),
        ({"sections": [{"kind": "text"}]}, "sections[0].text"),
        ({"sections": [{"kind": "text", "text": "x" * 9_000}]}, "sections[0].text"),
        ({"sections": [{"kind": "heading", "text": "x", "level": 0}]}, "sections[0].level"),
        ({"sections": [{"kind": "statement"}] * 41}, "sections"),
        ({"sections": [{"kind": "table", "columns": ["place"], "limit": 400}] * 3}, "sections"),
        ({"extra": 1}, "extra"),
    ):
        with pytest.raises(Malformed) as refused:
            parse_layout(json.dumps({**LAYOUT, **change}).encode())
        assert refused.value.where == where, change
