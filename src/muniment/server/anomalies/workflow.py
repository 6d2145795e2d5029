"""Who acknowledges an alert, and what they say; pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Set
from typing import Final

from muniment.core.errors import Malformed, Refused
from muniment.server.capabilities import Capability

VERDICTS: Final[Mapping[str, str]] = {
    "expected": "It was expected; let it count as usual",
    "handled": "It was looked into and dealt with",
}
"""What somebody says of an alert. Only what was expected is learned from."""
MAX_COMMENT: Final = 4_000


def may_acknowledge(subject: str, capabilities: Set[Capability], about: Collection[str]) -> None:
    """Whether somebody may acknowledge an alert.

    Args:
        subject: who wants to.
        capabilities: what they may do.
        about: the people whom the alert is about.

    Raises:
        Refused: naming what stands against it.
    """
    if not subject.startswith("user:"):
        raise Refused("an alert is acknowledged by a person, in the browser; a key cannot", "by")
    if Capability.ALERT_MANAGE not in capabilities:
        raise Refused(f"{subject} lacks the capability {Capability.ALERT_MANAGE}", "by")
    if subject in about:
        raise Refused("the alert is about you; somebody else acknowledges it", "by")


def checked_verdict(verdict: str) -> str:
    """A verdict that there is.

    Raises:
        Malformed: for any other.
    """
    if verdict not in VERDICTS:
        raise Malformed(f"is one of {', '.join(VERDICTS)}", "verdict")
    return verdict


def checked_comment(comment: str) -> str:
    """A comment that says something.

    Raises:
        Malformed: if it is empty or too long.
    """
    comment = comment.replace("\r\n", "\n").strip()
    if not comment:
        raise Malformed("say what you found; it is kept for good", "comment")
    if len(comment) > MAX_COMMENT or "\0" in comment:
        raise Malformed(f"has at most {MAX_COMMENT:,} characters, and no zero bytes", "comment")
    return comment
