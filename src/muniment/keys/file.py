"""A signing key in a file that only its owner may read."""

import base64
import binascii
import os
import secrets
import stat
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from muniment.core.errors import Malformed, Refused
from muniment.core.note import VerifierKey
from muniment.keys.signer import KeyType

_PREFIX = "PRIVATE+KEY"
_MAX_BYTES = 1024
_SEED = 32


class MalformedKeyFile(Malformed):
    """The file does not hold one private key line; its contents are never repeated in the message."""


class FileSigner:
    """An ed25519 key kept as one line, `PRIVATE+KEY+<name>+<key id>+<base64(type ‖ seed)>`.

    Source: C2SP signed-note names the key id; the private line has the shape that Go's `sumdb/note` writes.
    """

    __slots__ = ("_private", "_verifier")

    def __init__(self, name: str, key_type: KeyType, seed: bytes) -> None:
        if len(seed) != _SEED:
            raise MalformedKeyFile(f"a seed has {_SEED} bytes, this one {len(seed)}", "seed")
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self._verifier = VerifierKey(name, key_type, self._private.public_key().public_bytes_raw())

    @classmethod
    def create(cls, path: Path, name: str, key_type: KeyType) -> "FileSigner":
        """Make a new key and write it, durably, before it is returned.

        Args:
            path: must not exist; its directory must.
            name: key name; for a log key, the log's origin.
            key_type: 1 for note signatures, 4 for cosignatures.

        Raises:
            Refused: if something stands at `path`; an existing key is never overwritten.
            Malformed: if `name` cannot be a key name.
        """
        signer = cls.generate(name, key_type)
        signer.save(path)
        return signer

    @classmethod
    def generate(cls, name: str, key_type: KeyType) -> "FileSigner":
        """Make a new key that nothing holds yet: `save` it before anything depends on it."""
        return cls(name, key_type, secrets.token_bytes(_SEED))

    def save(self, path: Path) -> None:
        """Write the key to `path`, durably.

        Raises:
            Refused: if something stands at `path`; an existing key is never overwritten.
        """
        secret = base64.b64encode(bytes([self.key_type]) + self._private.private_bytes_raw()).decode("ascii")
        write_new(path, f"{_PREFIX}+{self.name}+{self.verifier.key_id.hex()}+{secret}\n".encode())

    @classmethod
    def load(cls, path: Path) -> "FileSigner":
        """Read a key that `create` wrote.

        Raises:
            Refused: if the file is missing, is no regular file, or others than its owner have any right to it.
            MalformedKeyFile: if it does not hold exactly one private key line.
        """
        return cls._parse(_read_private(path), str(path))

    @classmethod
    def _parse(cls, data: bytes, where: str) -> "FileSigner":
        if len(data) > _MAX_BYTES:
            raise MalformedKeyFile(f"longer than {_MAX_BYTES} bytes", where)
        try:
            line = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise MalformedKeyFile("not UTF-8", where) from error
        parts = line.split("+", 4)
        if len(parts) != 5 or parts[:2] != ["PRIVATE", "KEY"] or not line.endswith("\n"):
            raise MalformedKeyFile("must be one line PRIVATE+KEY+<name>+<key id>+<base64>, ending in a newline", where)
        _, _, name, key_id, encoded = parts
        try:
            secret = base64.b64decode(encoded[:-1], validate=True)
        except (binascii.Error, ValueError) as error:
            raise MalformedKeyFile("the key is not base64", where) from error
        if base64.b64encode(secret).decode("ascii") != encoded[:-1]:
            raise MalformedKeyFile("the key is not strict base64 on one line", where)
        if len(secret) != 1 + _SEED:
            raise MalformedKeyFile(f"the key must have {1 + _SEED} bytes, type and seed", where)
        match secret[0]:
            case 1 | 4 as key_type:
                signer = cls(name, key_type, secret[1:])
            case other:
                raise MalformedKeyFile(f"key type {other} is neither 1 (note) nor 4 (cosignature)", where)
        if signer.verifier.key_id.hex() != key_id:
            raise MalformedKeyFile("the key id belongs to another name, type or key: the file was changed", where)
        return signer

    @property
    def verifier(self) -> VerifierKey:
        """The public half, as verifiers know it."""
        return self._verifier

    @property
    def name(self) -> str:
        """Key name as it stands in signature lines."""
        return self._verifier.name

    @property
    def key_type(self) -> KeyType:
        """1 for note signatures, 4 for cosignatures."""
        return 1 if self._verifier.key_type == 1 else 4

    @property
    def public_key(self) -> bytes:
        """32 bytes, RFC 8032."""
        return self._verifier.public_key

    @property
    def vkey(self) -> str:
        """`<name>+<8 hex key id>+<base64(type ‖ public key)>`."""
        return self._verifier.vkey

    def sign(self, message: bytes) -> bytes:
        """Sign `message`; 64 bytes."""
        return self._private.sign(message)

    def __repr__(self) -> str:
        return f"FileSigner({self.vkey!r})"


def _read_private(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise Refused("there is no key file here", str(path)) from error
    except PermissionError as error:
        raise Refused("this user may not read the key file; run as its owner", str(path)) from error
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise Refused("a key must be a regular file", str(path))
        if found.st_mode & 0o077:
            raise Refused(
                f"others may use this key (mode {stat.S_IMODE(found.st_mode):04o}); run: chmod 600 '{path}'", str(path)
            )
        return os.read(descriptor, _MAX_BYTES + 1)
    finally:
        os.close(descriptor)


def write_new(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Put a file in place in one step, on disk before this returns; never replaces one.

    A hard link fails where a rename would overwrite.

    Raises:
        Refused: if something stands at `path`.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(beside, path)
        except FileExistsError as error:
            raise Refused("a file stands here already, and keys are never overwritten", str(path)) from error
    finally:
        beside.unlink()
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Make the names in `directory` survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
