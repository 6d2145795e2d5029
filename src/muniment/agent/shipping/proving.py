"""Proof before freeing: that the ledger's signed tree contains our own events, byte for byte, and everything it had
before.

A receipt is a promise. What is checked here, in this order, with a bundle that the ledger makes for these entries:
1. the bundle verifies against what this machine has proven of the log before (known logs) and against `MUNIMENT_PIN`;
2. every entry that a receipt names stands in it, with the hash that the receipt gave;
3. each such entry holds our event's text and was submitted with our key.
"""

import io
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from muniment.agent.shipping.client import Receipt, RequestRefused, Unavailable
from muniment.core.bundle import EntryLine, read_bundle
from muniment.core.entry import entry_hash, parse_entry
from muniment.core.errors import VerificationFailed
from muniment.verifier.bundle import check_bundle
from muniment.verifier.knownlogs import KnownLogs
from muniment.verifier.pins import Pins, load_pin

_FORK: Final = (
    "the log does not contain what this machine has proven of it before: its history was rewritten, or an older "
    "database was put back and written on. Both checkpoints are kept as evidence beside the known logs"
)


class LedgerContradicts(VerificationFailed):
    """The ledger does not keep what it promised, or its history was changed. Nothing is freed; a human must look."""


class Behind(Unavailable):
    """The log is smaller than what was proven of it before, or does not cover the entries yet. Wait; if it stays so,
    alarm."""


class Bundles(Protocol):
    """Where bundles come from."""

    @property
    def key_id(self) -> str:
        """The id of the API key."""

    def bundle(self, seqs: Sequence[int], since: int | None) -> bytes:
        """A bundle with these entries that also proves the checkpoint of size `since`."""


@dataclass(frozen=True, slots=True)
class Promise:
    """One of our events and the receipt for it.

    Attributes:
        epoch: of the event, 32 hex.
        seq: the event's place in its epoch.
        event: its text.
        receipt: what the ledger promised.
    """

    epoch: str
    seq: int
    event: bytes
    receipt: Receipt


def proof_parts(promises: Sequence[Promise], most: int) -> list[list[Promise]]:
    """Cut promises into parts, each for one bundle, so that no part has a gap in an epoch's numbering.

    A damaged event leaves a gap that has no name and would otherwise fail the bundle's check of sources; a refused one
    has its name in an entry that may lie in another part.
    """
    parts: list[list[Promise]] = []
    last: dict[str, int] = {}
    for promise in promises:
        gap = last.get(promise.epoch, promise.seq - 1) != promise.seq - 1
        if not parts or gap or len(parts[-1]) >= most:
            parts.append([])
            last = {}
        parts[-1].append(promise)
        last[promise.epoch] = promise.seq
    return parts


class Prover:
    """Checks a ledger's promises against what this machine knows of it.

    Args:
        ledger: where bundles come from.
        known: the known logs of this machine.
        environ: for `MUNIMENT_PIN`.
        evidence: directory for bundles that contradict a promise.

    Raises:
        Malformed: if `MUNIMENT_PIN` cannot be read.
    """

    def __init__(self, ledger: Bundles, known: KnownLogs, environ: Mapping[str, str], evidence: Path) -> None:
        self._ledger = ledger
        self._known = known
        self._evidence = evidence
        pin = environ.get("MUNIMENT_PIN")
        self._pin = load_pin(pin) if pin else Pins()
        self.first_use: str | None = None

    def prove(self, origin: str, promises: Sequence[Promise]) -> None:
        """Prove all of it or raise.

        Raises:
            LedgerContradicts: if a promise is broken or the log's history was changed.
            Behind: if the log does not cover all of it yet.
            Unavailable, RequestRefused, ProtocolViolated: from the ledger.
        """
        known = self._known.get(origin)
        data = self._fetch(promises, known.checkpoint.size if known else None, origin)
        pins = self._pin.merged(self._known.pins(origin, live=False))
        checker, report = check_bundle(io.BytesIO(data), lambda _: pins, target=origin, workers=1)
        learned = self._known.learn(checker, report, time.time_ns() // 1000)
        if learned == "fork":
            raise self._contradiction(data, _FORK, origin)
        if report.verdict != "verified":
            first = f": {report.findings[0]}" if report.findings else ""
            raise self._contradiction(data, f"the ledger's bundle does not verify{first}", origin)
        if report.origin != origin:
            raise self._contradiction(data, f"the bundle is of another log, {report.origin}", origin)
        if learned in ("behind", "unproven"):
            raise Behind("the log is smaller than what was proven of it before", origin)
        if known is None and learned == "nothing":
            raise self._contradiction(data, "the bundle proves nothing that could be remembered", origin)
        if learned == "first use":
            self.first_use = origin
        self._compare(data, report.size, promises, origin)

    def _fetch(self, promises: Sequence[Promise], since: int | None, origin: str) -> bytes:
        try:
            return self._ledger.bundle([promise.receipt.seq for promise in promises], since)
        except (Unavailable, RequestRefused) as error:
            if error.kind == "not-sealed":
                raise Behind(error.reason, origin) from error
            if error.kind == "broken-ledger":
                raise LedgerContradicts(f"the ledger says itself that it is broken: {error.reason}", origin) from error
            if error.kind == "not-found":
                reason = "the ledger does not have entries for which it has just given receipts"
                raise LedgerContradicts(f"{reason}. Nothing was freed", origin) from error
            raise

    def _compare(self, data: bytes, size: int, promises: Sequence[Promise], origin: str) -> None:
        entries = {}
        for line in read_bundle(io.BytesIO(data)):
            if isinstance(line, EntryLine):
                entry = parse_entry(line.text)
                entries[entry.seq] = (entry, line.text)
        for promise in promises:
            receipt = promise.receipt
            if receipt.seq >= size:
                raise Behind(f"entry {receipt.seq} is not sealed yet", origin)
            if receipt.seq not in entries:
                raise self._contradiction(data, f"entry {receipt.seq} is missing from the bundle", origin)
            entry, text = entries[receipt.seq]
            if entry_hash(text) != receipt.entry_hash:
                raise self._contradiction(data, f"entry {receipt.seq} is not the one that the receipt named", origin)
            if entry.event.text() != promise.event:
                raise self._contradiction(data, f"entry {receipt.seq} does not hold the event that was sent", origin)
            if entry.by != f"key:{self._ledger.key_id}":
                raise self._contradiction(data, f"entry {receipt.seq} names {entry.by} as the submitter", origin)

    def _contradiction(self, data: bytes, reason: str, origin: str) -> LedgerContradicts:
        self._evidence.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._evidence / f"{time.time_ns()}-{os.getpid()}.bundle"
        path.write_bytes(data)
        return LedgerContradicts(f"{reason}. Nothing was freed; the bundle is kept as {path}", origin)
