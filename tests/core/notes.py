"""Fixed keys that sign in tests. Never keys of anybody."""

import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from muniment.core.cosignature import Cosignature, cosigned_message
from muniment.core.note import COSIGNATURE, ED25519, Note, NoteSignature, VerifierKey


class Key:
    """A signing key from a word."""

    def __init__(self, name: str, key_type: int = ED25519, word: str = "") -> None:
        seed = hashlib.sha256(f"muniment test key {word or name}".encode()).digest()
        self.private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = VerifierKey(name, key_type, self.private.public_key().public_bytes_raw())

    def line(self, text: str, time: int = 0) -> NoteSignature:
        if self.public.key_type == COSIGNATURE:
            signature = Cosignature(time, self.private.sign(cosigned_message(time, text))).encoded()
        else:
            signature = self.private.sign(text.encode())
        return NoteSignature(self.public.name, self.public.key_id, signature)

    def note(self, text: str) -> Note:
        return Note(text, (self.line(text),))


ORIGIN = "log.example/eu1/7f3a"
LOG = Key(ORIGIN)
NEXT_LOG = Key(ORIGIN, word="next log key")
COSIGNER = Key("region.example/eu1", COSIGNATURE)
NEXT_COSIGNER = Key("region.example/eu1", COSIGNATURE, "next cosigner")
ROOT = Key("root.example/installation")
STRANGER = Key("stranger.example")
