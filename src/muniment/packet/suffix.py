"""What a supplied file is called in a packet: never so that a browser would run what stands in it."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Final

PASSIVE: Final = frozenset(
    {
        ".pdf",
        ".png",
        ".jpg",
        ".jpeg",
        ".gif",
        ".webp",
        ".txt",
        ".csv",
        ".json",
        ".docx",
        ".xlsx",
        ".pptx",
        ".odt",
        ".ods",
        ".odp",
        ".zip",
        ".eml",
        ".p7m",
        ".asc",
    }
)
"""Endings that programs show or open without running anything of a page's."""


def passive_suffix(name: str) -> str:
    """The ending under which a file stands in a packet: its own if that is passive, else `.bin`.

    >>> passive_suffix("Report.PDF"), passive_suffix("summary.html"), passive_suffix("notes")
    ('.pdf', '.bin', '.bin')
    """
    suffix = PurePosixPath(name).suffix.lower()
    return suffix if suffix in PASSIVE else ".bin"
