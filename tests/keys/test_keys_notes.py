import pytest

from muniment.core.checkpoint import Checkpoint
from muniment.core.cosignature import verify_cosignatures
from muniment.core.errors import Refused, VerificationFailed
from muniment.core.keysnote import Cosigner, KeysNote, LogKey, verify_keysnote
from muniment.core.note import Note, parse_note, verify_note
from muniment.keys import FileSigner, cosign_checkpoint, sign_checkpoint, sign_keysnote, verifier_of

ORIGIN = "muniment.example/log/01k"
CHECKPOINT = Checkpoint(ORIGIN, 7, bytes(32))
LOG = FileSigner(ORIGIN, 1, b"l" * 32)
REGION = FileSigner("muniment.example/region", 4, b"r" * 32)
ROOT = FileSigner("muniment.example/root", 1, b"o" * 32)
KEYS = KeysNote(ORIGIN, 1, bytes(32), (LogKey(LOG.verifier, 0),), (Cosigner(REGION.verifier, 100),))


def test_a_sealed_and_cosigned_checkpoint_verifies_after_a_round_trip():
    lines = (sign_checkpoint(LOG, CHECKPOINT), cosign_checkpoint(REGION, CHECKPOINT, 1_700_000_000))
    note = parse_note(Note(CHECKPOINT.text(), lines).encoded())
    assert [key for key, _ in verify_note(note, [LOG.verifier])] == [LOG.verifier]
    assert [found.time for found in verify_cosignatures(note, REGION.verifier)] == [1_700_000_000]


def test_a_signature_does_not_serve_for_another_checkpoint():
    other = Checkpoint(ORIGIN, 8, bytes(32))
    note = Note(other.text(), (sign_checkpoint(LOG, CHECKPOINT),))
    with pytest.raises(VerificationFailed):
        verify_note(note, [LOG.verifier])


def test_a_log_key_refuses_to_sign_for_another_log():
    with pytest.raises(Refused):
        sign_checkpoint(LOG, Checkpoint("muniment.example/log/02k", 7, bytes(32)))


def test_each_key_signs_only_in_its_own_way():
    with pytest.raises(Refused):
        sign_checkpoint(FileSigner(ORIGIN, 4, b"x" * 32), CHECKPOINT)
    with pytest.raises(Refused):
        cosign_checkpoint(LOG, CHECKPOINT, 1)
    with pytest.raises(Refused):
        sign_keysnote(REGION, KEYS)
    with pytest.raises(Refused):
        sign_keysnote(LOG, KEYS)


def test_a_keys_note_verifies_with_the_root_key_and_no_other():
    data = sign_keysnote(ROOT, KEYS).encoded()
    assert verify_keysnote(data, verifier_of(ROOT)) == KEYS
    with pytest.raises(VerificationFailed):
        verify_keysnote(data, FileSigner("muniment.example/root", 1, b"x" * 32).verifier)
