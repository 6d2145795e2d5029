"""API keys, as far as a client looks into them."""

import re
from typing import Final

from muniment.core.errors import Malformed
from muniment.core.identifiers import ULID

_TOKEN: Final = re.compile(f"mk_({ULID})_[A-Za-z0-9_-]{{43}}").fullmatch


def key_id_of(key: str) -> str:
    """The id `ak_<ULID>` of an API key; it may be shown.

    Raises:
        Malformed: if it is no API key. The message does not contain it.
    """
    match = _TOKEN(key)
    if match is None:
        raise Malformed("is no API key; it looks like mk_<26 characters>_<43 characters>", "MUNIMENT_KEY")
    return f"ak_{match[1]}"
