"""Exports in formats of other tools: taken with progress, resumed from a half file, checked when they are whole."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import click
import httpx

from muniment.cli.refusals import raise_for
from muniment.core.bundle import EntryLine, read_bundle
from muniment.core.entry import entry_hash, parse_entry
from muniment.core.errors import Malformed, MunimentError, Refused, VerificationFailed
from muniment.formats.formats import FORMATS
from muniment.formats.reading import Checked, Line, check_export, format_of
from muniment.verifier.options import Options, verify_file

FILTERS: Final = ("from", "to", "action", "actor", "agent", "workspace", "outcome", "control", "framework")
_BLOCK: Final = 1 << 20
_SHOWN_EVERY: Final = 0.2


@dataclass(frozen=True, slots=True)
class ExportVerdict:
    """What was found of an export's file.

    Attributes:
        name: of the file.
        checked: what it shows by itself; None if it shows nothing.
        fault: what is wrong, "" if nothing is.
        malformed: it is no export, or was cut off.
        proven: entries that a verified bundle holds as well; None if there was no bundle.
        trust: of that bundle; `self-attested` without one.
    """

    name: str
    checked: Checked | None
    fault: str = ""
    malformed: bool = False
    proven: int | None = None
    trust: str = "self-attested"

    @property
    def exit_code(self) -> int:
        """0 nothing is wrong, 1 something is, 2 malformed."""
        return 2 if self.malformed else 1 if self.fault else 0

    def as_json(self) -> dict[str, object]:
        """The verdict as a JSON object."""
        return asdict(self) | {"verdict": self.verdict}

    @property
    def verdict(self) -> str:
        """In a few words; never `verified` without a bundle that was."""
        if self.malformed:
            return "malformed"
        if self.fault:
            return "failed"
        whole = self.checked is not None and self.proven == self.checked.entries
        return "verified" if whole else "whole, and its hashes hold"


def is_export(target: str) -> bool:
    """Whether a target of `muniment verify` is an export in a format of another tool."""
    path = Path(target)
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return format_of(file.read(200)) is not None


def verify_export(target: str, options: Options, *, proof: Path | None = None) -> ExportVerdict:
    """Check an export: by itself, and against a bundle if there is one.

    Args:
        target: the file.
        options: pins, for the bundle.
        proof: a bundle; entries that are in both must have the same hash.
    """
    hashes: dict[int, bytes] = {}
    trust = "self-attested"
    if proof is not None:
        report = verify_file(proof, options)
        if report.verdict != "verified":
            return ExportVerdict(target, None, f"{proof.name} is {report.verdict}: verify it by itself to see why")
        trust = report.trust or trust
        hashes = _hashes(proof)
    proven = 0

    def seen(line: Line) -> None:
        nonlocal proven
        if (held := hashes.get(line.seq)) is None:
            return
        if held.hex() != line.hash:
            raise VerificationFailed("the bundle has another entry at this place", f"line {line.number}")
        proven += 1

    try:
        with Path(target).open("rb") as file:
            checked = check_export(file, seen=seen)
    except Malformed as error:
        return ExportVerdict(target, None, str(error), malformed=True)
    except MunimentError as error:
        return ExportVerdict(target, None, str(error))
    return ExportVerdict(target, checked, proven=None if proof is None else proven, trust=trust)


def painted_export(found: ExportVerdict, *, quiet: bool = False) -> str:
    """The verdict as the terminal shows it; with `quiet` its first line alone."""
    colour = {0: "green", 1: "red", 2: "red"}[found.exit_code]
    head = f"{click.style(found.verdict.upper(), fg=colour, bold=found.exit_code > 0)}  {found.name}"
    if quiet or found.checked is None:
        return head if not found.fault else f"{head}\n  {_plain(found.fault)}"
    one = found.checked
    lines = [head, "  end        its last line has the hash of everything before it"]
    if one.name == "oscal":
        lines.append("  entries    not in it: ask the ledger for the populations that it names")
        return "\n".join(lines)
    lines += [
        f"  log        {_plain(str(one.header.get('log')))}, as it says",
        f"  texts      {one.entries:,} give the hashes beside them",
        f"  links      {one.links:,} hold; {one.unlinked:,} not made, the entry before is not in it",
    ]
    root = "every place is in it, and they lead to its root" if one.rooted else "not checked: places are missing in it"
    lines.append(f"  checkpoint {root}; its signature is not checked")
    if found.proven is None:
        lines.append("  proof      not checked: an export has none. Self-attested only; give a bundle with --proof")
    else:
        held = "under what you pinned" if found.trust == "pinned" else "self-attested only, nothing was pinned"
        lines.append(f"  proof      {found.proven:,} of {one.entries:,} entries are in the verified bundle; {held}")
    return "\n".join(lines)


def take(
    client: httpx.Client, format: str, question: Mapping[str, str], output: Path | None, *,
    size: int | None, names: bool, export: str | None, resume: bool, force: bool,
) -> None:  # fmt: skip
    """Make an export, or take one that was made; write it, check it, say what it is.

    What comes is written beside the file under `.part`, with the export's id in `.part.json`, until it is whole.

    Raises:
        Refused: if the ledger does not give it, or the connection breaks.
        Malformed: for a file that is there already, or no half file to go on with.
    """
    if resume and output is None:
        raise click.UsageError("say with -o which file to go on with")
    about: dict[str, Any]
    if resume and output is not None:
        about = _half(output)
        path = output
    else:
        about = _made(client, format, question, size=size, names=names, export=export)
        path = output or Path(f"muniment-{about['id']}.{FORMATS[about['format']].suffix}")
        _free(path, force=force)
        part(path, "part.json").write_text(json.dumps(about), encoding="utf-8")
    _download(client, about, path)
    with part(path).open("rb") as file:
        checked = check_export(file)
    part(path).replace(path)
    part(path, "part.json").unlink()
    entries = f"{checked.entries:,} entries" if about["format"] != "oscal" else "results"
    click.echo(f"{path}  {entries} as {about['format']}, up to checkpoint {about['checkpoint']['size']:,}")
    click.echo("  its last line has the hash of everything before it, and every text gives the hash beside it")
    click.echo("  this is no proof: muniment verify says what it shows, a bundle proves (muniment export)")


def part(path: Path, ending: str = "part") -> Path:
    """The half file of a file, or what is known of it."""
    return path.with_name(f"{path.name}.{ending}")


def _made(
    client: httpx.Client, format: str, question: Mapping[str, str], *, size: int | None, names: bool, export: str | None
) -> dict[str, Any]:
    if export is not None:
        answer = client.get(f"/api/exports/{export}")
        raise_for(answer)
        return dict(answer.json())
    order: dict[str, Any] = {"format": format, "question": dict(question), "names": names}
    for _ in range(10):
        answer = client.post("/api/exports", json=order | ({"size": size} if size else {}))
        if answer.status_code != 409:
            break
        # Nothing is sealed yet.
        time.sleep(1)
    raise_for(answer, 201)
    return dict(answer.json())


def _half(path: Path) -> dict[str, Any]:
    try:
        about = json.loads(part(path, "part.json").read_text(encoding="utf-8"))
        return {**about, "id": str(about["id"]), "format": str(about["format"]), "entries": int(about["entries"])}
    except FileNotFoundError:
        raise Malformed("there is no half file to go on with", str(part(path))) from None
    except (OSError, ValueError, KeyError, TypeError):
        raise Malformed("what is known of the half file cannot be read", str(part(path, "part.json"))) from None


def _free(path: Path, *, force: bool) -> None:
    if force:
        part(path).unlink(missing_ok=True)
        return
    if path.exists():
        raise Malformed("exists already; name another file, or overwrite it with --force", str(path))
    if part(path).exists():
        raise Malformed("a half file is there: go on with --resume, or begin again with --force", str(part(path)))


def _download(client: httpx.Client, about: Mapping[str, Any], path: Path) -> None:
    half = part(path)
    there, hashed = _there(half)
    order = {"offset": there, "sha256": hashed} if there else {}
    shown = Shown(int(about["entries"]), about["format"])
    got = there
    try:
        # The ledger makes again what is there before it sends the rest, which takes a while.
        with client.stream("POST", f"/api/exports/{about['id']}/file", json=order, timeout=600.0) as answer:
            if answer.status_code != 200:
                answer.read()
                raise_for(answer)
            with half.open("ab") as file:
                for piece in answer.iter_raw():
                    file.write(piece)
                    got += len(piece)
                    shown.tell(got, piece)
    except OSError as error:
        raise Malformed(f"cannot be written: {error.strerror}", str(half)) from error
    except httpx.HTTPError as error:
        shown.done()
        raise Refused(
            f"cut off after {got:,} bytes ({str(error) or type(error).__name__}); "
            "go on with the same command and --resume",
            str(half),
        ) from error
    shown.done()


def _there(half: Path) -> tuple[int, str]:
    """How much of a half file there is, and its hash."""
    if not half.exists():
        return 0, ""
    hashed, size = sha256(), 0
    with half.open("rb") as file:
        while block := file.read(_BLOCK):
            hashed.update(block)
            size += len(block)
    return size, hashed.hexdigest()


class Shown:
    """Progress on a terminal: lines that came, of entries that are to come."""

    def __init__(self, entries: int, format: str) -> None:
        self._entries = entries
        self._lines = 0
        self._counted = format in ("json", "ndjson", "ocsf", "csv")
        self._next = 0.0
        self._tty = sys.stderr.isatty()

    def tell(self, got: int, piece: bytes) -> None:
        """Say how far it is."""
        self._lines += piece.count(b"\n")
        if not self._tty or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _SHOWN_EVERY
        of = f"{min(self._lines, self._entries):,} of {self._entries:,} entries, " if self._counted else ""
        click.echo(f"\r  {of}{got / 1e6:,.1f} MB ", err=True, nl=False)

    def done(self) -> None:
        """End the line."""
        if self._tty:
            click.echo("\r" + " " * 60 + "\r", err=True, nl=False)


def _hashes(proof: Path) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    with proof.open("rb") as stream:
        for line in read_bundle(stream):
            if isinstance(line, EntryLine):
                try:
                    found[parse_entry(line.text).seq] = entry_hash(line.text)
                except Malformed:
                    continue  # An entry of a newer version: the export's line stays unproven.
    return found


def _plain(text: str) -> str:
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
