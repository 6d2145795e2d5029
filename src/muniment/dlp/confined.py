"""The process in which a file that others sent is read; `inspection` starts it."""

from __future__ import annotations

import resource
import sys
from datetime import date
from typing import Any, Final

import orjson

from muniment.dlp.limits import Limits
from muniment.dlp.patterns import Pattern
from muniment.dlp.scanning import scan

_FILES: Final = 64
_MOST_ORDERED: Final = 1 << 16


def main() -> None:
    """Read an order in one line and a file behind it from standard input; answer in one line."""
    order: dict[str, Any] = orjson.loads(sys.stdin.buffer.readline(_MOST_ORDERED))
    confine(memory=order["memory"], seconds=order["seconds"])
    patterns = [Pattern(name, expression) for name, expression in order["patterns"]]
    limits = Limits(seconds=order["seconds"], memory=order["memory"])
    found = scan(sys.stdin.buffer.read(), patterns, today=date.fromisoformat(order["today"]), limits=limits)
    answer = {
        "coverage": found.coverage,
        "reason": found.reason,
        "counts": found.counts,
        "places": [[one.where, one.kind, one.count] for one in found.places],
        "pictures": found.pictures,
    }
    sys.stdout.buffer.write(orjson.dumps(answer))
    sys.stdout.buffer.flush()


def confine(*, memory: int, seconds: int) -> None:
    """Bound what this process and those that it starts may use; it cannot be taken back.

    Args:
        memory: bytes of address space.
        seconds: of processor time.
    """
    for what, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _FILES),
    ):
        resource.setrlimit(what, (most, most))
