"""Odd names are kept readable and reversible, and never cost the event."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.core.escaping import fit_label, fit_text, original
from muniment.core.identifiers import LABELS, check_text

anything = st.text(st.characters(exclude_categories=()), max_size=400)


@given(anything)
def test_whatever_the_text_it_becomes_one_the_format_accepts(value: str) -> None:
    text, changed = fit_text(value, 256)
    assert check_text(text, 256) == text
    assert changed or text == value


@given(anything)
def test_an_escaped_text_gives_its_original_back_or_its_beginning_and_hash(value: str) -> None:
    text, changed = fit_text(value, 256)
    if not changed:
        return
    found = original(text)
    if found.sha256 is None:
        assert found.text == value
    else:
        assert value.startswith(found.text)
        assert found.sha256 == hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()


@given(anything)
def test_whatever_the_value_it_becomes_a_label_that_can_be_read_back(value: str) -> None:
    written = fit_label(value)
    assert LABELS.check(f"key={written}")
    found = original(written)
    assert found.text == value if found.sha256 is None else value.startswith(found.text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("", "%"),
        ("a\nb", "a%0Ab"),
        ("\ud800", "%ED%A0%80"),
        ("50%\x00", "50%25%00"),
        ("Łódź", "Łódź"),
        ("50% off", "50% off"),
        ("%~" + "0" * 64 + "\x00", "%25~" + "0" * 64 + "%00"),
    ],
)
def test_examples_of_the_rule(value: str, text: str) -> None:
    assert fit_text(value, 256)[0] == text
    assert original(text).text == value or value == text


def test_a_huge_name_is_cut_at_a_characters_end_and_hashed() -> None:
    text, changed = fit_text("ł" * 1_000_000, 256)
    assert changed
    assert len(text.encode()) <= 256
    assert original(text).sha256 == hashlib.sha256(("ł" * 1_000_000).encode()).hexdigest()
    assert set(original(text).text) == {"ł"}
