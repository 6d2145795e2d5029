from pathlib import Path

import pytest

from muniment.core.errors import Refused
from muniment.keys import same_volume

# The process file system is mounted wherever Linux runs, and is never the volume of a temporary directory.
ELSEWHERE = Path("/proc/self")


def test_two_places_in_one_directory_stand_on_one_volume(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").write_text("")
    assert same_volume(tmp_path / "a", tmp_path / "b")
    assert same_volume(tmp_path, tmp_path)


def test_another_file_system_is_another_volume(tmp_path):
    assert not same_volume(tmp_path, ELSEWHERE)
    assert not same_volume(ELSEWHERE, tmp_path)


def test_a_place_that_is_still_to_be_made_is_judged_by_its_nearest_directory(tmp_path):
    assert same_volume(tmp_path / "not" / "yet" / "there", tmp_path)
    assert not same_volume(tmp_path / "not" / "yet", ELSEWHERE / "not" / "there")


def test_a_place_under_a_file_is_judged_by_the_file(tmp_path):
    (tmp_path / "file").write_text("")
    assert same_volume(tmp_path / "file" / "below", tmp_path)


def test_a_link_to_another_volume_does_not_hide_it(tmp_path):
    (tmp_path / "link").symlink_to(ELSEWHERE)
    assert not same_volume(tmp_path / "link", tmp_path)
    assert not same_volume(tmp_path / "link" / "missing", tmp_path)


def test_a_link_back_does_not_pretend_to_be_another_volume(tmp_path):
    (tmp_path / "keys").mkdir()
    (tmp_path / "away").symlink_to(tmp_path / "keys")
    assert same_volume(tmp_path / "away" / "kek.key", tmp_path / "postgres")


def test_a_link_that_leads_nowhere_is_judged_by_where_it_leads(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "gone" / "for" / "good")
    assert same_volume(tmp_path / "link", tmp_path)


def test_a_circle_of_links_is_refused_by_its_path(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(Refused) as caught:
        same_volume(tmp_path / "a", tmp_path)
    assert caught.value.where == str(tmp_path / "a")
