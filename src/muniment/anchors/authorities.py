"""The authorities of an installation: a TOML file beside its keys, with the certificates that are trusted.

    every = "24h"

    [[authority]]
    name = "freetsa"
    url = "https://freetsa.org/tsr"
    pinned = "freetsa-root.pem"
    chain = "freetsa-chain.pem"            # optional: what stands between signer and pinned certificate
    policy = "1.2.3.4.1"                   # optional: asked for, and required of the answer
    timeout = 10                           # optional: seconds for a whole answer
    crls = ["https://freetsa.org/root_ca.crl"]   # optional: files or addresses

Files are looked for beside this one.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from cryptography import x509

from muniment.core.errors import Malformed
from muniment.core.timestamp_chain import parse_certificates
from muniment.core.timestamp_der import oid

DEFAULT_EVERY: Final = 86_400
LEAST_EVERY: Final = 60
MOST_EVERY: Final = 31_536_000
MAX_AUTHORITIES: Final = 16

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,62}")
_KEYS: Final = frozenset({"name", "url", "pinned", "chain", "policy", "timeout", "crls"})
_NEEDED: Final = ("name", "url", "pinned")
_MAX_FILE: Final = 1_048_576


class MalformedAuthorities(Malformed):
    """The file of authorities cannot be used; nothing is anchored until it is put right."""


@dataclass(frozen=True, slots=True)
class Authority:
    """One timestamp authority.

    Attributes:
        name: as entries and reports call it.
        url: where requests go, http or https; answers are signed, so that http is no worse.
        pinned: certificates that are trusted to stand above its signer's, or are that one.
        chain: certificates that are not, and may lead from the signer's to a pinned one.
        policy: dotted; asked for, and required. None leaves it to the authority.
        timeout: seconds for a whole answer.
        crls: files or addresses of revocation lists that are looked at, and kept, with each token.
    """

    name: str
    url: str
    pinned: tuple[x509.Certificate, ...]
    chain: tuple[x509.Certificate, ...] = ()
    policy: str | None = None
    timeout: float = 10.0
    crls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Authorities:
    """All of them, and the seconds between two anchors of a log whose tenant chose none."""

    all: tuple[Authority, ...] = ()
    every: int = DEFAULT_EVERY

    def named(self, name: str) -> Authority:
        """The authority of that name.

        Raises:
            Malformed: if there is none.
        """
        for one in self.all:
            if one.name == name:
                return one
        raise Malformed(f"there is no authority {name}; there are: {', '.join(a.name for a in self.all)}", "authority")


def load_authorities(path: Path) -> Authorities:
    """Read the file; without one there are no authorities.

    Raises:
        MalformedAuthorities: naming the key that is wrong.
    """
    try:
        data = tomllib.loads(_read(path, "").decode("utf-8"))
    except FileNotFoundError:
        return Authorities()
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise MalformedAuthorities(f"is no TOML: {error}", str(path)) from error
    unknown = sorted(set(data) - {"every", "authority"})
    if unknown:
        raise MalformedAuthorities(f"{path} has no key of this name: it has every, and authority tables", unknown[0])
    every = parse_every(data["every"], "every") if "every" in data else DEFAULT_EVERY
    tables = data.get("authority", [])
    if not isinstance(tables, list) or len(tables) > MAX_AUTHORITIES:
        raise MalformedAuthorities(f"must be [[authority]] tables, at most {MAX_AUTHORITIES}", "authority")
    found = tuple(_authority(table, path.parent, f"authority[{at}]") for at, table in enumerate(tables))
    if len({one.name for one in found}) < len(found):
        raise MalformedAuthorities("two authorities have one name", "authority.name")
    return Authorities(found, every)


def parse_every(value: object, where: str) -> int:
    """Seconds of a cadence such as `90s`, `15m`, `6h`, `1d`.

    Raises:
        MalformedAuthorities: if it is none, or not from a minute to a year.

    >>> parse_every("6h", "every"), parse_every("90s", "every")
    (21600, 90)
    """
    found = re.fullmatch(r"([1-9][0-9]{0,7})([smhd])", value) if isinstance(value, str) else None
    seconds = int(found[1]) * _UNITS[found[2]] if found else 0
    if not LEAST_EVERY <= seconds <= MOST_EVERY:
        raise MalformedAuthorities('must be a time from "1m" to "365d": a number and one of s, m, h, d', where)
    return seconds


def shown_address(url: str) -> str:
    """Where an authority is asked, without a password or a key that the address may carry.

    >>> shown_address("https://me:secret@tsa.example.org:8443/tsr?key=1")
    'https://tsa.example.org:8443/tsr'
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an address that cannot be read"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _authority(table: object, folder: Path, where: str) -> Authority:
    if not isinstance(table, dict):
        raise MalformedAuthorities("must be a table", where)
    for key in table:
        if key not in _KEYS:
            raise MalformedAuthorities(
                f"is no key of an authority; it has {', '.join(sorted(_KEYS))}", f"{where}.{key}"
            )
    for key in _NEEDED:
        if not isinstance(table.get(key), str):
            raise MalformedAuthorities("is missing, or no text", f"{where}.{key}")
    if not _NAME.fullmatch(table["name"]):
        raise MalformedAuthorities("must be lower-case letters, digits, dots and hyphens, at most 63", f"{where}.name")
    address = urlsplit(table["url"])
    if address.scheme not in ("http", "https") or not address.hostname:
        raise MalformedAuthorities("must be an http or https address", f"{where}.url")
    timeout = table.get("timeout", 10)
    if type(timeout) not in (int, float) or not 1 <= timeout <= 120:
        raise MalformedAuthorities("must be seconds from 1 to 120", f"{where}.timeout")
    return Authority(
        name=table["name"],
        url=table["url"],
        pinned=_certificates(table, "pinned", folder, where),
        chain=_certificates(table, "chain", folder, where) if "chain" in table else (),
        policy=_policy(table, where),
        timeout=float(timeout),
        crls=_lists(table, folder, where),
    )


def _policy(table: dict[str, Any], where: str) -> str | None:
    policy = table.get("policy")
    if policy is None:
        return None
    try:
        if not isinstance(policy, str):
            raise MalformedAuthorities("is no text", "policy")
        oid(policy)
    except Malformed as error:
        raise MalformedAuthorities("must be an object identifier, such as 1.2.3.4", f"{where}.policy") from error
    return policy


def _lists(table: dict[str, Any], folder: Path, where: str) -> tuple[str, ...]:
    crls = table.get("crls", [])
    if not isinstance(crls, list) or not all(isinstance(one, str) for one in crls) or len(crls) > MAX_AUTHORITIES:
        raise MalformedAuthorities("must be a list of files or addresses", f"{where}.crls")
    return tuple(one if one.startswith(("http://", "https://")) else str(folder / one) for one in crls)


def _certificates(table: dict[str, Any], key: str, folder: Path, where: str) -> tuple[x509.Certificate, ...]:
    name = table[key]
    if not isinstance(name, str):
        raise MalformedAuthorities("must be the name of a PEM file", f"{where}.{key}")
    try:
        return parse_certificates(_read(folder / name, f"{where}.{key}"), str(folder / name))
    except FileNotFoundError as error:
        raise MalformedAuthorities(f"there is no file {folder / name}", f"{where}.{key}") from error
    except Malformed as error:
        raise MalformedAuthorities(str(error), f"{where}.{key}") from error


def _read(path: Path, where: str) -> bytes:
    try:
        with path.open("rb") as stream:
            data = stream.read(_MAX_FILE + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise MalformedAuthorities(f"{path} cannot be read: {error.strerror}", where or None) from error
    if len(data) > _MAX_FILE:
        raise MalformedAuthorities(f"{path} is longer than 1 MiB", where or None)
    return data
