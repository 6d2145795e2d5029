"""READ ME FIRST: what is in the packet, what it shows and does not, and three ways to check it."""

from __future__ import annotations

import hashlib
from typing import Final

from muniment.packet.contents import PacketContents
from muniment.packet.page import NOT_SUPPLIED, Markup, facts, joined, link, table, tag
from muniment.packet.places import PAGE, SCRIPT

_WELCOME: Final = (
    "You opened this without any program of ours, and you can check it without us. All of it works without a network. "
    "Nothing here is sent anywhere."
)
_PINS: Final = (
    "You need what you trust: the installation's root key (ROOT KEY below), or a checkpoint that you kept. Take it "
    "from somewhere else than this packet: whoever made the packet could have made its keys. Without it, leave --root "
    "away, and the answer is “self-attested only”."
)
_DROP: Final = (
    ", drop the packet (the .zip file, as you received it) on it, and paste what you pin. "
    "A root key alone is pinned so:"
)
_ANSWERS: Final = (
    "Each of the three names every file that was changed, added or taken away, and gives a verdict for each sampled "
    "entry. The two commands end with exit code 0 for verified, 1 for failed, 2 for unreadable."
)
_LYING: Final = (
    "Whoever changes a packet can also change the verifiers in it, and a changed verifier can say what it likes. So "
    "compare them with the project's own: the command “muniment packet verifiers” prints the hashes of those of an "
    "installed Muniment, whose package contains both files. Where much depends on the answer, use a copy that you had "
    "from elsewhere."
)
_SHOWS: Final = (
    "Each sampled entry stands in the log at its place, as it was when its checkpoint was signed.",
    "Each sample has exactly the entries that its recorded draw names: none was left out or exchanged afterwards.",
    "Every file of this packet is the one that the ledger recorded when it built the packet.",
    "What was recorded about the samples here (draw, marks, conclusions) stands in the log as well.",
)
_SHOWS_NOT: Final = (
    "That an entry tells the truth: a log proves what it was told.",
    "That everything that happened was recorded.",
    "That a count of a population is complete. Counts come from the operator's database; ask for a bundle of the whole "
    "range, filter it yourself and compare the digest.",
    "That these are the newest marks: later ones may have been added after the packet was built.",
    "Whose log it is, unless you pin a root key or a checkpoint that you had from elsewhere. Without one the answer is "
    "“self-attested only”.",
    "That a control is effective, or that any law or standard is met. That is your judgement.",
)


def readme(contents: PacketContents) -> Markup:
    """The body of the page."""
    return joined(
        (
            tag("p", _WELCOME),
            facts((("Packet", contents.id), ("Log", contents.log),
                   ("As of", f"the log's first {contents.size:,} entries, sealed {contents.sealed_at}"),
                   ("Root", contents.root), *contents.facts)),
            *((tag("h2", "To be noted"), tag("ul", *(tag("li", one) for one in contents.notes)))
              if contents.notes else ()),
            tag("h2", "What is here"), _inventory(contents),
            tag("h2", "What this packet shows, once checked"), tag("ul", *(tag("li", one) for one in _SHOWS)),
            tag("h2", "What it does not show"), tag("ul", *(tag("li", one) for one in _SHOWS_NOT)),
            tag("h2", "How to check it"), _checking(contents),
        )
    )  # fmt: skip


def _inventory(contents: PacketContents) -> Markup:
    supplied = sum(bool(slot.files) for slot in contents.slots)
    registers = sum(one.table is not None for one in contents.registers)
    rows: list[tuple[str, str, str]] = [
        (link("pages/scope.html", "Scope"), "what was asked for, by whom, under which terms", "yes"),
        (link("pages/matrix.html", contents.matrix.title), "each control with what evidences it",
         "yes" if contents.matrix.table is not None else NOT_SUPPLIED),
        (link("pages/populations.html", contents.populations.title), "what was searched, and how many were found",
         "yes" if contents.populations.table is not None else NOT_SUPPLIED),
        (link("pages/samples.html", "Samples"), "entries drawn for review, with the reviewers' marks",
         f"{len(contents.samples):,}" if contents.samples else NOT_SUPPLIED),
        (link("pages/registers.html", "Register extracts"), ", ".join(one.title for one in contents.registers),
         f"{registers} of {len(contents.registers)}" if registers else NOT_SUPPLIED),
        (link("pages/attachments.html", "Attachments"), ", ".join(one.title for one in contents.slots),
         f"{supplied} of {len(contents.slots)}" if supplied else NOT_SUPPLIED),
        (link("pages/statements.html", "Statements and reports"), "what the ledger says of itself, from live queries",
         f"{len(contents.papers)}" if contents.papers else NOT_SUPPLIED),
        (tag("code", "evidence.bundle"),
         "the sampled entries and those of the registers, byte for byte, with their proofs", "yes"),
        (tag("code", "manifest.json"), "each other file with its SHA-256, each sampled entry with its hash", "yes"),
        (tag("code", "signature.bundle"), "the log's entry that names the manifest's SHA-256, with its proof", "yes"),
        (tag("code", "data/"), "the pages' content as CSV and JSON", "yes"),
        (tag("code", "verifiers/"), "two programs that check all this", "yes"),
    ]  # fmt: skip
    return table(("File", "What it is", "Supplied"), rows)


def _checking(contents: PacketContents) -> Markup:
    hashes = [
        (name, hashlib.sha256(content).hexdigest())
        for name, content in ((SCRIPT, contents.script), (PAGE, contents.page))
    ]
    return joined(
        (
            tag("p", _PINS),
            tag("h3", "1. In a browser"),
            tag("p", "Open ", link(PAGE, PAGE), _DROP),
            tag("pre", '{"root": "ROOT KEY"}'),
            tag("h3", "2. With Python 3.11 or later, and nothing else"),
            tag("p", "In the folder into which you unpacked it (the full stop is that folder):"),
            tag("pre", f"python3 {SCRIPT} . --root 'ROOT KEY'"),
            tag("p", "Or on the archive as you received it: give its name instead of the full stop."),
            tag("h3", "3. With Muniment's own command"),
            tag("pre", "pip install muniment\nmuniment verify PACKET.zip --root 'ROOT KEY'"),
            tag("p", _ANSWERS),
            tag("h3", "The verifiers in this packet"),
            tag("p", _LYING),
            facts(hashes),
        )
    )
