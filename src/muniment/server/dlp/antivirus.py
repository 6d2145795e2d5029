"""Asking an antivirus on this machine about a file, by the protocol of clamd.

Source: clamd(8), "INSTREAM": pieces with their length before each (four bytes, big-endian), an empty one at the end;
the answer names what was found.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import struct
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from muniment.core.errors import Malformed
from muniment.dlp.judging import CLEAN, NO_ANSWER, NOT_ASKED

_SECONDS: Final = 15.0
_LENGTH: Final = struct.Struct(">I")
_STEP: Final = 1 << 18
_MOST_SAID: Final = 4_096
_FOUND: Final = re.compile(rb"stream: (.{1,200}) FOUND\0?", re.DOTALL)


def check_address(address: str) -> str:
    """Where an antivirus listens: `unix:/run/clamav/clamd.ctl` or `tcp://127.0.0.1:3310`; "" for nowhere.

    Files would cross a network in clear, so an address is one of this machine.

    Raises:
        Malformed: for any other.
    """
    if not address or (address.startswith("unix:/") and "\0" not in address):
        return address
    parts = urlsplit(address)
    try:
        host = ipaddress.ip_address(parts.hostname or "")
        if parts.scheme == "tcp" and host.is_loopback and parts.port and not parts.path:
            return address
    except ValueError:
        pass
    raise Malformed("is unix:/path or tcp://127.0.0.1:port: an antivirus is asked on this machine alone", "clamd")


def ask_antivirus(address: str, pieces: Iterable[bytes]) -> str:
    """What an antivirus says of a file.

    Args:
        address: as `check_address` gave it; "" if there is none.
        pieces: the file, in pieces of any length.

    Returns:
        `CLEAN`, `NOT_ASKED` without an address, the name of what it found, or `NO_ANSWER` for anything else: it is not
        there, it failed, the file is larger than it takes.
    """
    if not address:
        return NOT_ASKED
    try:
        with _connected(address) as connection:
            connection.sendall(b"zINSTREAM\0")
            for piece in pieces:
                for start in range(0, len(piece), _STEP):
                    part = piece[start : start + _STEP]
                    connection.sendall(_LENGTH.pack(len(part)) + part)
            connection.sendall(_LENGTH.pack(0))
            said = _answer(connection)
    except OSError:
        return NO_ANSWER
    if said in (b"stream: OK\0", b"stream: OK"):
        return CLEAN
    found = _FOUND.fullmatch(said)
    if found is None:
        return NO_ANSWER
    return "".join(one if one.isprintable() else "?" for one in found[1].decode("ascii", "replace"))


def _connected(address: str) -> socket.socket:
    if address.startswith("unix:"):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(_SECONDS)
        try:
            connection.connect(address.removeprefix("unix:"))
        except OSError:
            connection.close()
            raise
        return connection
    parts = urlsplit(address)
    return socket.create_connection((parts.hostname or "", parts.port or 0), timeout=_SECONDS)


def _answer(connection: socket.socket) -> bytes:
    said = b""
    while len(said) < _MOST_SAID and not said.endswith(b"\0"):
        piece = connection.recv(_MOST_SAID)
        if not piece:
            break
        said += piece
    return said
