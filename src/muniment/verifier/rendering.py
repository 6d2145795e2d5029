"""The report in words, for a terminal or a file; it says no more than the report does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from muniment.verifier.report import NEEDED, Check, Report

Tone = Literal["good", "bad", "quiet", "strong", "plain"]
Paint = Callable[[str, Tone], str]
"""Gives a text a colour, or leaves it as it is."""

_MARKS: Final = {"passed": ("✓", "ok"), "failed": ("✗", "!!"), "not_made": ("·", "--")}
_TONES: Final[dict[str, Tone]] = {"passed": "good", "failed": "bad", "not_made": "quiet"}
_WIDTH: Final = 13

ADVICE: Final = (
    "Pin the root key (--root) or a checkpoint that you keep (--checkpoint) to hold it against something of yours."
)


def render(report: Report, paint: Paint | None = None, *, plain: bool = False, quiet: bool = False) -> str:
    """Write a report for people.

    Args:
        report: what to write.
        paint: colours; by default none.
        plain: ASCII marks instead of signs.
        quiet: only the verdict.
    """
    colour = paint or _unpainted
    lines = [""]
    lines.append(f"  {colour(harmless(report.target), 'strong')}")
    if report.origin:
        size = f"{report.entries:,} of {report.size:,} entries" if report.size else f"{report.entries:,} entries"
        lines.append(colour(f"  log {report.origin}, {size} present", "quiet"))
    lines.append("")
    if not quiet:
        lines += [_line(check, colour, plain) for check in report.checks]
        lines.append("")
        lines += [colour(f"  {line}", "quiet") for remark in report.remarks for line in _wrapped(harmless(remark))]
        if report.remarks:
            lines.append("")
    lines += [f"  {line}" for line in _verdict(report, colour)]
    lines.append("")
    return "\n".join(lines)


def harmless(text: str) -> str:
    """The text with everything spelt out that could act on a terminal or turn its letters around."""
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


def _line(check: Check, colour: Paint, plain: bool) -> str:
    mark = _MARKS[check.state][plain]
    reason = f"not made: {check.reason}" if check.state == "not_made" else check.reason
    tone = _TONES[check.state]
    reason = harmless(reason)
    name = f"{check.name:<{_WIDTH}}"
    if check.state == "passed":
        return f"  {colour(mark, tone)} {name} {colour(reason, 'quiet')}"
    return f"  {colour(f'{mark} {name} {reason}', tone)}"


def _verdict(report: Report, colour: Paint) -> list[str]:
    if report.verdict == "verified":
        if report.trust == "pinned":
            words = f"every check that could be made passed, {harmless(report.trust_reason)}."
            return [colour("Verified", "good") + ": " + words]
        title = colour("Verified, self-attested only", "strong")
        return [
            title + ": the material agrees with itself,",
            *_wrapped(f"and {harmless(report.trust_reason)}."),
            *_wrapped(ADVICE),
        ]
    first = report.first_broken
    if report.verdict == "malformed":
        return [colour("Malformed", "bad") + f": {harmless(str(first)) if first else 'it cannot be read'}."]
    title = colour("Not verified", "bad")
    if first is None:
        missing = next(check for check in report.checks if check.state == "not_made" and check.name in NEEDED)
        return [title + f": the check {missing.name} could not be made, {harmless(missing.reason)}."]
    lines = [
        title + f". First broken place: {colour(harmless(first.where), 'strong')} ({first.check}):",
        f"{harmless(first.reason)}.",
    ]
    if report.findings_total > 1:
        lines.append(f"{report.findings_total:,} broken places in all; --json lists the first {len(report.findings)}.")
    return lines


def _wrapped(text: str, width: int = 110) -> list[str]:
    lines = [""]
    for word in text.split(" "):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _unpainted(text: str, _: Tone) -> str:
    return text
