"""Signing what a log publishes: checkpoints, cosignatures, keys notes.

Source: docs/format.md sections 4 and 5.
"""

from muniment.core.checkpoint import Checkpoint
from muniment.core.cosignature import Cosignature, cosigned_message
from muniment.core.errors import Refused
from muniment.core.keysnote import KeysNote
from muniment.core.note import COSIGNATURE, ED25519, Note, NoteSignature, VerifierKey
from muniment.keys.signer import Signer


def verifier_of(signer: Signer) -> VerifierKey:
    """The public half of a signer."""
    return VerifierKey(signer.name, signer.key_type, signer.public_key)


def sign_checkpoint(signer: Signer, checkpoint: Checkpoint) -> NoteSignature:
    """The log's own signature over a checkpoint.

    Args:
        signer: type 1, named like the log.
        checkpoint: the caller has made sure that it contradicts nothing signed before.

    Raises:
        Refused: if the key is of another type or of another log: its signature could be relabelled.

    Source: C2SP tlog-checkpoint; docs/format.md section 4.
    """
    if signer.key_type != ED25519:
        raise Refused("a checkpoint is signed by a key of type 1", signer.name)
    if signer.name != checkpoint.origin:
        raise Refused(f"this key does not sign for {checkpoint.origin}", signer.name)
    return _signed(signer, signer.sign(checkpoint.text().encode("utf-8")))


def cosign_checkpoint(signer: Signer, checkpoint: Checkpoint, time: int) -> NoteSignature:
    """A cosignature over a checkpoint.

    Args:
        signer: type 4.
        checkpoint: what the cosigner has seen to be consistent with all it signed before.
        time: POSIX seconds.

    Raises:
        Refused: if the key is of another type.
        Malformed: if the time is out of range.

    Source: C2SP tlog-cosignature; docs/format.md section 4.
    """
    if signer.key_type != COSIGNATURE:
        raise Refused("a cosignature is made by a key of type 4", signer.name)
    signature = Cosignature(time, signer.sign(cosigned_message(time, checkpoint.text())))
    return _signed(signer, signature.encoded())


def sign_keysnote(signer: Signer, keys: KeysNote) -> Note:
    """The root key's statement of which keys speak for a log.

    Args:
        signer: the root key, type 1.
        keys: the note; the caller has made sure that its number is the next one.

    Raises:
        Refused: if the key is of another type, or bears the log's own name.

    Source: docs/format.md section 5.
    """
    if signer.key_type != ED25519:
        raise Refused("a keys note is signed by a key of type 1", signer.name)
    if signer.name == keys.origin:
        raise Refused("a log's key does not sign keys notes, the root key does", signer.name)
    text = keys.text()
    return Note(text, (_signed(signer, signer.sign(text.encode("utf-8"))),))


def _signed(signer: Signer, signature: bytes) -> NoteSignature:
    return NoteSignature(signer.name, verifier_of(signer).key_id, signature)
