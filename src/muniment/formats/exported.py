"""What a format is given: the frame of an export, and its entries one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

FORMAT: Final = "muniment-export/1"


@dataclass(frozen=True, slots=True)
class Control:
    """A control id beside an entry.

    Attributes:
        id: such as `soc2:CC6.1`.
        mark: why it is there: `event` and `mapping` stand in the entry; `annotation` and `successor` do not.
        by: version of the mapping or id of the crosswalk that it comes from; empty for the event's own.
    """

    id: str
    mark: str
    by: str = ""

    @property
    def recorded(self) -> bool:
        """Whether it stands in the entry, so that the log's proof covers it."""
        return self.mark in ("event", "mapping")


@dataclass(frozen=True, slots=True)
class Exported:
    """One entry.

    Attributes:
        text: its canonical text, byte for byte what was hashed.
        entry_hash: 32 bytes.
        document: the text, parsed.
        controls: every control id that it is shown with, recorded ones first.
        names: of persons in it, by `user:usr_…`; empty unless they were asked for.
    """

    text: bytes
    entry_hash: bytes
    document: Mapping[str, Any]
    controls: tuple[Control, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Frame:
    """What holds for a whole export.

    Attributes:
        origin: the log.
        genesis: hash of its entry 0, hex: the log's identity.
        size: entries under the checkpoint at which the export ends; `root` its root, hex.
        root: see `size`.
        note: the signed checkpoint, as text.
        sealed_at: when it was stored, RFC 3339.
        mapping: version of the mapping in force, and `mapping_digest` its digest, hex.
        mapping_digest: see `mapping`.
        question: the filters, by name.
        evidence: what the filters by control asked the log for: `controls` any of which an entry holds, `actions`
            whose entries are annotated; empty without such a filter.
        entries: how many entries match.
        api: address of the API, without a slash at the end.
        software: version that writes.
    """

    origin: str
    genesis: str
    size: int
    root: str
    note: str
    sealed_at: str
    mapping: str
    mapping_digest: str
    question: Mapping[str, str]
    evidence: Mapping[str, Any]
    entries: int
    api: str
    software: str

    def header(self, name: str) -> dict[str, Any]:
        """The facts as JSON, for the export's format of this name."""
        return {
            "format": FORMAT,
            "as": name,
            "log": self.origin,
            "genesis": self.genesis,
            "checkpoint": {"size": self.size, "root": self.root, "sealed_at": self.sealed_at, "note": self.note},
            "mapping": {"version": self.mapping, "digest": self.mapping_digest},
            "question": dict(self.question),
            "evidence": dict(self.evidence),
            "matching": self.entries,
            "api": self.api,
            "proof": "/api/entries/{seq}/proof?size=" + str(self.size),
            "written_by": f"muniment {self.software}",
        }
