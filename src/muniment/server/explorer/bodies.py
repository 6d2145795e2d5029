"""A body as a reader may see it: bytes that agents sent, shown as text and never as anything that runs."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final, Literal

from muniment.core.body import commit
from muniment.core.event import Body
from muniment.ledger.read import StoredBody

SHOWN: Final = 65_536
"""Bytes of a body that a page shows."""
# Characters that are not seen, or that turn the direction of what follows: shown by their numbers.
_UNSEEN: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


@dataclass(frozen=True, slots=True)
class ShownBody:
    """What a page says of a body.

    Attributes:
        state: stored, not_stored or erased.
        type: the media type that the event states.
        length: bytes, as the event states.
        commitment: hex.
        holds: whether salt and body give the commitment; None if they are not there to be tried.
        text: at most `SHOWN` bytes of it as text; "" if it is not text.
        pretty: the text was laid out anew; the bytes are in the download.
        cut: there is more.
        binary: it is no UTF-8 text.
    """

    state: Literal["stored", "not_stored", "erased"]
    type: str
    length: int
    commitment: str
    holds: bool | None = None
    text: str = ""
    pretty: bool = False
    cut: bool = False
    binary: bool = False


def shown_body(stated: Body, stored: StoredBody | None, *, disclosed: bool) -> ShownBody:
    """How a body is shown.

    Args:
        stated: what the event says of it.
        stored: what the ledger has of it.
        disclosed: whether the reader may see payloads; otherwise only what the entry itself says.
    """
    state = "not_stored" if stored is None else stored.state
    about = (state, stated.type, stated.len, stated.commit.hex())
    if not disclosed or stored is None or stored.body is None or stored.salt is None:
        return ShownBody(*about)
    holds = commit(stored.salt, stored.body) == stated.commit
    cut = len(stored.body) > SHOWN
    try:
        # A character that the cut divides is left out.
        text = stored.body[:SHOWN].decode("utf-8", "ignore" if cut else "strict")
    except UnicodeDecodeError:
        return ShownBody(*about, holds=holds, cut=cut, binary=True)
    laid_out = None if cut or not stated.type.endswith("json") else _laid_out(text)
    return ShownBody(*about, holds=holds, text=visible(laid_out or text), pretty=laid_out is not None, cut=cut)


def visible(text: str) -> str:
    r"""Text with unseen and direction-turning characters written as `\u202e`."""
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _laid_out(text: str) -> str | None:
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return None
