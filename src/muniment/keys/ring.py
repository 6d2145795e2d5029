"""The keys of one installation, in one directory.

```
root.vkey                       whom verifiers pin; public
root.key                        signs keys notes only; to be moved to a safe place after the first start
region.key                      cosigns every checkpoint
logs/<origin>+<key id>.key      one key per log, used for nothing else; more than one after a rotation
```

In file names `/` of an origin is written `+`, which no origin contains.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from muniment.core.errors import Refused
from muniment.core.note import VerifierKey, parse_vkey
from muniment.keys.file import FileSigner, sync_directory, write_new

_LONGEST = 200


def file_stem(origin: str) -> str:
    """A file name for an origin: readable, one for each origin, never a path.

    >>> file_stem("muniment.example/log/01k")
    'muniment.example+log+01k'
    >>> len(file_stem("a" * 255))
    65
    """
    flat = origin.replace("/", "+")
    return flat if len(flat) <= _LONGEST else "+" + hashlib.sha256(origin.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Signers by their duty.

    Attributes:
        directory: owned by the installation's user, mode 0700.
    """

    directory: Path

    @classmethod
    def create(cls, directory: Path, *, root_name: str, region_name: str) -> "KeyRing":
        """Make the installation's root and region keys.

        A start that was cut off in the middle is completed: what exists is kept.

        Args:
            directory: is made if it is missing.
            root_name: name of the root key.
            region_name: name of the region's cosigning key.

        Raises:
            Refused: if `root.vkey` names a root whose key is gone and no root key may be made in its place.
        """
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        (directory / "logs").mkdir(mode=0o700, exist_ok=True)
        ring = cls(directory)
        if not ring._root_vkey.exists():
            root = FileSigner.load(ring.root_path) if ring.root_path.exists() else None
            root = root or FileSigner.create(ring.root_path, root_name, 1)
            write_new(ring._root_vkey, f"{root.vkey}\n".encode(), 0o644)
        if not ring._region.exists():
            FileSigner.create(ring._region, region_name, 4)
        sync_directory(directory)
        return ring

    @property
    def root_path(self) -> Path:
        """Where the root's private key lies until someone moves it away."""
        return self.directory / "root.key"

    @property
    def _root_vkey(self) -> Path:
        return self.directory / "root.vkey"

    @property
    def _region(self) -> Path:
        return self.directory / "region.key"

    def root_verifier(self) -> VerifierKey:
        """The root's public key; there even when the private one is not.

        Raises:
            Refused: if the ring was never made.
            Malformed: if the file holds no vkey.
        """
        try:
            return parse_vkey(self._root_vkey.read_text(encoding="ascii").removesuffix("\n"))
        except FileNotFoundError as error:
            raise Refused("there are no keys here yet; run `muniment up` once", str(self.directory)) from error

    def root(self) -> FileSigner:
        """The root key, needed for a keys note and for nothing else.

        Raises:
            Refused: if it was moved away, or is not the key that `root.vkey` names.
        """
        if not self.root_path.exists():
            raise Refused("the root key is not here; put it back for this one step", str(self.root_path))
        signer = FileSigner.load(self.root_path)
        if signer.verifier != self.root_verifier():
            raise Refused("this is not the root key that root.vkey names", str(self.root_path))
        return signer

    def region(self) -> FileSigner:
        """The region's cosigner.

        Raises:
            Refused: if it is missing or open to others.
        """
        return FileSigner.load(self._region)

    def create_log_key(self, origin: str) -> FileSigner:
        """Make a key for a log: its first, or its next in a rotation.

        Returns:
            A signer that sealing uses once a keys note names it.
        """
        signer = FileSigner.generate(origin, 1)
        signer.save(self._log_path(origin, signer.verifier.key_id))
        return signer

    def log_key(self, verifier: VerifierKey) -> FileSigner:
        """The private half of a log's key that a keys note names.

        Raises:
            Refused: if it is not in this ring.
        """
        signer = FileSigner.load(self._log_path(verifier.name, verifier.key_id))
        if signer.verifier != verifier:
            raise Refused(f"the file holds another key than {verifier.vkey}", verifier.name)
        return signer

    def log_keys(self, origin: str) -> list[FileSigner]:
        """Every key made for a log, in no order that means anything."""
        paths = sorted((self.directory / "logs").glob(f"{file_stem(origin)}+????????.key"))
        return [signer for signer in map(FileSigner.load, paths) if signer.name == origin]

    def _log_path(self, origin: str, key_id: bytes) -> Path:
        return self.directory / "logs" / f"{file_stem(origin)}+{key_id.hex()}.key"
