"""Keys that sign and keys that seal: the ports, keys in files, the notes they sign, envelope encryption."""

from muniment.keys.envelope import DataKey, DataKeys, WrappedDataKey, data_key_number
from muniment.keys.file import FileSigner, MalformedKeyFile
from muniment.keys.kek import FileKek, KeyEncryptionKey, MalformedKekFile, MalformedSealed, Tampered, WrongKey
from muniment.keys.notes import cosign_checkpoint, sign_checkpoint, sign_keysnote, verifier_of
from muniment.keys.ring import KeyRing
from muniment.keys.signer import KeyType, Signer
from muniment.keys.volume import same_volume

__all__ = [
    "DataKey",
    "DataKeys",
    "FileKek",
    "FileSigner",
    "KeyEncryptionKey",
    "KeyRing",
    "KeyType",
    "MalformedKekFile",
    "MalformedKeyFile",
    "MalformedSealed",
    "Signer",
    "Tampered",
    "WrappedDataKey",
    "WrongKey",
    "cosign_checkpoint",
    "data_key_number",
    "same_volume",
    "sign_checkpoint",
    "sign_keysnote",
    "verifier_of",
]
