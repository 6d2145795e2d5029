"""What the verification of a packet found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from muniment.verifier.report import EXIT_CODES, Report, Trust, Verdict

ItemState = Literal["proven", "self-attested", "not proven"]


@dataclass(frozen=True, slots=True)
class Fault:
    """A file (or place of the archive) that is not as it should be, and what is wrong with it."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


@dataclass(frozen=True, slots=True)
class ItemVerdict:
    """The verdict on one sampled entry.

    Attributes:
        sample: id of the sample; seq: the entry's place.
        state: proven under pinned keys, proven under keys that the packet brought along, or not.
        reason: why not; "" otherwise.
    """

    sample: str
    seq: int
    state: ItemState
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PacketReport:
    """Everything that the verification of a packet says.

    Attributes:
        target: the archive or folder.
        name: what its manifest calls it; "" if that could not be read; `packet` its id, `log` its log's origin.
        files: how many files were there.
        faults: files that are not as they should be, in the order in which they were met.
        malformed: it could not be read as a packet at all.
        recorded: the entry that names the manifest, in words; "" if none does.
        evidence, signature: what the two bundles came to; None if they could not be reached.
        items: one for each sampled entry.
    """

    target: str
    name: str = ""
    packet: str = ""
    log: str = ""
    files: int = 0
    faults: tuple[Fault, ...] = ()
    malformed: bool = False
    recorded: str = ""
    evidence: Report | None = None
    signature: Report | None = None
    items: tuple[ItemVerdict, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """`verified`, `failed` or `malformed`."""
        if self.malformed:
            return "malformed"
        bundles = (self.evidence, self.signature)
        good = not self.faults and all(one is not None and one.verdict == "verified" for one in bundles)
        return "verified" if good and all(item.state != "not proven" for item in self.items) else "failed"

    @property
    def trust(self) -> Trust | None:
        """Whether both bundles were held against pins; None unless verified."""
        if self.verdict != "verified":
            return None
        pinned = all(one is not None and one.trust == "pinned" for one in (self.evidence, self.signature))
        return "pinned" if pinned else "self-attested"

    @property
    def exit_code(self) -> int:
        """0 verified, 1 failed, 2 malformed."""
        return EXIT_CODES[self.verdict]

    def as_json(self) -> dict[str, object]:
        """The report as a JSON object; keys are stable."""
        return {
            "target": self.target,
            "kind": "packet",
            "verdict": self.verdict,
            "trust": self.trust,
            "name": self.name,
            "packet": self.packet,
            "origin": self.log,
            "files": self.files,
            "faults": [{"path": one.path, "reason": one.reason} for one in self.faults],
            "recorded": self.recorded,
            "items": [
                {"sample": one.sample, "seq": one.seq, "state": one.state, "reason": one.reason} for one in self.items
            ],
            "evidence": None if self.evidence is None else self.evidence.as_json(),
            "signature": None if self.signature is None else self.signature.as_json(),
        }
