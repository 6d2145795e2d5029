"""The reason for a change: where an event says it, and what counts as one.

The envelope of events has no key for it and stays as it is. A reason is said in the body, as the text member `reason`
of a JSON object, which the event commits to; or, where it may stand in the entry for good, as the label `reason=…`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from muniment.core.errors import Malformed

MEMBER: Final = "reason"
LABEL: Final = "reason="
MOST: Final = 4_000
"""Characters of a reason."""


class _Members(list[tuple[str, Any]]):
    """The members of a JSON object in their order, doubles included."""


def reason_of(labels: Sequence[str], body: bytes | None) -> str | None:
    """The reason that an event says; None if it says none.

    The body's is preferred. Two members `reason` of one object are none: readers would disagree on which one counts.

    Args:
        labels: of the event.
        body: the payload's bytes, None where they are not at hand.

    >>> reason_of(["env=prod"], b'{"reason": "ticket 4711", "to": 2}')
    'ticket 4711'
    >>> reason_of(["reason=rollback"], None)
    'rollback'
    >>> reason_of([], b'{"reason": "a", "reason": "b"}') is None
    True
    """
    said = None if body is None else _in_body(body)
    if said is not None:
        return said
    return next((text for label in labels if label.startswith(LABEL) and _is_one(text := label[len(LABEL) :])), None)


def checked_reason(text: str) -> str:
    """A reason as somebody typed it, without white space around it.

    Raises:
        Malformed: if it is empty, too long, or holds a control character.
    """
    text = text.strip()
    if not text:
        raise Malformed("say why: the reason is empty", MEMBER)
    if len(text) > MOST:
        raise Malformed(f"has at most {MOST:,} characters", MEMBER)
    if not _is_one(text):
        raise Malformed("holds a control character", MEMBER)
    return text


def _in_body(body: bytes) -> str | None:
    try:
        found = json.loads(body.decode("utf-8"), object_pairs_hook=_Members)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, _Members):
        return None
    said = [value for name, value in found if name == MEMBER]
    return said[0] if len(said) == 1 and isinstance(said[0], str) and _is_one(said[0]) else None


def _is_one(text: str) -> bool:
    """Whether a text says something that can be shown; a lone surrogate is no text."""
    if not text.strip() or len(text) > MOST or any(0xD800 <= ord(letter) <= 0xDFFF for letter in text):
        return False
    return not any((ord(letter) < 32 and letter not in "\n\r\t") or 127 <= ord(letter) < 160 for letter in text)
