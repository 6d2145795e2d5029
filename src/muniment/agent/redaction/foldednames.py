"""Names compared as people read them: without regard to case, width, separators, and letters that look alike."""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from muniment.core.errors import Malformed

MAX_NAME: Final = 256
_ASCII_FOLD: Final = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
LIKE: Final = str.maketrans(
    # Letters of other alphabets that are printed like Latin ones: Cyrillic, Greek, Armenian, Cherokee, small capitals.
    "авсԁеһіјкмнопрԛѕтугԝхуαβεικνορτυχγօոսցհᏢᎪᏚᏔᎳᏒᎠᎥᎬᏦᎢᎾᴀʙᴄᴅᴇɢʜɪᴊᴋʟᴍɴᴏᴘʀᴛᴜᴠᴡʏᴢꜱВАСЕНІЈКМОРТХУЅΑΒΕΗΙΚΜΝΟΡΤΥΧΖ",
    "abcdehijkmhonpqstyrwxyabeiknoptuxyonughPASWWRDiEKTOabcdeghijklmnoprtuvwyzsBACEHIJKMOPTXYSABEHIKMNOPTYXZ",
)
"""From such a letter to the Latin one."""
_BLANK: Final = dict.fromkeys(map(ord, "\u115f\u1160\u2800\u3164\uffa0"))
_INVISIBLE: Final = frozenset({"Cf", "Cc", "Mn", "Me"})
_NOT_ALNUM: Final = re.compile(r"[\W_]+")


@lru_cache(maxsize=4_096)
def folded(name: str) -> str:
    """The name with nothing left of what a reader does not tell apart.

    >>> folded("API-Key") == folded("api_key") == folded("ａｐｉＫｅｙ") == folded("арі key") == "apikey"
    True
    """
    if name.isascii():
        return _NOT_ALNUM.sub("", name.translate(_ASCII_FOLD))
    return _NOT_ALNUM.sub("", shown(name).casefold().translate(LIKE))


def shown(text: str) -> str:
    """The text as it looks: wide characters narrow, accents and what is invisible gone, look-alikes Latin.

    >>> shown("ｓk-１２\u200b３"), shown("ѕk-АВС")
    ('sk-123', 'sk-ABC')
    """
    apart = unicodedata.normalize("NFKD", text)
    seen = "".join([letter for letter in apart if unicodedata.category(letter) not in _INVISIBLE])
    return seen.translate(_BLANK).translate(LIKE)


class Names:
    """Names of keys, each with up to two `*` that stand for anything.

    Args:
        names: such as `password` or `*token`.

    Raises:
        Malformed: if a name is empty or too wide.

    >>> Names(["password", "*token"]).match("Access-Token")
    True
    """

    __slots__ = ("_exact", "_wild")

    def __init__(self, names: Iterable[str]) -> None:
        exact, wild = set(), []
        for name in names:
            parts = [folded(part) for part in name.split("*")]
            if not any(parts) or len(parts) > 3 or len(name) > MAX_NAME:
                raise Malformed(f"{name!r} must hold a letter or digit, and at most two *", "keys")
            if len(parts) == 1:
                exact.add(parts[0])
            else:
                wild.append(".*".join(re.escape(part) for part in parts))
        self._exact = frozenset(exact)
        self._wild = re.compile("|".join(wild), re.DOTALL).fullmatch if wild else None

    def __bool__(self) -> bool:
        return bool(self._exact) or self._wild is not None

    def match(self, key: str) -> bool:
        """Whether a key has one of the names. A key too long to be compared counts as if it had."""
        if len(key) > MAX_NAME:
            return bool(self)
        name = folded(key)
        return name in self._exact or (self._wild is not None and self._wild(name) is not None)
