"""What the log holds about controls as OSCAL assessment results: an observation for each control, and no finding.

An observation says how many entries evidence a control, by what, and where they are; whether the control is met is an
assessor's to say, so there are no findings, and the assessment plan that the model asks for is said to be absent.

Source: NIST OSCAL 1.2.1, assessment results model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from re import compile as pattern
from typing import Any, ClassVar, Final
from urllib.parse import urlencode
from uuid import UUID, uuid5

import orjson

from muniment.core.canonical import dump_json
from muniment.formats.exported import Exported, Frame
from muniment.formats.writer import Writer

VERSION: Final = "1.2.1"
NAMESPACE: Final = "urn:muniment:results"
MOST_SUBJECTS: Final = 200
"""Actors that are named for one control."""
POPULATION: Final = b"muniment/population/1\0"
_UUIDS: Final = UUID("d9d53e1e-64f0-5f0c-9b0a-2f6cf2a4a0c7")
_NOT_TOKEN: Final = pattern(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class AskedControl:
    """A control about which the results speak.

    Attributes:
        control: its id, such as `soc2:CC6.1`.
        title: a few words; "" if the framework's licence keeps them.
        ids: control ids any of which an entry may hold.
        actions: whose entries are annotated with it; `x` is every action under `x.`, but those in `besides`.
        besides: see `actions`.
    """

    control: str
    title: str
    ids: frozenset[str]
    actions: frozenset[str] = frozenset()
    besides: frozenset[str] = frozenset()


class _Found:
    """What was found about one control so far."""

    __slots__ = ("actors", "annotated", "asked", "digest", "first", "last", "more", "recorded")

    def __init__(self, asked: AskedControl) -> None:
        self.asked = asked
        self.recorded = self.annotated = self.more = 0
        self.digest = sha256(POPULATION)
        self.actors: dict[str, int] = {}
        self.first: Exported | None = None
        self.last: Exported | None = None

    @property
    def entries(self) -> int:
        return self.recorded + self.annotated

    def take(self, entry: Exported, *, recorded: bool) -> None:
        self.recorded += recorded
        self.annotated += not recorded
        self.digest.update(int(entry.document["seq"]).to_bytes(8, "big"))
        actor = entry.document["event"]["actor"]["id"]
        if actor in self.actors or len(self.actors) < MOST_SUBJECTS:
            self.actors[actor] = self.actors.get(actor, 0) + 1
        else:
            self.more += 1
        self.first = self.first or entry
        self.last = entry


def token(control: str) -> str:
    """A control id as OSCAL writes ids: without the framework's prefix, points for what a token cannot hold.

    >>> token("soc2:CC6.1"), token("hipaa:164.312(b)"), token("gdpr:32")
    ('CC6.1', '_164.312.b', '_32')
    """
    local = _NOT_TOKEN.sub(".", control.partition(":")[2] or control).strip(".")
    return local if local[:1].isalpha() or local[:1] == "_" else f"_{local}"


class OscalWriter(Writer):
    """One document. Entries are only counted as they come: what is written about them comes at the end."""

    name: ClassVar = "oscal"
    suffix: ClassVar = "oscal.json"
    content_type: ClassVar = "application/oscal+json"

    def __init__(self, frame: Frame, asked: Sequence[AskedControl]) -> None:
        super().__init__(frame)
        self._found = [_Found(one) for one in asked]
        self._by_id: dict[str, list[_Found]] = {}
        self._by_action: dict[str, list[_Found]] = {}
        for found in self._found:
            for control in found.asked.ids:
                self._by_id.setdefault(control, []).append(found)
            for action in found.asked.actions:
                self._by_action.setdefault(action, []).append(found)
        said = {**frame.header(self.name), "controls": [one.control for one in asked]}
        self._seed = sha256(dump_json(said)).hexdigest()
        self._actors: dict[str, str] = {}

    def _entry(self, entry: Exported) -> bytes:
        document = entry.document
        held = {found.asked.control: found for one in document["controls"] for found in self._by_id.get(one, ())}
        for found in held.values():
            found.take(entry, recorded=True)
        action = document["event"]["action"]
        named = self._by_action.get(action, ())
        under = self._by_action.get("x", ()) if action.startswith("x.") else ()
        noted = [*named, *(found for found in under if action not in found.asked.besides and found not in named)]
        for found in noted:
            if found.asked.control not in held:
                found.take(entry, recorded=False)
        return b""

    def _begin(self) -> bytes:
        frame = self.frame
        about = {
            "title": f"Evidence in the ledger {frame.origin}",
            "last-modified": frame.sealed_at,
            "version": f"{frame.size}",
            "oscal-version": VERSION,
            "remarks": "Written by Muniment from its ledger. It says what entries there are; it concludes nothing.",
        }
        result = {
            "uuid": self._uuid("result"),
            "title": f"Entries 0 to {frame.size - 1} of {frame.origin}",
            "description": "How many entries evidence each control, as recorded in them or by annotation, and where "
            "they are. Each count can be asked for again under the same checkpoint.",
            "start": frame.question.get("from", "1970-01-01T00:00:00.000000Z"),
            "end": min(frame.question.get("to", frame.sealed_at), frame.sealed_at),
            "props": [
                _prop("log", frame.origin),
                _prop("genesis", frame.genesis),
                _prop("checkpoint-size", str(frame.size)),
                _prop("checkpoint-root", frame.root),
                _prop("mapping", frame.mapping),
                _prop("mapping-digest", frame.mapping_digest),
                *(_prop(f"asked-{name}", value) for name, value in sorted(frame.question.items())),
            ],
            "reviewed-controls": {
                "control-selections": [
                    {
                        "description": "Controls about which the ledger was asked.",
                        "include-controls": [{"control-id": token(one.asked.control)} for one in self._found],
                    }
                ]
            },
        }
        head = {
            "uuid": self._uuid("document"),
            "metadata": about,
            "import-ap": {"href": f"#{self._uuid('plan')}", "remarks": "There is no assessment plan."},
        }
        return (
            b'{"assessment-results":'
            + orjson.dumps(head)[:-1]
            + b',\n"results":['
            + orjson.dumps(result)[:-1]
            + b',\n"observations":['
        )

    def _observation(self, found: _Found) -> dict[str, Any]:
        asked = found.asked
        shown = dict(sorted(found.actors.items(), key=lambda one: (-one[1], one[0])))
        for actor in shown:
            self._actors.setdefault(actor, self._uuid(f"actor {actor}"))
        title = f"{asked.control} {asked.title}".strip()
        said = (
            f"{found.entries} entries: {found.recorded} hold the control id, {found.annotated} by annotation."
            if found.entries
            else "No entry in the range evidences this control. That says nothing about the control itself."
        )
        return {
            "uuid": self._uuid(f"observation {asked.control}"),
            "title": title,
            "description": said,
            "props": [
                _prop("control-id", asked.control),
                _prop("entries", str(found.entries)),
                _prop("entries-recorded", str(found.recorded)),
                _prop("entries-annotated", str(found.annotated)),
                _prop("population-digest", found.digest.hexdigest()),
            ],
            "methods": ["EXAMINE"],
            "subjects": [
                {"subject-uuid": self._uuid("log"), "type": "component", "title": self.frame.origin},
                *(
                    {
                        "subject-uuid": self._actors[actor],
                        "type": "component",
                        "title": actor,
                        "props": [_prop("entries", str(count))],
                    }
                    for actor, count in shown.items()
                ),
            ],
            "relevant-evidence": [self._population(found), *(self._entry_evidence(one) for one in _ends(found))],
            "collected": self.frame.sealed_at,
            **({"remarks": f"{found.more} of the entries are of actors that are not listed."} if found.more else {}),
        }

    def _population(self, found: _Found) -> dict[str, Any]:
        asked = {**{k: v for k, v in self.frame.question.items() if k not in ("framework", "control")}}
        query = urlencode({"control": found.asked.control, **asked, "size": self.frame.size})
        return {"href": f"{self.frame.api}/api/populations/count?{query}", "description": "The population, counted."}

    def _entry_evidence(self, entry: Exported) -> dict[str, Any]:
        seq = entry.document["seq"]
        return {
            "href": f"{self.frame.api}/api/entries/{seq}/text",
            "description": f"Entry {seq}, {entry.document['event']['action']}, as it was hashed.",
            "props": [_prop("seq", str(seq)), _prop("entry-hash", entry.entry_hash.hex())],
        }

    def _close(self) -> bytes:
        observations = b",".join(b"\n" + orjson.dumps(self._observation(found)) for found in self._found)
        log = self._component(self._uuid("log"), self.frame.origin, "The ledger's log.", "service")
        acted = [
            self._component(uid, actor, "Acted in entries of the log.", "software")
            for actor, uid in sorted(self._actors.items())
        ]
        plan = {
            "uuid": self._uuid("plan"),
            "title": "No assessment plan",
            "description": "The entries were recorded when they happened, and not under an assessment plan.",
        }
        note = {
            "uuid": self._uuid("note"),
            "title": "Signed checkpoint",
            "description": self.frame.note.replace("\n", "\\n"),
        }
        return (
            observations
            + b'\n],\n"local-definitions":'
            + orjson.dumps({"components": [log, *acted]})
            + b'}],\n"back-matter":{"resources":['
            + orjson.dumps(plan)
            + b",\n"
            + orjson.dumps(note)
            + b",\n"
        )

    def _component(self, uid: str, title: str, said: str, kind: str) -> dict[str, Any]:
        return {"uuid": uid, "type": kind, "title": title, "description": said, "status": {"state": "operational"}}

    def _last(self, digest: str) -> bytes:
        end = {
            "uuid": self._uuid("end"),
            "title": "End of the export",
            "description": "SHA-256 of every byte before this line.",
            "props": [_prop("entries", str(self.entries)), _prop("sha256", digest)],
        }
        return orjson.dumps(end) + b"]}}}\n"

    def _uuid(self, what: str) -> str:
        return str(uuid5(_UUIDS, f"{self._seed}/{what}"))


def _ends(found: _Found) -> list[Exported]:
    ends = {one.document["seq"]: one for one in (found.first, found.last) if one is not None}
    return list(ends.values())


def _prop(name: str, value: str) -> dict[str, str]:
    return {"name": name, "ns": NAMESPACE, "value": value}
