"""Verifying a packet: its files against its manifest, the manifest against the log, each sampled entry.

Source: docs/packets.md section 5.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from muniment.core.bundle import EntryLine, Subtree, read_bundle
from muniment.core.entry import Entry, entry_hash, parse_entry
from muniment.core.errors import Malformed
from muniment.core.sampling import population_digest
from muniment.core.times import format_time6
from muniment.packet.manifest import (
    ACTION,
    EVIDENCE,
    LABEL,
    MANIFEST,
    MAX_BYTES,
    SIGNATURE,
    UNLISTED,
    Manifest,
    SampleListed,
    parse_manifest,
)
from muniment.packet.opened import Opened, PacketFile
from muniment.packet.report import Fault, ItemState, ItemVerdict, PacketReport
from muniment.verifier.options import Options, check_file, learnt
from muniment.verifier.pins import PinnedCheckpoint
from muniment.verifier.report import Report, with_remarks

MAX_FAULTS: Final = 256
"""Faults that a report lists."""


def verify_packet(path: Path, options: Options) -> PacketReport:
    """Verify a packet: the archive, or the folder into which it was unpacked.

    Nothing raises because the packet is bad: that is in the report, and every file that was changed, added or taken
    away is named in it.

    Args:
        path: the archive or folder.
        options: pins and known logs, as for a bundle.

    Source: docs/packets.md section 5.
    """
    target = str(path)
    try:
        with PacketFile(path) as opened, tempfile.TemporaryDirectory(prefix="muniment-packet-") as scratch:
            return _Checking(target, opened, Path(scratch), options).report()
    except Malformed as error:
        return PacketReport(target, malformed=True, faults=(Fault(error.where or target, error.reason),))


class _Checking:
    def __init__(self, target: str, opened: Opened, scratch: Path, options: Options) -> None:
        self._target, self._opened, self._scratch, self._options = target, opened, scratch, options
        self._sizes = opened.sizes()
        self._faults: dict[str, str] = {}

    def report(self) -> PacketReport:
        text = self._text(MANIFEST, MAX_BYTES)
        manifest: Manifest | None = None
        if text is not None:
            try:
                manifest = parse_manifest(text)
            except Malformed as error:
                self._fault(MANIFEST, f"cannot be read as a manifest: {error}")
        if manifest is None:
            # Without a manifest the archive's own checksums are all that says which file is damaged.
            for path in self._sizes:
                self._hash(path)
            return self._done(PacketReport(self._target, malformed=True))
        evidence, entries = self._evidence(manifest)
        signature, recorded = self._signature(manifest, hashlib.sha256(text or b"").hexdigest(), evidence)
        self._files(manifest, recorded=bool(recorded))
        items = tuple(
            verdict for sample in manifest.samples for verdict in self._items(sample, evidence, signature, entries)
        )
        found = PacketReport(
            self._target, manifest.name, manifest.packet, manifest.log,
            recorded=recorded, evidence=evidence, signature=signature, items=items,
        )  # fmt: skip
        return self._done(found)

    def _done(self, found: PacketReport) -> PacketReport:
        # What is wrong with the manifest explains the rest, so it comes first.
        faults = sorted(self._faults.items(), key=lambda one: one[0] != MANIFEST)
        return replace(found, files=len(self._sizes), faults=tuple(Fault(*one) for one in faults[:MAX_FAULTS]))

    def _fault(self, path: str, reason: str) -> None:
        self._faults.setdefault(path, reason)

    def _files(self, manifest: Manifest, *, recorded: bool) -> None:
        """Hold every file against the manifest, which may itself not be the one that was recorded."""
        differs = "was changed: it has another SHA-256 than the manifest says"
        if not recorded:
            differs = "does not fit the manifest, and no entry of the log names this manifest"
        listed = {one.path: one for one in manifest.files}
        for path in sorted({*self._sizes} - {*listed} - UNLISTED):
            self._fault(path, "is not in the manifest: it was added")
        for path, one in listed.items():
            if path not in self._sizes:
                self._fault(path, "is missing")
                continue
            digest = self._hash(path)
            if digest is not None and (self._sizes[path], digest) != (one.size, one.sha256):
                self._fault(path, differs)
        scope = listed.get("scope.json")
        if scope is None or scope.sha256 != manifest.scope:
            self._fault(MANIFEST, "names a scope that is not scope.json")
        if EVIDENCE not in listed:
            self._fault(MANIFEST, f"does not list {EVIDENCE}")

    def _hash(self, path: str) -> str | None:
        digest = hashlib.sha256()
        try:
            for piece in self._opened.read(path):
                digest.update(piece)
        except Malformed as error:
            self._fault(path, error.reason)
            return None
        return digest.hexdigest()

    def _text(self, path: str, limit: int) -> bytes | None:
        size = self._sizes.get(path)
        if size is None:
            self._fault(path, "is missing")
        elif size > limit:
            self._fault(path, f"is longer than {limit:,} bytes")
        else:
            try:
                return b"".join(self._opened.read(path))
            except Malformed as error:
                self._fault(path, error.reason)
        return None

    def _bundle(self, path: str) -> Path | None:
        """A bundle as a file of its own, so that it is verified as every other."""
        if path not in self._sizes:
            self._fault(path, "is missing")
            return None
        copy = self._scratch / path
        try:
            with copy.open("wb") as out:
                for piece in self._opened.read(path):
                    out.write(piece)
        except Malformed as error:
            self._fault(path, error.reason)
            return None
        return copy

    def _evidence(self, manifest: Manifest) -> tuple[Report | None, Mapping[int, bytes]]:
        copy = self._bundle(EVIDENCE)
        if copy is None:
            return None, {}
        checker, report = check_file(copy, self._options)
        report = learnt(checker, replace(report, target=EVIDENCE), self._options)
        if report.verdict != "verified":
            self._fault(EVIDENCE, _said(report))
            return report, {}
        if (report.origin, report.size, report.root) != (manifest.log, manifest.size, manifest.root):
            self._fault(EVIDENCE, "does not end at the checkpoint that the manifest names")
        wanted = {item.seq for sample in manifest.samples for item in sample.items}
        return report, _entries(copy, wanted | {sample.draw for sample in manifest.samples})

    def _signature(self, manifest: Manifest, digest: str, evidence: Report | None) -> tuple[Report | None, str]:
        copy = self._bundle(SIGNATURE)
        if copy is None:
            return None, ""
        # The log that holds the packet's entry must be the one that the evidence is of, grown.
        held = evidence is not None and evidence.verdict == "verified"
        others = [(PinnedCheckpoint(manifest.size, bytes.fromhex(manifest.root)), EVIDENCE)] if held else []
        checker, report = check_file(copy, self._options, others=others)
        report = learnt(checker, replace(report, target=SIGNATURE), self._options)
        if report.verdict != "verified":
            self._fault(SIGNATURE, _said(report))
            return report, ""
        if evidence is None or evidence.trust != "pinned":
            # It was held against the evidence, which is no more than the packet itself.
            report = replace(report, trust="self-attested", trust_reason=f"continues {EVIDENCE} of this packet")
        if report.origin != manifest.log:
            self._fault(SIGNATURE, f"is of the log {report.origin}, not of {manifest.log}")
        if held and not any(pin == others[0][0] for pin in checker.met):
            self._fault(SIGNATURE, f"does not show that its log continues that of {EVIDENCE}")
        named = [(seq, entry) for seq, text in _entries(copy).items() if (entry := _build(text)) is not None]
        for seq, entry in named:
            if f"{LABEL}={digest}" in entry.event.labels:
                resource = entry.event.resource
                if resource is None or resource.id != manifest.packet:
                    self._fault(SIGNATURE, "its entry is of another packet")
                return report, f"entry {seq:,}, recorded {format_time6(entry.recorded_at)} by {entry.by}"
        if named:
            self._fault(MANIFEST, "was changed: the log's entry names another SHA-256 for it")
            return with_remarks(report, "its entry names another manifest"), ""
        self._fault(SIGNATURE, f"holds no entry {ACTION} that the ledger's server recorded")
        return report, ""

    def _items(
        self,
        sample: SampleListed,
        evidence: Report | None,
        signature: Report | None,
        entries: Mapping[int, bytes],
    ) -> list[ItemVerdict]:
        places = [item.seq for item in sample.items]
        drawn = _drawn(sample, entries)
        if evidence is not None and evidence.verdict == "verified" and drawn != population_digest(places).hex():
            self._fault(
                MANIFEST,
                f"the entries of sample {sample.id} are not those that its recorded draw names"
                if drawn
                else f"{EVIDENCE} does not hold the draw of sample {sample.id}",
            )
        pinned = all(one is not None and one.trust == "pinned" for one in (evidence, signature))
        good: ItemState = "proven" if pinned else "self-attested"
        verdicts = []
        for item in sample.items:
            text = entries.get(item.seq)
            if evidence is None or evidence.verdict != "verified":
                reason = f"{EVIDENCE} does not verify"
            elif text is None:
                reason = f"{EVIDENCE} does not hold the entry"
            elif entry_hash(text).hex() != item.hash:
                reason = "the entry is another one than the manifest names"
            else:
                reason = ""
            if reason and evidence is not None and evidence.verdict == "verified":
                self._fault(MANIFEST, f"entry {item.seq:,} of sample {sample.id}: {reason}")
            verdicts.append(ItemVerdict(sample.id, item.seq, "not proven" if reason else good, reason))
        return verdicts


def _entries(path: Path, wanted: Collection[int] | None = None) -> dict[int, bytes]:
    """The texts of a bundle that was verified, by place; all of them unless some are wanted."""
    found: dict[int, bytes] = {}
    position = 0
    with path.open("rb") as stream:
        for line in read_bundle(stream):
            if isinstance(line, EntryLine):
                if wanted is None or position in wanted:
                    found[position] = line.text
                position += 1
            elif isinstance(line, Subtree):
                position += 1 << line.level
    return found


def _build(text: bytes) -> Entry | None:
    """The entry, if it says that a packet was built and the ledger's server says so."""
    entry = parse_entry(text)
    return entry if entry.event.action == ACTION and _by_server(entry) else None


def _by_server(entry: Entry) -> bool:
    # Whoever holds an API key can have any event recorded, but only under the key's name.
    return not entry.by.startswith("key:")


def _drawn(sample: SampleListed, entries: Mapping[int, bytes]) -> str:
    """The digest of the places that the recorded draw names; "" if the entry is not there, or is no such draw."""
    text = entries.get(sample.draw)
    if text is None:
        return ""
    entry = parse_entry(text)
    event = entry.event
    own = event.resource is not None and event.resource.id == sample.id
    if event.action != "sample.draw" or not own or not _by_server(entry):
        return ""
    return next((label[7:] for label in event.labels if label.startswith("digest=")), "")


def _said(report: Report) -> str:
    first = report.first_broken
    return f"does not verify: {first}" if first is not None else "does not verify"
