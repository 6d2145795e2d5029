"""How much of prompts and answers is recorded."""

import enum
import hashlib


class Contents(enum.Enum):
    """A policy for contents; facts such as model, sizes, tokens and the names of tools are recorded under each."""

    NONE = "none"
    """Neither contents nor hashes of them: a short or well-known text could be guessed from its hash."""
    HASH = "hash"
    """The SHA-256 of request, answer and text: whoever has them can show that these were the ones."""
    FULL = "full"
    """The hashes, and request and answer as the events' bodies."""


def text_hash(text: str) -> str:
    """SHA-256, in hex, of a text's UTF-8."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
