import copy
import inspect
import pickle
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.core.errors import Malformed, MunimentError, Refused, VerificationFailed
from muniment.keys import (
    DataKey,
    DataKeys,
    FileKek,
    MalformedSealed,
    Tampered,
    WrappedDataKey,
    WrongKey,
    data_key_number,
)
from muniment.keys.envelope import MAX_PLAINTEXT, OVERHEAD

TENANT = UUID(int=1)
OTHER = UUID(int=2)
PURPOSE = "identity.authenticator.totp/42"
SECRET = b"JBSWY3DPEHPK3PXP"
FROZEN = "010000000121891f2802f79a9e9dd0a8c870d478ff3162f9141a077de456fbf19c3f0511bdbd7d7d7afcf36f45918fcb44"

purposes = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=255)


def data_key(number: int = 1, tenant: UUID = TENANT, fill: int = 7) -> DataKey:
    return DataKey(bytes([fill]) * 32, tenant, number)


def kek(fill: int = 1) -> FileKek:
    return FileKek(bytes([fill]) * 32)


@given(st.binary(max_size=2000), purposes, st.uuids(), st.integers(1, 2**31 - 1))
def test_what_was_sealed_opens_in_its_place(plaintext, purpose, tenant, number):
    key = data_key(number, tenant)
    sealed = key.seal(plaintext, purpose=purpose)
    assert key.open(sealed, purpose=purpose) == plaintext
    assert len(sealed) == len(plaintext) + OVERHEAD
    assert data_key_number(sealed) == number


def test_the_format_is_version_number_nonce_ciphertext():
    sealed = data_key(258).seal(SECRET, purpose=PURPOSE)
    assert sealed[:5] == b"\x01\x00\x00\x01\x02"
    assert len(sealed) == 5 + 12 + len(SECRET) + 16
    assert SECRET not in sealed


def test_a_value_sealed_earlier_opens_still():
    sealed = bytes.fromhex(FROZEN)
    assert DataKey(bytes(range(32)), TENANT, 1).open(sealed, purpose=PURPOSE) == SECRET


@given(purposes, purposes)
def test_a_value_moved_to_another_row_or_column_does_not_open(here, there):
    sealed = data_key().seal(SECRET, purpose=here)
    if here == there:
        assert data_key().open(sealed, purpose=there) == SECRET
    else:
        with pytest.raises(Tampered):
            data_key().open(sealed, purpose=there)


@given(st.uuids(), st.uuids())
def test_a_value_moved_to_another_tenant_does_not_open_even_under_the_same_key(here, there):
    sealed = data_key(tenant=here).seal(SECRET, purpose=PURPOSE)
    if here != there:
        with pytest.raises(Tampered):
            data_key(tenant=there).open(sealed, purpose=PURPOSE)


def test_swapped_secrets_of_two_tenants_do_not_open():
    keys = {tenant: WrappedDataKey.create(kek(), tenant, 1).unwrap(kek()) for tenant in (TENANT, OTHER)}
    sealed = {tenant: key.seal(SECRET, purpose=PURPOSE) for tenant, key in keys.items()}
    for tenant, other in ((TENANT, OTHER), (OTHER, TENANT)):
        with pytest.raises(Tampered):
            keys[tenant].open(sealed[other], purpose=PURPOSE)


def test_a_changed_bit_anywhere_in_a_value_is_noticed():
    sealed = data_key().seal(SECRET, purpose=PURPOSE)
    for place in range(len(sealed)):
        for bit in range(8):
            changed = bytearray(sealed)
            changed[place] ^= 1 << bit
            with pytest.raises(MunimentError) as caught:
                data_key().open(bytes(changed), purpose=PURPOSE)
            if place == 0:
                assert isinstance(caught.value, MalformedSealed)
            elif place < 5:
                assert isinstance(caught.value, WrongKey | MalformedSealed)
            else:
                assert isinstance(caught.value, Tampered)


def test_a_value_relabelled_with_another_key_s_number_does_not_open_there():
    sealed = data_key(1).seal(SECRET, purpose=PURPOSE)
    relabelled = sealed[:1] + (2).to_bytes(4, "big") + sealed[5:]
    with pytest.raises(Tampered):
        data_key(2).open(relabelled, purpose=PURPOSE)


def test_a_cut_or_lengthened_value_does_not_open():
    sealed = data_key().seal(SECRET, purpose=PURPOSE)
    for end in range(len(sealed)):
        with pytest.raises(MalformedSealed if end < OVERHEAD else Tampered):
            data_key().open(sealed[:end], purpose=PURPOSE)
    with pytest.raises(Tampered):
        data_key().open(sealed + b"\0", purpose=PURPOSE)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_by_name(data):
    with pytest.raises((MalformedSealed, VerificationFailed)):
        data_key().open(data, purpose=PURPOSE)


def test_a_value_of_another_data_key_says_which_one_it_needs():
    sealed = data_key(3).seal(SECRET, purpose=PURPOSE)
    with pytest.raises(WrongKey, match="data key 3, and this is 1"):
        data_key(1).open(sealed, purpose=PURPOSE)


def test_other_key_material_under_the_same_number_does_not_open():
    sealed = data_key(fill=7).seal(SECRET, purpose=PURPOSE)
    with pytest.raises(Tampered):
        data_key(fill=8).open(sealed, purpose=PURPOSE)


def test_no_caller_can_choose_a_nonce_and_none_comes_twice():
    assert list(inspect.signature(DataKey.seal).parameters) == ["self", "plaintext", "purpose"]
    key = data_key()
    nonces = {key.seal(SECRET, purpose=PURPOSE)[5:17] for _ in range(5000)}
    assert len(nonces) == 5000


def test_equal_secrets_do_not_look_equal():
    assert data_key().seal(SECRET, purpose=PURPOSE)[17:] != data_key().seal(SECRET, purpose=PURPOSE)[17:]


@pytest.mark.parametrize("purpose", ["", "x" * 256, "zwölf", "a\nb", "a\0b", "a\u2028b"])
def test_a_purpose_that_is_none_is_refused_by_name(purpose):
    sealed = data_key().seal(SECRET, purpose=PURPOSE)
    for attempt in (
        lambda: data_key().seal(SECRET, purpose=purpose),
        lambda: data_key().open(sealed, purpose=purpose),
    ):
        with pytest.raises(Malformed) as caught:
            attempt()
        assert caught.value.where == "purpose"


def test_a_secret_up_to_the_limit_is_sealed_and_not_more():
    key = data_key()
    assert key.open(key.seal(bytes(MAX_PLAINTEXT), purpose=PURPOSE), purpose=PURPOSE) == bytes(MAX_PLAINTEXT)
    assert key.open(key.seal(b"", purpose=PURPOSE), purpose=PURPOSE) == b""
    with pytest.raises(Malformed) as caught:
        key.seal(bytes(MAX_PLAINTEXT + 1), purpose=PURPOSE)
    assert caught.value.where == "plaintext"
    with pytest.raises(MalformedSealed):
        key.open(b"\x01\0\0\0\x01" + bytes(MAX_PLAINTEXT + OVERHEAD), purpose=PURPOSE)


@pytest.mark.parametrize("number", [0, -1, 2**31])
def test_a_number_out_of_range_is_refused(number):
    with pytest.raises(Malformed):
        data_key(number)
    with pytest.raises(Malformed):
        WrappedDataKey.create(kek(), TENANT, number)


def test_a_data_key_comes_back_from_its_wrapping_and_every_one_is_another():
    wrapped = [WrappedDataKey.create(kek(), TENANT, number) for number in (1, 1)]
    sealed = wrapped[0].unwrap(kek()).seal(SECRET, purpose=PURPOSE)
    assert wrapped[0].unwrap(kek()).open(sealed, purpose=PURPOSE) == SECRET
    with pytest.raises(Tampered):
        wrapped[1].unwrap(kek()).open(sealed, purpose=PURPOSE)


def test_a_wrapped_data_key_moved_to_another_tenant_or_number_does_not_unwrap():
    wrapped = WrappedDataKey.create(kek(), TENANT, 1)
    for moved in (replace(wrapped, tenant_id=OTHER), replace(wrapped, number=2)):
        with pytest.raises(Tampered):
            moved.unwrap(kek())


def test_the_wrong_key_encryption_key_is_named():
    wrapped = WrappedDataKey.create(kek(1), TENANT, 1)
    with pytest.raises(WrongKey) as caught:
        wrapped.unwrap(kek(2))
    assert kek(1).key_id in str(caught.value)
    assert kek(2).key_id in str(caught.value)
    with pytest.raises(Tampered):
        replace(wrapped, kek_id=kek(2).key_id).unwrap(kek(2))


def test_a_new_key_encryption_key_changes_no_value():
    before = WrappedDataKey.create(kek(1), TENANT, 1)
    sealed = before.unwrap(kek(1)).seal(SECRET, purpose=PURPOSE)
    after = before.rewrap(kek(1), kek(2))
    assert (after.tenant_id, after.number, after.kek_id) == (TENANT, 1, kek(2).key_id)
    assert after.unwrap(kek(2)).open(sealed, purpose=PURPOSE) == SECRET
    with pytest.raises(WrongKey):
        after.unwrap(kek(1))
    with pytest.raises(WrongKey):
        after.rewrap(kek(1), kek(2))


def test_a_forged_wrapping_is_not_rewrapped():
    forged = replace(WrappedDataKey.create(kek(1), TENANT, 1), tenant_id=OTHER)
    with pytest.raises(Tampered):
        forged.rewrap(kek(1), kek(2))


def test_the_newest_data_key_seals_and_older_ones_open_what_they_sealed():
    old = DataKeys([data_key(1, fill=7)]).seal(SECRET, purpose=PURPOSE)
    keys = DataKeys([data_key(2, fill=8), data_key(1, fill=7)])
    assert keys.newest.number == 2
    assert data_key_number(keys.seal(SECRET, purpose=PURPOSE)) == 2
    assert keys.open(old, purpose=PURPOSE) == SECRET


def test_resealing_moves_a_value_to_the_newest_key_once():
    old = data_key(1, fill=7).seal(SECRET, purpose=PURPOSE)
    keys = DataKeys([data_key(1, fill=7), data_key(2, fill=8)])
    new = keys.reseal(old, purpose=PURPOSE)
    assert new is not None
    assert data_key_number(new) == 2
    assert DataKeys([data_key(2, fill=8)]).open(new, purpose=PURPOSE) == SECRET
    assert keys.reseal(new, purpose=PURPOSE) is None


def test_resealing_launders_no_moved_value():
    old = data_key(1).seal(SECRET, purpose=PURPOSE)
    keys = DataKeys([data_key(1), data_key(2)])
    with pytest.raises(Tampered):
        keys.reseal(old, purpose=PURPOSE + "x")
    with pytest.raises(Tampered):
        keys.reseal(keys.seal(SECRET, purpose=PURPOSE), purpose=PURPOSE + "x")


def test_a_value_of_a_dropped_data_key_says_which_one_it_needs():
    old = data_key(1).seal(SECRET, purpose=PURPOSE)
    with pytest.raises(WrongKey, match="data key 1; the tenant's are 2, 3"):
        DataKeys([data_key(3), data_key(2)]).open(old, purpose=PURPOSE)


@pytest.mark.parametrize(
    "keys",
    [[], [data_key(1), data_key(1, fill=8)], [data_key(1), data_key(2, OTHER)]],
    ids=["none", "one number twice", "two tenants"],
)
def test_data_keys_that_do_not_belong_together_are_refused(keys):
    with pytest.raises(Refused):
        DataKeys(keys)


def test_keys_show_no_secret_and_are_neither_pickled_nor_copied():
    key = data_key()
    wrapped = WrappedDataKey.create(kek(), TENANT, 1)
    for shown in (repr(key), repr(DataKeys([key])), repr(wrapped)):
        assert "1" in shown
        assert (bytes([7]) * 32).hex() not in shown
        assert wrapped.wrapped.hex() not in shown
        assert repr(wrapped.wrapped) not in shown
    for secret in (key, DataKeys([key])):
        for copying in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError):
                copying(secret)


def test_an_error_repeats_neither_the_secret_nor_the_value():
    sealed = data_key().seal(SECRET, purpose=PURPOSE)
    with pytest.raises(Tampered) as caught:
        data_key().open(sealed[:-1] + bytes([sealed[-1] ^ 1]), purpose=PURPOSE)
    assert sealed.hex() not in str(caught.value)
    assert str(SECRET) not in str(caught.value)
