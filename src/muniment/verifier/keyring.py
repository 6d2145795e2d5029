"""Keyring: the keys that hold for one log, and what the signatures under a checkpoint are worth with them.

Rules (docs/format.md section 5):

- With a pinned root only notes that it signed count, and of these the one with the highest number.
- Without one the notes are the material's own word: usable to check signatures, worth no more than that.
- A newer note that this machine has seen before holds against older ones, wherever they are replayed from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from muniment.core.checkpoint import Checkpoint, parse_signed_checkpoint
from muniment.core.cosignature import Cosignature, verify_cosignatures
from muniment.core.errors import VerificationFailed
from muniment.core.keysnote import KeysNote, parse_signed_keysnote, verify_succession
from muniment.core.note import Note, VerifierKey, verify_note
from muniment.verifier.pins import Pins
from muniment.verifier.report import State


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a checkpoint note's signatures are worth.

    Attributes:
        signed, cosigned: whether the key in force, and a counting cosigner, have signed.
        signature, cosignature: why not, where that is a failure.
    """

    checkpoint: Checkpoint
    signed: bool = False
    cosigned: bool = False
    signature: str | None = None
    cosignature: str | None = None


@dataclass(frozen=True, slots=True)
class Keyring:
    """The keys of one log.

    Attributes:
        keys: the keys note that holds; None if there is none.
        data: its signed note as received.
        attested: the pinned root key signed it.
        state, reason: how the check `keys` ends.
        count: keys notes that were looked at.
        expected: the log key this machine knows, where no root is pinned.
    """

    keys: KeysNote | None
    data: bytes
    attested: bool
    state: State
    reason: str
    count: int
    expected: VerifierKey | None = None

    @property
    def usable(self) -> bool:
        """Whether there are keys to check a signature with."""
        return self.keys is not None

    @property
    def genesis(self) -> bytes | None:
        """Hash of entry 0 of the log that the keys note is for."""
        return self.keys.genesis if self.keys else None

    @property
    def cosigners(self) -> tuple[str, ...]:
        """Names of the cosigners in the keys note."""
        return tuple(cosigner.key.name for cosigner in self.keys.cosigners) if self.keys else ()

    def judge(self, data: bytes) -> Judgement:
        """Check every signature under a checkpoint that is by a key of this ring.

        Raises:
            Malformed: if `data` is no signed checkpoint.

        Source: docs/format.md sections 4 and 5.
        """
        note, checkpoint = parse_signed_checkpoint(data)
        keys = self.keys
        if keys is None:
            return Judgement(checkpoint)
        rejected: str | None = None
        counting: list[Cosignature] = []
        for cosigner in keys.cosigners:
            try:
                made = verify_cosignatures(note, cosigner.key)
            except VerificationFailed as error:
                rejected = rejected or str(error)
                continue
            counting += [cosignature for cosignature in made if keys.counts(cosigner.key, cosignature.time)]
        signature = self._signature(keys, note, checkpoint, counting)
        cosignature = rejected
        if cosignature is None and keys.cosigners and not counting:
            cosignature = "no cosigner of the keys note has signed it at a time that counts"
        return Judgement(
            checkpoint,
            signed=signature is None,
            cosigned=cosignature is None and bool(counting),
            signature=signature,
            cosignature=cosignature,
        )

    def _signature(
        self, keys: KeysNote, note: Note, checkpoint: Checkpoint, counting: Sequence[Cosignature]
    ) -> str | None:
        key = keys.log_key_at(checkpoint.size)
        if self.expected is not None and key != self.expected:
            return (
                f"the log key {key.vkey} is not the one this machine knows; "
                "pin the root key (--root), so that a keys note can prove the change"
            )
        try:
            signers = [signer for signer, _ in verify_note(note, [line.key for line in keys.logs])]
        except VerificationFailed as error:
            return str(error)
        if key not in signers:
            return "it is signed by a log key that is not in force at this size"
        revoked = keys.revoked_since(key)
        if revoked is not None and not any(cosignature.time < revoked for cosignature in counting):
            return "its log key is revoked, and no counting cosignature is older than the revocation"
        return None


def settle(origin: str, notes: Sequence[bytes], pins: Pins) -> Keyring:
    """Choose the keys note that holds.

    Args:
        origin: the log's name.
        notes: keys notes of the material, as received; hints only.
        pins: what is trusted from outside.

    Raises:
        Malformed: if one of them is no keys note.
    """
    read = [(data, *parse_signed_keysnote(data)) for data in notes]
    if pins.keys_note is not None:
        read.append((pins.keys_note, *parse_signed_keysnote(pins.keys_note)))
    if pins.root is None:
        return _unattested(origin, read, pins)
    wrong = ""
    good: list[tuple[bytes, KeysNote]] = []
    for data, note, keys in read:
        if not any(pins.root.made(signature) for signature in note.signatures):
            continue
        try:
            verify_note(note, [pins.root])
        except VerificationFailed:
            wrong = f"keys note {keys.number} bears the pinned root key's name and a bad signature"
            continue
        if keys.origin != origin:
            wrong = f"keys note {keys.number} is for the log {keys.origin}"
            continue
        if pins.genesis is not None and keys.genesis != pins.genesis:
            wrong = f"keys note {keys.number} is for a log with another entry 0 than the pinned one"
        good.append((data, keys))
    if not good:
        wrong = wrong or f"no keys note is signed by the pinned root key {pins.root.vkey}"
        return Keyring(None, b"", False, "failed", wrong, len(read))
    try:
        best = verify_succession([keys for _, keys in good])
    except VerificationFailed as error:
        return Keyring(None, b"", False, "failed", str(error), len(read))
    data = next(data for data, keys in good if keys == best)
    if wrong:
        return Keyring(best, data, True, "failed", wrong, len(read))
    reason = f"keys note {best.number} is signed by the pinned root key {pins.root.name}"
    return Keyring(best, data, True, "passed", reason, len(good))


def _unattested(origin: str, read: Sequence[tuple[bytes, Note, KeysNote]], pins: Pins) -> Keyring:
    if not read:
        return Keyring(None, b"", False, "not_made", "there is no keys note", 0)
    mine = [(data, keys) for data, _, keys in read if keys.origin == origin]
    wrong = ""
    if len(mine) < len(read):
        stranger = next(keys for _, _, keys in read if keys.origin != origin)
        wrong = f"keys note {stranger.number} is for the log {stranger.origin}"
    if pins.genesis is not None and any(keys.genesis != pins.genesis for _, keys in mine):
        wrong = "a keys note is for a log with another entry 0 than the pinned one"
    if len({keys.genesis for _, keys in mine}) > 1:
        wrong = "two keys notes are for logs with different entries 0"
    data, best = max(mine, key=lambda pair: pair[1].number) if mine else (b"", None)
    if wrong:
        return Keyring(best, data, False, "failed", wrong, len(read), expected=pins.log_key)
    reason = "no root key is pinned: whoever wrote the material chose its keys"
    return Keyring(best, data, False, "not_made", reason, len(read), expected=pins.log_key)
