"""Text that stands in a string in another writing: base64, hex, and escapes as JSON has them."""

import base64
import binascii
import re
from typing import Final

_BASE64: Final = re.compile(r"(?:data:[^,]{0,128};base64,)?([A-Za-z0-9+/_\-\r\n]{16,}+={0,2}+)\s*+").fullmatch
_HEX: Final = re.compile(r"(?:0x)?((?:[0-9A-Fa-f]{2}){8,}+)").fullmatch
_ESCAPE: Final = re.compile(r"\\++u([0-9A-Fa-f]{4})")
_URL_SAFE: Final = str.maketrans("-_", "+/")


def decoded(text: str) -> list[str]:
    """What a string says if the whole of it is base64 or hex of UTF-8 text.

    >>> decoded("eyJwYXNzd29yZCI6ICJ4In0=")
    ['{"password": "x"}']
    """
    found = []
    if match := _HEX(text):
        found.append(bytes.fromhex(match[1]))
    if match := _BASE64(text):
        letters = "".join(match[1].split()).rstrip("=").translate(_URL_SAFE)
        try:
            found.append(base64.b64decode(letters + "=" * (-len(letters) % 4), validate=True))
        except binascii.Error:
            # One letter too many: it only looked like it.
            return _texts(found)
    return _texts(found)


def _texts(found: list[bytes]) -> list[str]:
    texts = []
    for data in found:
        try:
            texts.append(data.decode("utf-8-sig"))
        except UnicodeDecodeError:
            continue
    return texts


def unescaped(text: str) -> str:
    r"""The text with `\u0041` as `A`, where that is a letter, a digit, or one of `-_.`; nothing else changes its place.

    >>> unescaped(r'{"pass\u0077ord\u0022')
    '{"password\\u0022'
    """

    def plain(match: re.Match[str]) -> str:
        letter = chr(int(match[1], 16))
        return letter if letter.isalnum() or letter in "-_." else match[0]

    return _ESCAPE.sub(plain, text) if "\\u" in text else text
