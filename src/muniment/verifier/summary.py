"""Turns what a checker has seen into the checks of docs/format.md section 8."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from muniment.core.times import format_time6
from muniment.verifier.report import CHECK_NAMES, Check, Finding, Report, Trust

if TYPE_CHECKING:
    from muniment.verifier.checker import LogChecker


def conclude(checker: LogChecker, malformed: str | None = None) -> Report:
    """Write the report of everything that was fed to `checker`.

    Args:
        checker: it is read, not changed.
        malformed: why the material could not be read to its end, if so.
    """
    checks = tuple(_check(checker, name, malformed) for name in CHECK_NAMES)
    findings = list(checker.findings)
    if malformed is not None:
        findings.append(Finding("form", malformed, checker.target or "the material"))
    last = checker.last.checkpoint if checker.last else None
    report = Report(
        target=checker.target,
        origin=checker.origin,
        size=last.size if last else 0,
        root=last.root.hex() if last else "",
        genesis=checker.genesis.hex() if checker.genesis else "",
        entries=checker.entries,
        checks=checks,
        findings=tuple(findings),
        findings_total=sum(checker.failures.values()) + (malformed is not None),
        malformed=malformed is not None,
        trust=None,
        trust_reason="",
        remarks=(*checker.remarks, *_remarks(checker)),
        anchors=checker.anchors.found(),
    )
    if report.verdict != "verified":
        return report
    trust, why = _trust(checker, checks)
    return replace(report, trust=trust, trust_reason=why)


def _check(checker: LogChecker, name: str, malformed: str | None) -> Check:
    if name == "form" and malformed is not None:
        return Check(name, "failed", malformed, 1)
    failed = checker.failures.get(name, 0)
    if failed:
        first = next(finding for finding in checker.findings if finding.check == name)
        more = f" (and {failed - 1:,} more)" if failed > 1 else ""
        return Check(name, "failed", f"{first}{more}", failed)
    if malformed is not None:
        return Check(name, "not_made", "reading stopped before the end")
    if name in ("place", "chain", "time") and checker.unreadable:
        reason = f"{_many(checker.unreadable, 'entry', 'entries')} could not be read"
        return Check(name, "not_made", reason, checker.unreadable)
    if name in checker.outside:
        return checker.outside[name]
    return _OPEN[name](checker)


def _form(checker: LogChecker) -> Check:
    return Check("form", "passed", "read to the end", checker.entries)


def _entries(checker: LogChecker) -> Check:
    return Check(
        "entries", "passed", f"{_many(checker.entries, 'entry', 'entries')} in canonical form", checker.entries
    )


def _place(checker: LogChecker) -> Check:
    reason = f"{_many(checker.entries, 'entry', 'entries')} of {checker.origin}, each at its own number"
    return Check("place", "passed", reason, checker.entries)


def _chain(checker: LogChecker) -> Check:
    absent = max(checker.position - 1, 0) - checker.pairs
    reason = f"{_many(checker.pairs, 'pair', 'pairs')} of neighbours linked"
    if absent > 0:
        reason += f"; not made for {_many(absent, 'pair that is', 'pairs that are')} not present"
    return Check("chain", "passed", reason, checker.pairs)


def _time(checker: LogChecker) -> Check:
    return Check("time", "passed", "recorded_at never decreases", checker.entries)


def _tree(checker: LogChecker) -> Check:
    if not checker.checkpoints:
        return Check("tree", "not_made", "there is no checkpoint")
    return Check(
        "tree", "passed", f"{_many(checker.checkpoints, 'root', 'roots')} folded and equal", checker.checkpoints
    )


def _genesis(checker: LogChecker) -> Check:
    pinned = checker.pins.genesis
    if pinned is None:
        return Check("genesis", "not_made", "no genesis is pinned")
    if checker.genesis is None:
        return Check("genesis", "not_made", "entry 0 is not present")
    return Check("genesis", "passed", f"entry 0 is the pinned {pinned.hex()[:16]}…", 1)


def _keys(checker: LogChecker) -> Check:
    keyring = checker.keyring
    return Check("keys", keyring.state, keyring.reason, keyring.count)


def _signatures(checker: LogChecker) -> Check:
    if not checker.checkpoints:
        return Check("signatures", "not_made", "there is no checkpoint")
    if not checker.keyring.usable:
        return Check("signatures", "not_made", "there is no keys note that holds, so no key to check with")
    signed = _many(checker.signed, "checkpoint", "checkpoints")
    whose = "the log key in force" if checker.keyring.attested else "a log key that the material itself names"
    return Check("signatures", "passed", f"{signed} signed by {whose}", checker.signed)


def _cosignatures(checker: LogChecker) -> Check:
    if not checker.checkpoints:
        return Check("cosignatures", "not_made", "there is no checkpoint")
    if not checker.keyring.usable:
        return Check("cosignatures", "not_made", "there is no keys note that holds")
    if not checker.keyring.cosigners:
        return Check("cosignatures", "not_made", "the keys note names no cosigner")
    reason = f"{_many(checker.cosigned, 'checkpoint', 'checkpoints')} cosigned by {_names(checker.keyring.cosigners)}"
    return Check("cosignatures", "passed", reason, checker.cosigned)


def _pin(checker: LogChecker) -> Check:
    pinned, known = checker.pinned, checker.pins.known
    if pinned is None and known is None:
        if checker.pins.checkpoint is not None:
            return Check("pin", "not_made", f"the pinned checkpoint is of the log {checker.pins.origin}")
        return Check("pin", "not_made", "no checkpoint is pinned")
    said = []
    missed = False
    for checkpoint, whose in ((pinned, "pinned"), (known, "known")):
        if checkpoint is None:
            continue
        if checkpoint in checker.met:
            said.append(f"contains the {whose} checkpoint of {_many(checkpoint.size, 'entry', 'entries')}")
            continue
        missed = True
        if checker.position < checkpoint.size:
            said.append(f"ends before the {whose} checkpoint of {checkpoint.size:,} entries: this is an older state")
        else:
            said.append(f"the {whose} size {checkpoint.size:,} lies inside a subtree whose entries are not shown")
    return Check("pin", "not_made" if missed else "passed", "; ".join(said), len(checker.met))


def _bodies(checker: LogChecker) -> Check:
    if not checker.disclosed:
        if not checker.undisclosed:
            return Check("bodies", "not_made", "no event has a body")
        return Check("bodies", "not_made", f"{_many(checker.undisclosed, 'body', 'bodies')} not disclosed")
    reason = f"{_many(checker.disclosed, 'body matches', 'bodies match')}"
    if checker.undisclosed:
        reason += f"; {checker.undisclosed:,} not disclosed"
    return Check("bodies", "passed", reason, checker.disclosed)


def _sources(checker: LogChecker) -> Check:
    book = checker.sources
    if not book.followed:
        return Check("sources", "not_made", "no event comes from a source that numbers its events")
    if book.dropped:
        return Check("sources", "not_made", f"more than {book.followed:,} sources; {book.dropped:,} spans not followed")
    named = f"; {_many(book.named, 'gap', 'gaps')} of refused events, each with a name" if book.named else ""
    other = "other " if book.named else ""
    if book.edges:
        reason = f"{_many(book.edges, 'place', 'places')} where numbers may lie in what is not shown; elsewhere no "
        return Check("sources", "not_made", f"{reason}{other}gap{named}", book.edges)
    reason = f"no {other}gap in {_many(book.followed, 'numbered source', 'numbered sources')}{named}"
    return Check("sources", "passed", reason, book.followed)


def _columns(_: LogChecker) -> Check:
    return Check("columns", "not_made", "only a database has columns")


def _head(_: LogChecker) -> Check:
    return Check("head", "not_made", "only a database or a live log has a head")


def _anchors(checker: LogChecker) -> Check:
    book = checker.anchors
    if not book.tokens:
        return Check("anchors", "not_made", "no timestamp token")
    if book.trust is None:
        many = _many(book.tokens, "token", "tokens")
        return Check("anchors", "not_made", f"{many} not checked: no timestamp root is pinned", book.tokens)
    found = book.found()
    holding = [one for one in found if one.state == "holds"]
    said = []
    if holding:
        best = max(holding, key=lambda one: (one.size, -one.time))
        said.append(
            f"{_many(len(holding), 'token verifies', 'tokens verify')}: the first {best.size:,} entries existed no "
            f"later than {_second(best.time)}, says {best.authority}"
        )
        until = max(one.until or 0 for one in holding)
        said.append(f"verifies without renewal until {_second(until * 1_000_000)}")
    ended = sum(one.state == "ended" for one in found)
    if ended:
        said.append(f"the certificates of {_many(ended, 'token', 'tokens')} have ended, and nothing shown renews them")
    unknown = sum(one.state == "unknown" for one in found) + book.dropped
    if unknown:
        said.append(f"{_many(unknown, 'token', 'tokens')} not checked: of no pinned authority")
    return Check("anchors", "passed" if holding else "not_made", "; ".join(said), len(holding) or len(found))


def _second(microseconds: int) -> str:
    return format_time6(microseconds)[:19] + "Z"


_OPEN = {
    "form": _form,
    "entries": _entries,
    "place": _place,
    "chain": _chain,
    "time": _time,
    "tree": _tree,
    "genesis": _genesis,
    "keys": _keys,
    "signatures": _signatures,
    "cosignatures": _cosignatures,
    "pin": _pin,
    "bodies": _bodies,
    "sources": _sources,
    "columns": _columns,
    "head": _head,
    "anchors": _anchors,
}


def _trust(checker: LogChecker, checks: tuple[Check, ...]) -> tuple[Trust, str]:
    state = {check.name: check.state for check in checks}
    whose = "this machine's known logs" if checker.pins.remembered else "your pins"
    if checker.pins.root is not None and state["keys"] == "passed":
        return "pinned", f"held against the root key of {whose}"
    size = checker.last.checkpoint.size if checker.last else 0
    for pinned, name in ((checker.pinned, "your pins"), (checker.pins.known, "this machine's known logs")):
        if pinned is None or pinned not in checker.met:
            continue
        if size == pinned.size:
            return "pinned", f"held against the checkpoint of {name}"
        if checker.keyring.expected is not None and state["signatures"] == "passed":
            return "pinned", "held against the checkpoint and the log key of this machine's known logs"
        return "self-attested", (
            f"the first {pinned.size:,} entries are held against the checkpoint of {name}; "
            "what follows is signed with keys that whoever wrote it chose"
        )
    return "self-attested", "the keys come from the material itself: whoever wrote it chose them"


def _remarks(checker: LogChecker) -> list[str]:
    remarks = [
        f"consistency with {name} is not made: nothing here ends at its size {other.size:,}"
        for other, name in checker.others
        if other not in checker.met and other.size <= checker.position
    ]
    book = checker.sources
    if book.named:
        more = f"; and {book.named - len(book.listed):,} more gaps" if book.named > len(book.listed) else ""
        remarks.append(f"numbers that the log names as refused: {'; '.join(book.listed)}{more}")
    if checker.unnumbered:
        events = sum(checker.unnumbered.values())
        names = sorted(name for name in checker.unnumbered if name)
        shown = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
        if "" in checker.unnumbered:
            shown += " and others"
        remarks.append(
            f"{_many(events, 'event comes', 'events come')} from sources without numbers ({shown}): "
            "for these no gap can be seen"
        )
    return remarks


def _names(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _many(count: int, one: str, more: str) -> str:
    return f"{count:,} {one if count == 1 else more}"
