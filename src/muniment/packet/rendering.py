"""The report on a packet in words, for a terminal or a file."""

from __future__ import annotations

from collections import Counter
from typing import Final

from muniment.packet.report import PacketReport
from muniment.verifier.rendering import ADVICE, Paint, Tone, harmless

_SHOWN: Final = 40


def render_packet(report: PacketReport, paint: Paint | None = None, *, quiet: bool = False) -> str:
    """Write a report for people.

    Args:
        report: what to write.
        paint: colours; by default none.
        quiet: only the verdict.
    """
    colour = paint or _unpainted
    lines = ["", f"  {colour(harmless(report.target), 'strong')}"]
    if report.name:
        lines.append(colour(f"  packet {harmless(report.packet)}: {harmless(report.name)}, log {report.log}", "quiet"))
    lines.append("")
    if not quiet:
        lines += _body(report, colour)
    lines += [f"  {line}" for line in _verdict(report, colour)]
    return "\n".join([*lines, ""])


def _body(report: PacketReport, colour: Paint) -> list[str]:
    lines = [f"  files      {report.files:,}, {_wrong(report) or 'each as the manifest names it'}"]
    lines.append(f"  manifest   {f'named by {report.recorded}' if report.recorded else 'named by no entry of the log'}")
    for name, bundle in (("evidence", report.evidence), ("signature", report.signature)):
        verdict = "not reached" if bundle is None else bundle.verdict
        trust = "" if bundle is None or bundle.trust is None else f", {bundle.trust.replace('-', ' ')}"
        anchors = "" if bundle is None else f"; timestamps: {bundle.check('anchors').reason}"
        lines.append(f"  {name:<10} {verdict}{trust}{harmless(anchors)}")
    tally: dict[str, Counter[str]] = {}
    for item in report.items:
        tally.setdefault(item.sample, Counter())[item.state] += 1
    for sample, states in tally.items():
        said = ", ".join(f"{count:,} {state}" for state, count in sorted(states.items()))
        lines.append(f"  sample     {harmless(sample)}: {said}")
    bad = [item for item in report.items if item.state == "not proven"]
    lines += [colour(f"    entry {one.seq:,} not proven: {harmless(one.reason)}", "bad") for one in bad[:_SHOWN]]
    lines += [f"    and {len(bad) - _SHOWN:,} more; --json lists them"] if len(bad) > _SHOWN else []
    return [*lines, ""]


def _wrong(report: PacketReport) -> str:
    return f"{len(report.faults):,} not as they should be" if report.faults else ""


def _verdict(report: PacketReport, colour: Paint) -> list[str]:
    if report.verdict == "verified":
        many = f"{len(report.items):,} sampled {'entry' if len(report.items) == 1 else 'entries'}"
        if report.trust == "pinned":
            return [
                colour("Verified", "good") + f": every file, and {many}, held against what you or this machine hold."
            ]
        return [
            colour("Verified, self-attested only", "strong") + f": every file, and {many}, agree with one another,",
            "and the keys come from the packet itself: whoever made it chose them.",
            ADVICE,
        ]
    title = colour("Malformed" if report.verdict == "malformed" else "Not verified", "bad")
    lines = [f"{title}. What is wrong:"]
    lines += [f"  {colour(harmless(one.path), 'strong')}: {harmless(one.reason)}" for one in report.faults[:_SHOWN]]
    if len(report.faults) > _SHOWN:
        lines.append(f"  and {len(report.faults) - _SHOWN:,} more; --json lists them")
    return lines


def _unpainted(text: str, _: Tone) -> str:
    return text
