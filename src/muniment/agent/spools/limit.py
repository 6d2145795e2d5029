"""How much the spools of a state directory may take on the disk: `MUNIMENT_SPOOL_LIMIT`.

Looked at when a segment is begun, so that the spools may exceed it by one segment for each process that writes. Reached
it has the outcome of a full disk: `durable` calls are refused, others wait in memory within bounds, and then they
are dropped, counted and reported. Shipping makes room.
"""

import errno
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from muniment.agent.spools.epoch import SEGMENT_SUFFIX
from muniment.core.errors import Malformed

VARIABLE: Final = "MUNIMENT_SPOOL_LIMIT"
DEFAULT: Final = 16 * 1024**3
_SIZE: Final = re.compile(r"([1-9][0-9]{0,17})([KMGT]?)").fullmatch
_UNITS: Final = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}


def spool_limit(environ: Mapping[str, str]) -> int:
    """The limit in bytes; 16 GiB where nothing is set.

    Raises:
        Malformed: if what is set is no size.

    >>> spool_limit({"MUNIMENT_SPOOL_LIMIT": "512M"})
    536870912
    """
    text = environ.get(VARIABLE, "")
    if not text:
        return DEFAULT
    match = _SIZE(text)
    if match is None:
        raise Malformed("is no size; write bytes, or a number with K, M, G or T, such as 16G", VARIABLE)
    return int(match[1]) * _UNITS[match[2]]


class Limit:
    """The limit of one state directory.

    Args:
        spool: `<state>/spool`.
        limit: bytes.
    """

    __slots__ = ("_limit", "_spool")

    def __init__(self, spool: Path, limit: int) -> None:
        self._spool = spool
        self._limit = limit

    def check(self, epoch: Path, written: int) -> None:
        """Whether another segment may be begun.

        Args:
            epoch: directory of the epoch that wants one.
            written: events written in it so far.

        Raises:
            OSError: (EDQUOT) if the limit is reached. Not where everything that this epoch has written is proven: its
                last segment is kept until another one follows, and would otherwise be in its own way.
        """
        if self._used() < self._limit or (written and _proven(epoch) >= written):
            return
        raise OSError(errno.EDQUOT, f"the spools have reached {VARIABLE} ({self._limit} bytes); ship them")

    def _used(self) -> int:
        used = 0
        for path in self._spool.glob(f"src_*/*/*{SEGMENT_SUFFIX}"):
            try:
                used += path.stat().st_size
            except FileNotFoundError:
                # Shipped and freed meanwhile.
                continue
        return used


def _proven(epoch: Path) -> int:
    try:
        value = json.loads((epoch / "shipped.json").read_bytes())["proven"]
    except (OSError, ValueError, KeyError, TypeError):
        return 0
    return value if type(value) is int else 0
