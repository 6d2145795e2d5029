import stat

import pytest

from muniment.core.errors import Refused
from muniment.keys import FileSigner, KeyRing
from muniment.keys.ring import file_stem

NAMES = {"root_name": "muniment.example/root", "region_name": "muniment.example/region"}
ORIGIN = "muniment.example/log/01k"


@pytest.fixture
def ring(tmp_path):
    return KeyRing.create(tmp_path / "keys", **NAMES)


def test_a_new_ring_has_a_root_and_a_region_key(ring):
    assert ring.root().key_type == 1
    assert ring.region().key_type == 4
    assert ring.root().verifier == ring.root_verifier()
    assert stat.S_IMODE(ring.directory.stat().st_mode) == 0o700


def test_making_a_ring_again_changes_no_key(ring):
    again = KeyRing.create(ring.directory, root_name="other/root", region_name="other/region")
    assert again.root().vkey == ring.root().vkey
    assert again.region().name == "muniment.example/region"


def test_a_first_start_that_was_cut_off_is_completed_with_the_same_root(ring):
    vkey = ring.root().vkey
    (ring.directory / "root.vkey").unlink()
    (ring.directory / "region.key").unlink()
    again = KeyRing.create(ring.directory, **NAMES)
    assert again.root_verifier().vkey == vkey
    assert again.region().key_type == 4


def test_without_its_root_key_the_ring_still_knows_whom_to_trust_and_makes_no_new_root(ring):
    verifier = ring.root_verifier()
    ring.root_path.rename(ring.directory.parent / "safe.key")
    again = KeyRing.create(ring.directory, **NAMES)
    assert again.root_verifier() == verifier
    with pytest.raises(Refused, match="root key is not here"):
        again.root()


def test_a_swapped_root_key_is_refused(ring):
    ring.root_path.unlink()
    FileSigner.create(ring.root_path, "muniment.example/root", 1)
    with pytest.raises(Refused, match=r"root\.vkey"):
        ring.root()


def test_a_rotated_log_keeps_both_keys(ring):
    first, second = ring.create_log_key(ORIGIN), ring.create_log_key(ORIGIN)
    assert ring.log_key(first.verifier).vkey == first.vkey
    assert {signer.vkey for signer in ring.log_keys(ORIGIN)} == {first.vkey, second.vkey}


def test_no_log_gets_the_key_of_another(ring):
    mine = ring.create_log_key(ORIGIN)
    other = ring.create_log_key(ORIGIN + "/x")
    assert [signer.vkey for signer in ring.log_keys(ORIGIN)] == [mine.vkey]
    wanted = ring._log_path(ORIGIN, mine.verifier.key_id)
    wanted.write_bytes(ring._log_path(ORIGIN + "/x", other.verifier.key_id).read_bytes())
    with pytest.raises(Refused, match="another key"):
        ring.log_key(mine.verifier)


def test_a_key_that_was_never_made_here_is_refused(ring):
    with pytest.raises(Refused, match="no key file"):
        ring.log_key(FileSigner(ORIGIN, 1, bytes(32)).verifier)


def test_file_names_are_one_to_one_and_stay_in_their_directory():
    origins = ["a/b/c", "a/b_c", "a.b/c", "a", "x" * 255, "x" * 254, "a/" + "y" * 253]
    stems = [file_stem(origin) for origin in origins]
    assert len(set(stems)) == len(origins)
    assert all("/" not in stem and not stem.startswith(".") and len(stem) <= 200 for stem in stems)
