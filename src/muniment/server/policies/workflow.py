"""What a policy may say, and how it goes from its first version to its end: rules without a database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from difflib import SequenceMatcher
from typing import Final, Literal

from muniment.core.errors import Malformed, Refused
from muniment.server.registers.days import checked_day
from muniment.server.registers.texts import checked_line, checked_link, checked_text, digest_of

MAX_POLICY: Final = 100_000
MAX_POLICY_BYTES: Final = 200_000
MAX_COMPARED: Final = 2_000
IN_FORCE: Final = "in-force"
RETIRED: Final = "retired"
STATUSES: Final = {IN_FORCE: "In force", RETIRED: "Retired"}
FIELDS: Final = ("title", "text", "link", "owner", "effective_on", "status")


class Unchanged(Refused):
    """The new version of a policy would say what the one before it says."""


@dataclass(frozen=True, slots=True)
class Transition:
    """A step that a policy may take, and the fields that must hold something for it."""

    before: str
    after: str
    needs: tuple[str, ...]


TRANSITIONS: Final = (
    Transition("", IN_FORCE, ("title", "owner", "effective_on")),
    Transition(IN_FORCE, IN_FORCE, ("title", "owner", "effective_on")),
    Transition(IN_FORCE, RETIRED, ("reason",)),
)
"""From "" a policy is made. What is retired stays so; its code is not used again."""


@dataclass(frozen=True, slots=True)
class Definition:
    """What a version of a policy says.

    Attributes:
        title: 1 to 200 characters.
        text: the policy itself, at most 100,000 characters and 200,000 bytes of UTF-8.
        link: where it stands instead or as well, an https address. One of the two is there.
        owner: `user:usr_…`.
        effective_on: the day from which the version holds; it may lie ahead.
        status: one of `STATUSES`.
        reason: why it was changed or retired, at most 4,000 characters.
    """

    title: str
    text: str = ""
    link: str = ""
    owner: str = ""
    effective_on: date | None = None
    status: str = IN_FORCE
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a comparison: `kept`, `added` or `removed`; `skipped` stands for so many kept lines."""

    kind: Literal["kept", "added", "removed", "skipped"]
    text: str


def checked(after: Definition, before: Definition | None = None) -> Definition:
    """A version as it may be kept; who owns it is checked elsewhere.

    Args:
        after: what is to be kept.
        before: the version that it follows; None if the policy is being made.

    Raises:
        Malformed: naming the field.
        Refused: if the policy may not go from the one status to the other.
        Unchanged: if it says what the version before says.
    """
    kept = replace(
        after,
        title=checked_line(after.title, "title"),
        text=checked_text(after.text, "text", most=MAX_POLICY),
        link=checked_link(after.link, "link"),
        reason=checked_text(after.reason, "reason"),
    )
    if len(kept.text.encode()) > MAX_POLICY_BYTES:
        raise Malformed(f"has at most {MAX_POLICY_BYTES:,} bytes as UTF-8; give a link to it instead", "text")
    if not kept.text and not kept.link:
        raise Malformed("give the policy's text, or a link to it", "text")
    if kept.effective_on is not None:
        checked_day(kept.effective_on, "effective_on")
    was = "" if before is None else before.status
    step = next((one for one in TRANSITIONS if (one.before, one.after) == (was, kept.status)), None)
    if step is None:
        if was == RETIRED:
            raise Refused("it is retired; what takes its place is a policy of its own", "status")
        raise Refused(f"a policy cannot become {STATUSES.get(kept.status, 'that').lower()} here", "status")
    for name in step.needs:
        if not getattr(kept, name):
            raise Malformed({"reason": "say why"}.get(name, "must not be empty"), name)
    if before is not None and differences(before, kept) == ():
        raise Unchanged("nothing would be changed", "title")
    return kept


def differences(before: Definition, after: Definition) -> tuple[str, ...]:
    """The fields in which two versions differ; a reason alone is no difference."""
    return tuple(name for name in FIELDS if getattr(before, name) != getattr(after, name))


def changed(before: Definition, given: Mapping[str, object]) -> Definition:
    """A version with some fields of the one before replaced; the reason is never taken over."""
    return replace(before, **{"reason": "", **given})  # type: ignore[arg-type]


def digest(policy: str, number: int, said: Definition) -> str:
    """The digest of a version: 64 hex digits that change with anything it says."""
    return digest_of(
        "policy",
        {
            "policy": policy,
            "number": number,
            "title": said.title,
            "text": said.text,
            "link": said.link,
            "owner": said.owner,
            "effective_on": "" if said.effective_on is None else said.effective_on.isoformat(),
            "status": said.status,
        },
    )


def compared(before: str, after: str, *, around: int = 3) -> tuple[Line, ...]:
    """Two texts line by line.

    Args:
        before: the older text. Of each text at most 2,000 lines are compared; the rest is named as skipped.
        after: the newer one.
        around: kept lines shown beside each change; longer runs are skipped.

    >>> [(one.kind, one.text) for one in compared("a\\nb", "a\\nc")]
    [('kept', 'a'), ('removed', 'b'), ('added', 'c')]
    """
    old, new = before.split("\n") if before else [], after.split("\n") if after else []
    cut = max(len(old), len(new)) - MAX_COMPARED
    old, new = old[:MAX_COMPARED], new[:MAX_COMPARED]
    found: list[Line] = []
    blocks = SequenceMatcher(None, old, new).get_opcodes()
    for place, (kind, first, end, from_new, to_new) in enumerate(blocks):
        if kind == "equal":
            lead = 0 if place == 0 else around
            trail = 0 if place == len(blocks) - 1 else around
            found += _run(old[first:end], lead, trail)
            continue
        found += [Line("removed", one) for one in old[first:end]]
        found += [Line("added", one) for one in new[from_new:to_new]]
    if cut > 0:
        found.append(Line("skipped", f"{cut:,} more lines were not compared"))
    return tuple(found)


def _run(lines: list[str], lead: int, trail: int) -> list[Line]:
    hidden = len(lines) - lead - trail
    if hidden <= 1:
        return [Line("kept", one) for one in lines]
    said = Line("skipped", f"{hidden:,} lines like before")
    kept = [Line("kept", one) for one in lines]
    return [*kept[:lead], said, *(kept[len(kept) - trail :] if trail else [])]
