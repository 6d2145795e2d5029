"""A packet over a log in memory: what a server would gather, and the entry that names its manifest."""

from __future__ import annotations

import hashlib
import io
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path

from muniment.core.entry import entry_hash, parse_entry
from muniment.core.event import Actor, Resource
from muniment.core.sampling import population_digest
from muniment.packet.contents import (
    Attached,
    Extract,
    ItemShown,
    MarkShown,
    PacketContents,
    Paper,
    SampleShown,
    Slot,
    Table,
)
from muniment.packet.draft import Draft, draft_packet, write_packet
from muniment.verifier.browser.page import verifier_page
from muniment.verifier.options import Options
from muniment.verifier.pins import Pins
from tests.verifier.logbook import OTHER_SOURCE, START, Logbook

SCRIPT = Path(__file__).parents[2] / "src/muniment/verifier/standalone/muniment_verify.py"
NOW = START + 10**12
PLACES = (2, 7, 8, 13)
HOSTILE = "<script>alert(1)</script>\u202e"
PACKET = "pkt_01KAY9M2Z7Q4WXYH3J8V5T6R0C"
SAMPLE = "smp_01KAY9M2Z7Q4WXYH3J8V5T6R0C"
LETTER = b"%PDF-1.7 a letter\n"


@dataclass
class Scene:
    """A log, and the packet over it."""

    log: Logbook
    contents: PacketContents
    draft: Draft

    def signature(self, digest: str | None = None, *, by: str = "user:usr_01", packet: str = PACKET) -> bytes:
        """Record that the packet was built, seal, and give the proof."""
        book = deepcopy(self.log)
        seq = len(book.texts)
        event = book.event(
            seq, source=OTHER_SOURCE, numbered=False, action="packet.build", actor=Actor("user:usr_01", "user"),
            resource=Resource(packet, "packet"), labels=(f"manifest={digest or self.draft.manifest.digest}",),
            tool=None, workspace=None, body=None,
        )  # fmt: skip
        book.add(event, by=by, controls=())
        book.append(2)
        book.checkpoints.clear()
        book.seal()
        return book.bundle(show=[seq], bodies=False, boundaries=[self.contents.size])

    def packet(self, signature: bytes | None = None) -> bytes:
        """The archive."""
        out = io.BytesIO()
        write_packet(self.draft, signature or self.signature(), out)
        return out.getvalue()

    def options(self, *, pinned: bool = True) -> Options:
        """How to verify it."""
        return Options(self.log.pins() if pinned else Pins(), None, NOW, workers=1)


def scene(**changes: object) -> Scene:
    """A log of twenty entries, of which four were drawn."""
    log = Logbook()
    log.append(5)
    log.append(9, source=OTHER_SOURCE)
    draw = len(log.texts)
    labels = ("count=4", f"digest={population_digest(PLACES).hex()}")
    event = log.event(
        draw, numbered=False, action="sample.draw", actor=Actor("user:usr_01", "user"), labels=labels,
        resource=Resource(SAMPLE, "sample"), tool=None, workspace=None, body=None,
    )  # fmt: skip
    log.add(event, by="user:usr_01", controls=())
    log.append(5)
    log.seal()
    evidence = log.bundle(show=[*PLACES, draw], bodies=False)
    contents = replace(contents_of(log, draw, evidence), **changes)  # type: ignore[arg-type]
    return Scene(log, contents, draft_packet(contents))


def contents_of(log: Logbook, draw: int, evidence: bytes) -> PacketContents:
    """What a server would gather."""
    mark = MarkShown("user:usr_01", "2026-03-01 14:23:07", ("Agreed",), False, f"as approved {HOSTILE}", 15)
    items = []
    for place in PLACES:
        event = parse_entry(log.texts[place]).event
        items.append(
            ItemShown(
                place, entry_hash(log.texts[place]).hex(), "2026-03-01 14:23:07.000000", event.action, event.actor.id,
                event.outcome, (mark,) if place == 2 else (),
            )
        )  # fmt: skip
    size = len(log.texts)
    letter = Attached(
        "att_1", f"letter {HOSTILE}.pdf", ".pdf", len(LETTER), hashlib.sha256(LETTER).hexdigest(),
        (("Received", "2026-03-01"),), lambda: (LETTER[:5], LETTER[5:]),
    )  # fmt: skip
    return PacketContents(
        id=PACKET,
        name=f"First quarter {HOSTILE}",
        log=log.origin,
        size=size,
        root=log.checkpoint(size).root.hex(),
        sealed_at="2026-03-01 14:23:08",
        scope={"name": "First quarter", "samples": [SAMPLE]},
        facts=(("Asked for by", HOSTILE),),
        matrix=Extract(
            "matrix", "Controls matrix", "Counts of entries.", Table(("Control", "Statement"), (("own:1", "=1+1"),)),
            (("evidenced", "1 / 1"),),
        ),
        populations=Extract("populations", "Populations", "What was searched.", Table(("Name",), (("Calls",),))),
        samples=(SampleShown(SAMPLE, "Sample 1", (("Method", "random"),), draw, tuple(items)),),
        registers=(Extract("exceptions", "Exceptions", "There is no such register.", None),),
        slots=(Slot("management-response", "Management response", (letter,)), Slot("penetration-test", "Test")),
        papers=(Paper("hipaa.html", "HIPAA", "From live queries.", b"<p>x</p>"),),
        evidence=lambda: (evidence,),
        script=SCRIPT.read_bytes(),
        page=verifier_page(),
        software="muniment 0",
    )  # fmt: skip
