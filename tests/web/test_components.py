"""Components: what they show, and that nothing that is put into them gets out of its place."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.server.web.templatetags import web
from tests.web.conftest import Site


def test_a_name_that_is_markup_is_shown_as_text(site: Site) -> None:
    page = site.get("/?rows=12").text
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_names_are_kept_apart_from_the_direction_of_what_is_around_them(site: Site) -> None:
    assert '<bdi class="person-name">نورة بنت عبد الرحمن</bdi>' in site.get("/?rows=12").text


def test_a_hash_is_shortened_in_the_middle_and_copied_whole(site: Site) -> None:
    page = site.get("/").text
    whole = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    assert f'data-copy="{whole}"' in page
    assert ">9f86d081…b0f00a08</code>" in page


def test_a_wrong_field_is_tied_to_its_error_and_its_help(site: Site) -> None:
    page = site.get("/").text
    field = next(part for part in page.split("<input") if 'id="id_name"' in part.split(">")[0]).split(">")[0]
    assert 'aria-invalid="true"' in field
    assert 'aria-describedby="id_name-help id_name-error"' in field
    assert 'id="id_name-help"' in page
    assert 'id="id_name-error"' in page
    assert 'href="#id_name"' in page


@pytest.mark.parametrize(
    ("state", "word"),
    [
        ("recorded", "Recorded"),
        ("sealed", "Sealed"),
        ("anchored", "Anchored"),
        ("broken", "Broken"),
        ("", "Not checked"),
        ("Sealed", "Not checked"),
        ("sealed ", "Not checked"),
    ],
)
def test_a_seal_claims_nothing_for_a_state_it_does_not_know(state: str, word: str) -> None:
    assert web.seal_word(state) == word
    assert (web.seal_shape(state) == "unknown") == (word == "Not checked")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1, "1970-01-01T00:00:00.000000001Z"),
        (1_763_718_189_000_000_001, "2025-11-21T09:43:09.000000001Z"),
        (1_763_718_189_120_000_000, "2025-11-21T09:43:09.12Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (datetime(2026, 11, 21, 9, 30, tzinfo=UTC), "2026-11-21T09:30:00Z"),
        (datetime(2026, 11, 21, 9, 30, 0, 5, tzinfo=timezone(timedelta(hours=2))), "2026-11-21T07:30:00.000005Z"),
        (None, ""),
    ],
)
def test_a_time_is_exact_to_the_nanosecond(value: object, text: str) -> None:
    assert web.exact(value) == text


@given(st.integers(min_value=0, max_value=4_000_000_000 * 10**9))
def test_no_digit_of_a_time_is_lost(count: int) -> None:
    text = web.exact(count)
    whole, _, fraction = text.removesuffix("Z").partition(".")
    seconds = int(datetime.fromisoformat(whole + "+00:00").timestamp())
    assert seconds * 10**9 + int(fraction.ljust(9, "0") or 0) == count


def test_a_time_without_a_zone_is_not_guessed_at() -> None:
    """A naive datetime is read as the machine's local time by Python; the filter refuses to."""
    with pytest.raises(ValueError, match="zone"):
        web.exact(datetime(2026, 11, 21, 9, 30))  # noqa: DTZ001 - the mistake under test


def test_attributes_that_pass_through_a_component_are_escaped() -> None:
    html = web.attributes({"data-name": '"><script>alert(1)</script>', "hidden": True, "title": None})
    assert html == ' data-name="&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;" hidden=""'


@pytest.mark.parametrize("name", ["onclick", "ONLOAD", "style", "Style", "a b", "a>b", 'a"b', "a=b", "", "a/b"])
def test_attributes_that_could_run_or_style_do_not_pass(name: str) -> None:
    assert web.attributes({name: "1"}) == ""


@given(
    st.recursive(
        st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_data_for_a_script_cannot_end_its_element(value: object) -> None:
    text = str(web.in_script(value))
    assert not set("<>&") & set(text)
    assert web.json.loads(text) == value


@given(st.text(), st.integers(min_value=1, max_value=40))
def test_shortening_keeps_both_ends_and_never_lengthens(text: str, ends: int) -> None:
    short = web.shortened(text, ends)
    assert len(short) <= max(len(text), 0)
    assert short == text or (short == f"{text[:ends]}…{text[-ends:]}")


def test_a_line_of_figures_stays_inside_its_box() -> None:
    for values in ([], [0], [5], [0, 0], [1, 1e9, 3], [-4, 2]):
        for point in web.spark_points(values).split():
            x, y = (float(part) for part in point.split(","))
            assert 0 <= x <= 100
            assert 0 <= y <= 30
        for box in web.bar_boxes(values):
            assert float(box["y"]) + float(box["height"]) == pytest.approx(30, abs=0.02)


def test_sort_links_turn_the_order_round_and_keep_the_other_filters(site: Site) -> None:
    page = site.get("/?rows=3&sort=seq&cursor=abc").text
    assert 'aria-sort="ascending"' in page
    assert 'href="?rows=3&amp;sort=-seq"' in page
    assert 'href="?rows=3&amp;sort=time"' in page
