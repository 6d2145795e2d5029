"""Key encryption keys: the port, and the one in a file.

A key encryption key (KEK) wraps data keys and nothing else; `muniment.keys.envelope` says what data keys seal.
"""

import base64
import binascii
import hashlib
import os
import secrets
import stat
from pathlib import Path
from typing import Final, NoReturn, Protocol, runtime_checkable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from muniment.core.errors import Malformed, Refused, VerificationFailed
from muniment.keys.file import write_new

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16

_MAX_FILE: Final = 256
_PREFIX: Final = "MUNIMENT-KEK"
_ID_DOMAIN: Final = b"muniment/kek-id/1\0"
_WRAP_DOMAIN: Final = b"muniment/kek-wrap/1\0"
_WRAP_VERSION: Final = 1
_WRAPPED_BYTES: Final = 1 + NONCE_BYTES + KEY_BYTES + TAG_BYTES


class MalformedSealed(Malformed):
    """What should be a sealed value or a wrapped key does not have that shape; nothing was decrypted."""


class WrongKey(VerificationFailed):
    """The value names another key than the one at hand; the message says which one it needs."""


class Tampered(VerificationFailed):
    """The value is not what was sealed here: it was changed, or it belongs to another tenant, row or column.

    Authenticated encryption cannot tell these apart, and gives out nothing of the content in any of these cases.
    """


class MalformedKekFile(Malformed):
    """The file does not hold one KEK line; its contents are never repeated in the message."""


@runtime_checkable
class KeyEncryptionKey(Protocol):
    """A key that wraps data keys, wherever it lives: a file now, a KMS behind the same three names.

    `context` is bound to the wrapped key as associated data (the "encryption context" of a KMS): the same bytes are
    needed to unwrap. It is not secret.
    """

    @property
    def key_id(self) -> str:
        """Which key this is; stored beside each data key that it wrapped."""

    def wrap(self, data_key: bytes, context: bytes) -> bytes:
        """Encrypt a data key of 32 bytes.

        Raises:
            Malformed: if it has another length.
        """

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Give back the 32 bytes that `wrap` was given with the same context.

        Raises:
            MalformedSealed: if this is no wrapped data key.
            Tampered: if it was changed, was wrapped for another context, or by another key.
        """


class FileKek:
    """32 random bytes in a file, one line `MUNIMENT-KEK+<id>+<base64>`; wraps with AES-256-GCM.

    The id is derived from the key, so that a file that was edited or cut is noticed before anything is opened with it.
    Nonces are random: fewer than 2^32 data keys may be wrapped by one KEK, which is a limit of principle only.

    Source: NIST SP 800-38D §8.2.2 (random nonces) and §8.3 (number of invocations).
    """

    __slots__ = ("_cipher", "_id")

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise Malformed(f"a key encryption key has {KEY_BYTES} bytes, this one {len(key)}", "kek")
        self._cipher = AESGCM(key)
        self._id = hashlib.sha256(_ID_DOMAIN + key).digest()[:8]

    @classmethod
    def create(cls, path: Path) -> "FileKek":
        """Make a new key and write it, on disk before it is returned.

        Args:
            path: must not exist; its directory must, and nobody else may write there.

        Raises:
            Refused: if something stands at `path` (an existing key is never overwritten: what it wrapped would be
                lost), or others may write to the directory.
        """
        _check_directory(path.parent)
        key = secrets.token_bytes(KEY_BYTES)
        kek = cls(key)
        write_new(path, f"{_PREFIX}+{kek.key_id}+{base64.b64encode(key).decode('ascii')}\n".encode())
        return kek

    @classmethod
    def load(cls, path: Path) -> "FileKek":
        """Read a key that `create` wrote.

        Raises:
            Refused: if the file is missing, is a link or has a second name, belongs to another user, others have any
                right to it, or others may write to its directory.
            MalformedKekFile: if it does not hold exactly one KEK line.
        """
        _check_directory(path.parent)
        return cls._parse(_read_private(path), str(path))

    @classmethod
    def _parse(cls, data: bytes, where: str) -> "FileKek":
        shape = f"must be one line {_PREFIX}+<id>+<base64>, ending in a newline"
        if len(data) > _MAX_FILE:
            raise MalformedKekFile(f"longer than {_MAX_FILE} bytes; {shape}", where)
        try:
            parts = data.decode("ascii").split("+", 2)
        except UnicodeDecodeError as error:
            raise MalformedKekFile(f"not ASCII; {shape}", where) from error
        if len(parts) != 3 or parts[0] != _PREFIX or not parts[2].endswith("\n"):
            raise MalformedKekFile(shape, where)
        encoded = parts[2][:-1]
        try:
            key = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError) as error:
            raise MalformedKekFile("the key is not base64", where) from error
        if len(key) != KEY_BYTES or base64.b64encode(key).decode("ascii") != encoded:
            raise MalformedKekFile(f"the key must be {KEY_BYTES} bytes in strict base64 on one line", where)
        kek = cls(key)
        if kek.key_id != parts[1]:
            raise MalformedKekFile("the id belongs to another key: the file was changed", where)
        return kek

    @property
    def key_id(self) -> str:
        """16 hex digits, derived from the key; not secret."""
        return self._id.hex()

    def wrap(self, data_key: bytes, context: bytes) -> bytes:
        """Encrypt a data key: version, nonce, ciphertext and tag; 61 bytes.

        Raises:
            Malformed: if it has not 32 bytes.
        """
        if len(data_key) != KEY_BYTES:
            raise Malformed(f"a data key has {KEY_BYTES} bytes, this one {len(data_key)}", "data_key")
        nonce = secrets.token_bytes(NONCE_BYTES)
        return bytes([_WRAP_VERSION]) + nonce + self._cipher.encrypt(nonce, data_key, self._associated(context))

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Give back what `wrap` was given.

        Raises:
            MalformedSealed: if this is no wrapped data key.
            Tampered: if it was changed, was wrapped for another context, or by another key.
        """
        if len(wrapped) != _WRAPPED_BYTES or wrapped[0] != _WRAP_VERSION:
            raise MalformedSealed(f"a wrapped data key is {_WRAPPED_BYTES} bytes of version {_WRAP_VERSION}", "wrapped")
        nonce, ciphertext = wrapped[1 : 1 + NONCE_BYTES], wrapped[1 + NONCE_BYTES :]
        try:
            return self._cipher.decrypt(nonce, ciphertext, self._associated(context))
        except InvalidTag as error:
            raise Tampered(f"the data key was not wrapped by {self.key_id} for this place", "wrapped") from error

    def _associated(self, context: bytes) -> bytes:
        return _WRAP_DOMAIN + self._id + context

    def __repr__(self) -> str:
        return f"FileKek({self.key_id})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key encryption key is not pickled")


def _check_directory(directory: Path) -> None:
    """Whoever may write to the directory can put another key in this one's place."""
    try:
        found = directory.stat()
    except FileNotFoundError as error:
        raise Refused("there is no such directory for the key encryption key", str(directory)) from error
    if found.st_mode & 0o022 and not found.st_mode & stat.S_ISVTX:
        raise Refused(
            f"others may write where the key encryption key stands (mode {stat.S_IMODE(found.st_mode):04o}); "
            f"run: chmod go-w '{directory}'",
            str(directory),
        )


def _read_private(path: Path) -> bytes:
    where = str(path)
    if path.is_symlink():
        raise Refused("a key encryption key must be a file, not a link to one", where)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    except FileNotFoundError as error:
        raise Refused("there is no key encryption key here", where) from error
    except OSError as error:
        raise Refused(f"the key encryption key cannot be read ({error.strerror}); run as its owner", where) from error
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise Refused("a key encryption key must be a regular file", where)
        if found.st_uid != os.geteuid():
            raise Refused(f"the file belongs to user id {found.st_uid}, and this is {os.geteuid()}", where)
        if found.st_mode & 0o077:
            raise Refused(
                f"others may use this key (mode {stat.S_IMODE(found.st_mode):04o}); run: chmod 600 '{path}'", where
            )
        if found.st_nlink != 1:
            raise Refused(f"the file has {found.st_nlink} names; find the other (find -samefile) and remove it", where)
        return os.read(descriptor, _MAX_FILE + 1)
    finally:
        os.close(descriptor)
