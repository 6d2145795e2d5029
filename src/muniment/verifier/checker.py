"""LogChecker: takes the parts of one log from left to right and says what holds, in constant memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from muniment.core.errors import Malformed, VerificationFailed
from muniment.core.merkle import Stack, verify_inclusion
from muniment.verifier.anchors import AnchorBook
from muniment.verifier.keyring import Judgement, Keyring, settle
from muniment.verifier.pins import PinnedCheckpoint, Pins
from muniment.verifier.report import Check, Finding, Report, State
from muniment.verifier.run import MAX_FINDINGS, Run, count_unnumbered
from muniment.verifier.scan import scan
from muniment.verifier.sources import SourceBook
from muniment.verifier.summary import conclude

BUFFER: Final = 512
"""Entries that are held back, so that they can be checked together."""


class LogChecker:
    """Checks one log that is handed over from left to right.

    Feed `keys` first, then `entry` (each perhaps followed by `body`), `subtree` and `checkpoint` in the order of their
    positions; say `fail`, `passed` or `not_made` for what was checked elsewhere (`columns`, `head`); ask for `report`
    at the end. Nothing raises because a check failed: all of it is in the report.

    Args:
        origin: the log's name as the material gives it.
        pins: what is trusted from outside.
        target: what the report calls the material.
        others: checkpoints of the same log from elsewhere that it has to agree with, and the names of where.
    """

    def __init__(
        self,
        origin: str,
        pins: Pins | None = None,
        *,
        target: str = "",
        others: Sequence[tuple[PinnedCheckpoint, str]] = (),
    ) -> None:
        self.origin = origin
        self.pins = pins or Pins()
        self.target = target
        self.position = 0
        self.entries = 0
        self.checkpoints = 0
        self.pairs = 0
        self.cosigned = 0
        self.signed = 0
        self.unreadable = 0
        self.disclosed = 0
        self.undisclosed = 0
        self.genesis: bytes | None = None
        self.met: set[PinnedCheckpoint] = set()
        self.contradicted: set[PinnedCheckpoint] = set()
        self.last: Judgement | None = None
        self.last_note = b""
        self.sources = SourceBook()
        self.anchors = AnchorBook(self.pins.timestamps, self._anchor_failed)
        self.unnumbered: dict[str, int] = {}
        self.findings: list[Finding] = []
        self.failures: dict[str, int] = {}
        self.outside: dict[str, Check] = {}
        self.remarks: list[str] = []
        self._stack = Stack()
        self._folds = True
        self._notes: list[bytes] = []
        self._keyring: Keyring | None = None
        self._texts: list[bytes] = []
        self._bodies: dict[int, tuple[bytes, bytes]] = {}
        self._last_hash: str | None = None
        self._last_time: str | None = None
        self._hole_end = 0
        self.others = others
        self.pinned = self.pins.checkpoint
        held = (self.pins.checkpoint, self.pins.known, *(checkpoint for checkpoint, _ in others))
        self.marks = frozenset(checkpoint.size for checkpoint in held if checkpoint is not None)
        if self.pins.origin is not None and self.pins.origin != origin:
            self.fail("place", f"the log is {origin}, and {self.pins.origin} is pinned", "origin", 0)
            # What is pinned for one log says nothing about the tree of another.
            self.pinned = None
        self._meet_pin()

    # --- what is fed -----------------------------------------------------------------------------------------------

    def keys(self, note: bytes) -> None:
        """A keys note, as received. It is a hint: it counts only if the pinned root signed it.

        Raises:
            Malformed: if it is no keys note.
        """
        if self._keyring is not None:
            raise Malformed("a keys note after entries or checkpoints", "keys")
        self._notes.append(note)

    def entry(self, text: bytes) -> None:
        """The entry at the present position, its text as received. It is checked together with its neighbours."""
        held = len(self._texts)
        if held >= BUFFER or (held and self.position + held in self.marks):
            self._flush()
        self._texts.append(text)

    def body(self, salt: bytes, body: bytes) -> None:
        """Salt (32 bytes) and body of the entry that was fed last.

        Raises:
            Malformed: if no entry was fed just before.
        """
        if not self._texts or len(self._texts) - 1 in self._bodies:
            raise Malformed("a body without an entry before it", "body")
        self._bodies[len(self._texts) - 1] = (salt, body)

    def subtree(self, level: int, hash_: bytes) -> None:
        """A perfect subtree of 2^level entries that are not shown."""
        self._flush()
        if self.pinned is not None and self.position < self.pinned.size < self.position + (1 << level):
            reason = f"the pinned size {self.pinned.size:,} is hidden inside a subtree: ask for a file that shows it"
            self.fail("pin", reason, f"subtree at {self.position}", self.position)
        self._push(level, hash_)
        # A subtree of level 0 is an entry's hash: the next entry must link to it.
        self._last_hash = hash_.hex() if level == 0 else None
        self._hole_end = self.position
        self._meet_pin()

    def checkpoint(self, note: bytes) -> None:
        """A checkpoint note at the position equal to its size.

        Raises:
            Malformed: if it is no checkpoint note.
        """
        self._flush()
        self.judged(self.keyring.judge(note), note)

    def token(self, der: bytes) -> None:
        """A timestamp token over the checkpoint that was fed last."""
        self.anchors.token(der, self.last_note, self.last.checkpoint.size if self.last else 0)

    def run(self, run: Run) -> None:
        """A run that was scanned elsewhere and starts at the present position."""
        if run.start != self.position:
            raise ValueError(f"a run from {run.start} cannot stand at {self.position}")
        if run.genesis is not None:
            self._meet_genesis(run.genesis, run.creation, run.root)
        if self._last_hash is not None and run.first_prev is not None:
            self.pairs += 1
            if run.first_prev != self._last_hash:
                reason = f"prev is not the hash of entry {run.start - 1}: one of the two was changed"
                self.fail("chain", reason, f"entry {run.start}", run.start)
        if self._last_time is not None and run.first_time is not None and run.first_time < self._last_time:
            self.fail("time", f"recorded at {run.first_time}, before its predecessor", f"entry {run.start}", run.start)
        for level, hash_ in run.subtrees:
            self._push(level, hash_)
        self._last_hash = run.last_hash
        self._last_time = run.last_time or self._last_time
        self._take(run)
        self.sources.meet(run.sources, self._hole_end, run.holes[0] if run.holes else None, self._source_failed)
        self.sources.edges += run.edges
        for gap in run.gaps:
            self.sources.miss(gap, self._source_failed)
        if run.holes:
            self._hole_end = run.holes[1] + 1
        self._meet_pin()

    def included(self, text: bytes, index: int, hashes: Sequence[bytes], note: bytes) -> None:
        """One entry, and the proof that it stands at `index` of a checkpoint: instead of everything else that is fed.

        Args:
            text: the entry as received.
            index: its place.
            hashes: the inclusion proof, 32 bytes each.
            note: the checkpoint's note.

        Raises:
            Malformed: if it is no checkpoint note, or the index lies outside its tree.
        """
        judgement = self.keyring.judge(note)
        checkpoint = judgement.checkpoint
        run = scan([text], index, self.origin, {})
        if run.genesis is not None:
            self._meet_genesis(run.genesis, run.creation, run.root)
        self._take(run)
        self.sources.meet(run.sources, index, None, self._source_failed)
        # Every other entry is hidden.
        self._hole_end = checkpoint.size - 1
        self.position = checkpoint.size
        try:
            verify_inclusion(index, checkpoint.size, run.subtrees[0][1], hashes, checkpoint.root)
        except VerificationFailed as error:
            self.fail("tree", error.reason, f"entry {index}", index)
        self._meet(checkpoint.root)
        self._count(judgement, note)

    def judged(self, judgement: Judgement, note: bytes) -> None:
        """A checkpoint whose signatures were judged elsewhere with this checker's keyring."""
        checkpoint = judgement.checkpoint
        size, where = checkpoint.size, f"checkpoint {checkpoint.size}"
        if size != self.position:
            self.fail("tree", f"it stands at position {self.position}", where, size)
        elif self._folds and self._stack.root() != checkpoint.root:
            self.fail("tree", "its root is not what the entries and subtrees before it fold to", where, size)
        self._count(judgement, note)

    # --- what was checked elsewhere --------------------------------------------------------------------------------

    def fail(self, check: str, reason: str, where: str, position: int = -1) -> None:
        """Note a broken place under any check."""
        met = self.failures.get(check, 0)
        self.failures[check] = met + 1
        if not met or len(self.findings) < MAX_FINDINGS:
            self.findings.append(Finding(check, reason, where, position))

    def passed(self, check: str, reason: str, count: int = 0) -> None:
        """Say that a check which needs more than the log's own parts (`columns`, `head`, `pin`) passed."""
        self._say(check, "passed", reason, count)

    def not_made(self, check: str, reason: str, count: int = 0) -> None:
        """Say why a check was not made."""
        self._say(check, "not_made", reason, count)

    def remark(self, sentence: str) -> None:
        """Add a sentence to the report."""
        self.remarks.append(sentence)

    # --- what comes out --------------------------------------------------------------------------------------------

    @property
    def keyring(self) -> Keyring:
        """The keys that hold for this log; settled when it is first asked for."""
        if self._keyring is None:
            self._keyring = settle(self.origin, self._notes, self.pins)
            if self._keyring.state == "failed":
                self.fail("keys", self._keyring.reason, "keys note", 0)
        return self._keyring

    def report(self, *, malformed: str | None = None) -> Report:
        """Conclude.

        Args:
            malformed: why the material could not be read to its end, if so.
        """
        self._flush()
        self.sources.conclude(malformed is None and not self._hole_end, self._source_failed)
        if malformed is None:
            self._meet_end()
        return conclude(self, malformed)

    # --- inside ----------------------------------------------------------------------------------------------------

    def _count(self, judgement: Judgement, note: bytes) -> None:
        checkpoint = judgement.checkpoint
        size, where = checkpoint.size, f"checkpoint {checkpoint.size}"
        self.checkpoints += 1
        if checkpoint.origin != self.origin:
            self.fail("place", f"the checkpoint is of the log {checkpoint.origin}", where, size)
        if judgement.signature is not None:
            self.fail("signatures", judgement.signature, where, size)
        if judgement.cosignature is not None:
            self.fail("cosignatures", judgement.cosignature, where, size)
        self.signed += judgement.signed
        self.cosigned += judgement.cosigned
        self.last = judgement
        self.last_note = note

    def _push(self, level: int, hash_: bytes) -> None:
        if self._folds:
            try:
                self._stack.push(level, hash_)
            except VerificationFailed as error:
                # From here on there is no tree any more to compare anything with.
                self._folds = False
                self.fail("tree", error.reason, f"position {self.position}", self.position)
        self.position += 1 << level

    def _flush(self) -> None:
        texts, bodies = self._texts, self._bodies
        if texts:
            self._texts, self._bodies = [], {}
            self.run(scan(texts, self.position, self.origin, bodies))

    def _meet_genesis(self, genesis: bytes, fault: str | None, root: str) -> None:
        self.genesis = genesis
        pinned = self.pins.root
        if fault is not None:
            self.fail("genesis", fault, "entry 0", 0)
        elif pinned is not None and root != f"{pinned.name}+{pinned.key_id.hex()}":
            self.fail("genesis", f"it names the root key {root}, and {pinned.vkey} is pinned", "entry 0", 0)
        if self.pins.genesis is not None and self.pins.genesis != genesis:
            self.fail("genesis", "it is not the pinned genesis", "entry 0", 0)
        if self.keyring.genesis is not None and self.keyring.genesis != genesis:
            self.fail("keys", "the keys note is for a log with another entry 0", "keys note", 0)

    def _meet_end(self) -> None:
        pinned, known = self.pinned, self.pins.known
        where = f"entry {self.position}"
        if pinned is not None and self.position < pinned.size:
            reason = f"the log ends here, and a checkpoint of {pinned.size:,} entries is pinned"
            self.fail("pin", reason, where, self.position)
        if known is not None and self.position < known.size and self.pins.known_fails:
            reason = f"the log ends here, and this machine has proven {known.size:,} entries before"
            self.fail("pin", reason, where, self.position)

    def _meet_pin(self) -> None:
        if self.position in self.marks and self._folds:
            self._meet(self._stack.root())

    def _meet(self, root: bytes) -> None:
        """Hold the root at the present position against every checkpoint of that size that is held from elsewhere."""
        for pinned, whose in ((self.pinned, "pinned"), (self.pins.known, "known")):
            if pinned is None or pinned.size != self.position or pinned in self.met:
                continue
            self.met.add(pinned)
            if root != pinned.root:
                self.contradicted.add(pinned)
                reason = f"the first {pinned.size:,} entries are not those of the {whose} checkpoint"
                self.fail("pin", reason, f"checkpoint {pinned.size}", pinned.size)
        for other, name in self.others:
            if other.size == self.position and other not in self.met:
                self.met.add(other)
                if root != other.root:
                    reason = f"{name} has another root for the same size"
                    self.fail("tree", reason, f"checkpoint {other.size}", other.size)

    def _take(self, run: Run) -> None:
        self.entries += run.count
        self.pairs += run.pairs
        self.unreadable += run.unreadable
        self.disclosed += run.disclosed
        self.undisclosed += run.undisclosed
        self.sources.refused(run.refusals)
        self.anchors.recorded(run.anchored)
        count_unnumbered(self.unnumbered, run.unnumbered)
        kept: dict[str, int] = {}
        for finding in run.findings:
            self.fail(finding.check, finding.reason, finding.where, finding.position)
            kept[finding.check] = kept.get(finding.check, 0) + 1
        for check, count in run.failures.items():
            self.failures[check] += count - kept[check]

    def _anchor_failed(self, reason: str, size: int) -> None:
        self.fail("anchors", reason, f"checkpoint {size}", size)

    def _source_failed(self, reason: str, position: int) -> None:
        self.fail("sources", reason, f"entry {position}", position)

    def _say(self, check: str, state: State, reason: str, count: int) -> None:
        self.outside[check] = Check(check, state, reason, count)
