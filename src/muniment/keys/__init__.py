"""Signers: the port, keys in files, and the notes they sign."""

from muniment.keys.file import FileSigner, MalformedKeyFile
from muniment.keys.notes import cosign_checkpoint, sign_checkpoint, sign_keysnote, verifier_of
from muniment.keys.ring import KeyRing
from muniment.keys.signer import KeyType, Signer

__all__ = [
    "FileSigner",
    "KeyRing",
    "KeyType",
    "MalformedKeyFile",
    "Signer",
    "cosign_checkpoint",
    "sign_checkpoint",
    "sign_keysnote",
    "verifier_of",
]
