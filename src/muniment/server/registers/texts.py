"""Texts that people give, as registers keep them: trimmed, bounded, without control characters."""

from __future__ import annotations

from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

from muniment.core.canonical import dump_json
from muniment.core.errors import Malformed

MAX_LINE: Final = 200
MAX_TEXT: Final = 4_000
MAX_LINK: Final = 2_000


def checked_line(text: str, where: str, *, least: int = 1, most: int = MAX_LINE) -> str:
    """A text of one line, without blanks around it.

    Args:
        text: as it came.
        where: the field, as the error names it.
        least: characters that it has.
        most: characters that it may have.

    Raises:
        Malformed: naming the field.
    """
    text = text.strip()
    if "\n" in text or "\r" in text or "\t" in text:
        raise Malformed("is one line", where)
    return checked_text(text, where, least=least, most=most)


def checked_text(text: str, where: str, *, least: int = 0, most: int = MAX_TEXT) -> str:
    """A text with plain line ends, without blanks around it.

    Args:
        text: as it came.
        where: the field, as the error names it.
        least: characters that it has.
        most: characters that it may have.

    Raises:
        Malformed: naming the field.
    """
    text = text.replace("\r\n", "\n").strip()
    if len(text) > most:
        raise Malformed(f"has at most {most:,} characters", where)
    if any(_is_control(one) for one in text):
        raise Malformed("holds a control character", where)
    if len(text) < least:
        raise Malformed("must not be empty" if least == 1 else f"has at least {least:,} characters", where)
    return text


def checked_link(text: str, where: str) -> str:
    """An https address, or "".

    Raises:
        Malformed: naming the field.
    """
    link = checked_line(text, where, least=0, most=MAX_LINK)
    if not link:
        return ""
    try:
        parts = urlsplit(link)
        host = parts.hostname
    except ValueError:
        host = None
    if not host or parts.scheme != "https" or " " in link or parts.username is not None:
        raise Malformed("is an https address, such as https://wiki.example.org/access-policy", where)
    return link


def digest_of(what: str, said: dict[str, object]) -> str:
    """The digest by which a decision names what it was taken on.

    Args:
        what: the kind of record, part of what is hashed.
        said: strings, integers, lists and objects of them.

    Returns:
        SHA-256 of `muniment/<what>/1`, a zero byte and the canonical JSON, as 64 hex digits.
    """
    return sha256(f"muniment/{what}/1\0".encode() + dump_json(said)).hexdigest()


def _is_control(one: str) -> bool:
    code = ord(one)
    return (code < 32 and one not in "\n\t") or 0x7F <= code < 0xA0 or 0xD800 <= code < 0xE000
