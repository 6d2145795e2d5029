"""Which API a request belongs to, by the end of its path."""

import enum
import re
from typing import Final


class Api(enum.Enum):
    """A model API whose requests and answers can be read here. The value is what events call it."""

    CHAT = "openai.chat"
    RESPONSES = "openai.responses"
    EMBEDDINGS = "openai.embeddings"
    MESSAGES = "anthropic.messages"
    OTHER = "other"


_ENDS: Final = (
    (b"/chat/completions", Api.CHAT),
    (b"/responses", Api.RESPONSES),
    (b"/embeddings", Api.EMBEDDINGS),
    (b"/v1/messages", Api.MESSAGES),
)
_SLASHES = re.compile(rb"/+")


def api_of(method: str, path: bytes) -> Api:
    """The API that a request is meant for. Servers put different things before it: only the end counts.

    >>> api_of("POST", b"/openai/v1//chat/completions/")
    <Api.CHAT: 'openai.chat'>
    >>> api_of("GET", b"/v1/models"), api_of("POST", b"/v1/threads/t/messages")
    (<Api.OTHER: 'other'>, <Api.OTHER: 'other'>)
    """
    if method == "POST":
        plain = _SLASHES.sub(b"/", path).rstrip(b"/").lower()
        for end, api in _ENDS:
            if plain.endswith(end):
                return api
    return Api.OTHER
