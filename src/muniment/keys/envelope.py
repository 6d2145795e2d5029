"""Envelope encryption: secrets of a tenant under the tenant's data keys, data keys under a key encryption key.

```
sealed value   version 0x01 ‖ data key's number, 4 bytes big-endian ‖ nonce, 12 bytes ‖ AES-256-GCM ciphertext and tag
associated     "muniment/sealed/1\\0" ‖ version ‖ tenant id, 16 bytes ‖ data key's number, 4 bytes ‖ purpose, UTF-8
```

The associated data have fixed lengths but for the last part, so no two places share them.
"""

import secrets
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NoReturn
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from muniment.core.errors import Malformed, Refused
from muniment.keys.kek import KEY_BYTES, NONCE_BYTES, TAG_BYTES, KeyEncryptionKey, MalformedSealed, Tampered, WrongKey

MAX_PLAINTEXT: Final = 64 * 1024
OVERHEAD: Final = 1 + 4 + NONCE_BYTES + TAG_BYTES

_VERSION: Final = 1
_HEAD: Final = struct.Struct(">BI")
_SEALED_DOMAIN: Final = b"muniment/sealed/1\0"
_WRAPPED_DOMAIN: Final = b"muniment/data-key/1\0"
_MAX_NUMBER: Final = 2**31 - 1
_MAX_PURPOSE: Final = 255


def data_key_number(sealed: bytes) -> int:
    """Which data key a sealed value needs. Nothing about the value is proven by this.

    Raises:
        MalformedSealed: if this is no sealed value.
    """
    if len(sealed) < OVERHEAD or len(sealed) > OVERHEAD + MAX_PLAINTEXT:
        raise MalformedSealed(
            f"a sealed value has {OVERHEAD} to {OVERHEAD + MAX_PLAINTEXT} bytes, this one {len(sealed)}", "sealed"
        )
    version, number = _HEAD.unpack_from(sealed)
    if version != _VERSION:
        raise MalformedSealed(f"version {version} is not known here", "sealed")
    if not 1 <= number <= _MAX_NUMBER:
        raise MalformedSealed("the data key's number is out of range", "sealed")
    return int(number)


class DataKey:
    """One AES-256 key of one tenant; it exists unwrapped in memory only.

    A nonce is drawn from the system's randomness for every value and cannot be given, so no caller can use one twice.
    Fewer than 2^32 values may be sealed with one data key; a tenant's secrets are a few thousand.

    Args:
        key: 32 bytes.
        tenant_id: whose secrets it seals.
        number: counts from 1 within the tenant.

    Raises:
        Malformed: if the key has another length or the number is out of range.

    Source: NIST SP 800-38D §8.2.2 and §8.3.
    """

    __slots__ = ("_cipher", "_number", "_tenant_id")

    def __init__(self, key: bytes, tenant_id: UUID, number: int) -> None:
        if len(key) != KEY_BYTES:
            raise Malformed(f"a data key has {KEY_BYTES} bytes, this one {len(key)}", "key")
        _check_number(number)
        self._cipher = AESGCM(key)
        self._tenant_id = tenant_id
        self._number = number

    @property
    def tenant_id(self) -> UUID:
        """Whose secrets it seals."""
        return self._tenant_id

    @property
    def number(self) -> int:
        """Which of the tenant's data keys it is; from 1."""
        return self._number

    def seal(self, plaintext: bytes, *, purpose: str) -> bytes:
        """Encrypt a secret for one place.

        Args:
            plaintext: at most 64 KiB.
            purpose: names table, column and row, such as `identity.authenticator.totp/42`; it is needed to open the
                value again, is not secret and is not stored in it. 1 to 255 printable ASCII characters.

        Returns:
            33 bytes more than `plaintext`.

        Raises:
            Malformed: if the secret is too long or the purpose is none.
        """
        if len(plaintext) > MAX_PLAINTEXT:
            raise Malformed(f"at most {MAX_PLAINTEXT} bytes are sealed in one value", "plaintext")
        associated = self._associated(purpose)
        nonce = secrets.token_bytes(NONCE_BYTES)
        return _HEAD.pack(_VERSION, self._number) + nonce + self._cipher.encrypt(nonce, plaintext, associated)

    def open(self, sealed: bytes, *, purpose: str) -> bytes:
        """Decrypt what `seal` made for the same place.

        This does not prove that the value is the newest one of its place: an older one that stood there opens too.

        Raises:
            MalformedSealed: if this is no sealed value.
            WrongKey: if it was sealed with another of the tenant's data keys.
            Tampered: if it was changed, or sealed for another tenant or purpose.
            Malformed: if the purpose is none.
        """
        number = data_key_number(sealed)
        associated = self._associated(purpose)
        if number != self._number:
            raise WrongKey(f"sealed with data key {number}, and this is {self._number}", purpose)
        nonce, ciphertext = sealed[_HEAD.size : _HEAD.size + NONCE_BYTES], sealed[_HEAD.size + NONCE_BYTES :]
        try:
            return self._cipher.decrypt(nonce, ciphertext, associated)
        except InvalidTag as error:
            raise Tampered("was changed, or was sealed for another tenant, row or column", purpose) from error

    def _associated(self, purpose: str) -> bytes:
        if not 1 <= len(purpose) <= _MAX_PURPOSE or not (purpose.isascii() and purpose.isprintable()):
            raise Malformed(f"a purpose has 1 to {_MAX_PURPOSE} printable ASCII characters", "purpose")
        head = _HEAD.pack(_VERSION, self._number)
        return _SEALED_DOMAIN + head[:1] + self._tenant_id.bytes + head[1:] + purpose.encode("ascii")

    def __repr__(self) -> str:
        return f"DataKey(tenant_id={self._tenant_id}, number={self._number})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a data key is not pickled; store it wrapped")


@dataclass(frozen=True, slots=True)
class WrappedDataKey:
    """A data key as it is stored: useless without its key encryption key.

    Attributes:
        tenant_id: whose secrets it seals.
        number: counts from 1 within the tenant.
        kek_id: of the key encryption key that wrapped it.
        wrapped: what that key returned.
    """

    tenant_id: UUID
    number: int
    kek_id: str
    wrapped: bytes = field(repr=False)

    @classmethod
    def create(cls, kek: KeyEncryptionKey, tenant_id: UUID, number: int) -> "WrappedDataKey":
        """Make a tenant's next data key; store it before anything is sealed with it.

        Raises:
            Malformed: if the number is out of range.
        """
        _check_number(number)
        return cls._wrap(kek, secrets.token_bytes(KEY_BYTES), tenant_id, number)

    def unwrap(self, kek: KeyEncryptionKey) -> DataKey:
        """The key itself.

        Raises:
            WrongKey: if another key encryption key wrapped it.
            MalformedSealed: if `wrapped` is no wrapped key.
            Tampered: if it was changed, or wrapped for another tenant or number.
        """
        return DataKey(self._bare(kek), self.tenant_id, self.number)

    def rewrap(self, old: KeyEncryptionKey, new: KeyEncryptionKey) -> "WrappedDataKey":
        """The same data key under another key encryption key; the values that it sealed stay as they are.

        Raises:
            WrongKey: if `old` did not wrap it.
            MalformedSealed: if `wrapped` is no wrapped key.
            Tampered: if it was changed, or wrapped for another tenant or number.
        """
        return self._wrap(new, self._bare(old), self.tenant_id, self.number)

    @classmethod
    def _wrap(cls, kek: KeyEncryptionKey, key: bytes, tenant_id: UUID, number: int) -> "WrappedDataKey":
        return cls(tenant_id, number, kek.key_id, kek.wrap(key, _context(tenant_id, number)))

    def _bare(self, kek: KeyEncryptionKey) -> bytes:
        _check_number(self.number)
        if kek.key_id != self.kek_id:
            raise WrongKey(
                f"data key {self.number} was wrapped by the key encryption key {self.kek_id}, and this is {kek.key_id}",
                str(self.tenant_id),
            )
        return kek.unwrap(self.wrapped, _context(self.tenant_id, self.number))


class DataKeys:
    """The data keys of one tenant: the newest seals, each opens what it sealed.

    Raises:
        Refused: if there is none, two have one number, or they are of several tenants.
    """

    __slots__ = ("_by_number", "_newest")

    def __init__(self, keys: Iterable[DataKey]) -> None:
        given = list(keys)
        if not given:
            raise Refused("the tenant has no data key", "data_keys")
        if len({key.tenant_id for key in given}) != 1:
            raise Refused("these data keys are of several tenants", "data_keys")
        self._by_number = {key.number: key for key in given}
        if len(self._by_number) != len(given):
            raise Refused("two data keys have one number", "data_keys")
        self._newest = self._by_number[max(self._by_number)]

    @property
    def newest(self) -> DataKey:
        """The key that seals."""
        return self._newest

    def seal(self, plaintext: bytes, *, purpose: str) -> bytes:
        """As `DataKey.seal`, with the newest key."""
        return self._newest.seal(plaintext, purpose=purpose)

    def open(self, sealed: bytes, *, purpose: str) -> bytes:
        """As `DataKey.open`, with the key that the value names.

        Raises:
            WrongKey: if that key is not among these.
            MalformedSealed: if this is no sealed value.
            Tampered: if it was changed, or sealed for another tenant or purpose.
        """
        number = data_key_number(sealed)
        key = self._by_number.get(number)
        if key is None:
            known = ", ".join(map(str, sorted(self._by_number)))
            raise WrongKey(f"sealed with data key {number}; the tenant's are {known}", purpose)
        return key.open(sealed, purpose=purpose)

    def reseal(self, sealed: bytes, *, purpose: str) -> bytes | None:
        """The value under the newest key, or None if it stands under it already (it is opened all the same).

        Raises:
            WrongKey, MalformedSealed, Tampered: as `open`.
        """
        plaintext = self.open(sealed, purpose=purpose)
        return None if data_key_number(sealed) == self._newest.number else self.seal(plaintext, purpose=purpose)

    def __repr__(self) -> str:
        return f"DataKeys(tenant_id={self._newest.tenant_id}, numbers={sorted(self._by_number)})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("data keys are not pickled; store them wrapped")


def _check_number(number: int) -> None:
    if not 1 <= number <= _MAX_NUMBER:
        raise Malformed(f"a data key's number is 1 to {_MAX_NUMBER}", "number")


def _context(tenant_id: UUID, number: int) -> bytes:
    return _WRAPPED_DOMAIN + tenant_id.bytes + number.to_bytes(4, "big")
