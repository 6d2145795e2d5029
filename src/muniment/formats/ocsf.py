"""Exports as OCSF events, one a line, each with an attestation of the profile `record_integrity`.

The attestation is over the OCSF event, as the profile says: SHA-256 of its canonical JSON without the fingerprint,
linked to the event before it in the same export. It carries no signature: the ledger signs checkpoints, not events.
What is signed is the entry, which stands in `raw_data` byte for byte; its place and hash stand in `unmapped`.

Source: OCSF schema 1.8.0 (classes, objects); objects `attestation` and `prev_event`, profile `record_integrity`, of the
OCSF schema 1.9.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, ClassVar, Final

import orjson

from muniment.core.canonical import dump_json
from muniment.core.times import parse_time6, parse_time9
from muniment.formats.exported import Exported, Frame
from muniment.formats.json import controls_json
from muniment.formats.ocsfclasses import EventClass, class_of
from muniment.formats.writer import Shared, Writer

VERSION: Final = "1.9.0"
PROFILE: Final = "record_integrity"
_STATUS: Final = {
    "success": (1, "Success"),
    "failure": (2, "Failure"),
    "denied": (2, "Failure"),
    "unknown": (0, "Unknown"),
}
_USERS: Final = {"user": (1, "User"), "system": (3, "System"), "service": (99, "Service")}
_END: Final = "export.create"


class OcsfWriter(Writer):
    """An event for each entry, and a last one that tells of the export itself."""

    name: ClassVar = "ocsf"
    suffix: ClassVar = "ocsf.ndjson"
    content_type: ClassVar = "application/x-ndjson"

    def __init__(self, frame: Frame) -> None:
        super().__init__(frame)
        self._prev: dict[str, Any] | None = None
        self._controls = Shared(controls_json)
        self._chain = f"{frame.origin}/export/{sha256(dump_json(frame.header(self.name))).hexdigest()[:32]}"

    def _entry(self, entry: Exported) -> bytes:
        return self._attested(event_of(entry, self.frame.software, self._controls.of(entry.controls)))

    def _last(self, digest: str) -> bytes:
        told = self.frame.header(self.name)
        kind = class_of(_END)
        at = _millis(parse_time6(self.frame.sealed_at))
        last = _base(kind, at, "success", self.frame.software, self.frame.origin) | {
            "log_name": self.frame.origin,
            "message": f"End of the export: {self.entries} entries",
            "unmapped": {**told, "end": {"entries": self.entries, "sha256": digest}},
        }
        last["metadata"]["uid"] = f"{self._chain}/end"
        return self._attested(last)

    def _attested(self, event: dict[str, Any]) -> bytes:
        attestation: dict[str, Any] = {"authority_uid": self.frame.origin, "chain_uid": self._chain}
        if self._prev is not None:
            attestation["prev_event"] = self._prev
        plain = orjson.dumps([attestation], option=orjson.OPT_SORT_KEYS)
        event["attestation_list"] = orjson.Fragment(plain)
        # Strings and integers under ASCII keys: sorted output is RFC 8785, which a test compares.
        made = orjson.dumps(event, option=orjson.OPT_SORT_KEYS)
        attestation["fingerprint"] = fingerprint = _fingerprint(sha256(made).hexdigest())
        self._prev = {"uid": event["metadata"]["uid"], "type_uid": event["type_uid"], "fingerprint": fingerprint}
        # Quotes inside of strings are escaped, so the attestation without its fingerprint stands nowhere else.
        return made.replace(plain, orjson.dumps([attestation], option=orjson.OPT_SORT_KEYS), 1) + b"\n"


def event_of(entry: Exported, software: str, controls: bytes) -> dict[str, Any]:
    """An entry as an OCSF event, without attestation.

    Args:
        entry: the entry.
        software: version that writes.
        controls: of the entry, as `controls_json` writes them.
    """
    document = entry.document
    said: Mapping[str, Any] = document["event"]
    kind = class_of(said["action"])
    event = _base(kind, parse_time9(said["occurred_at"]) // 1_000_000, said["outcome"], software, document["log"])
    metadata = event["metadata"]
    metadata |= {
        "uid": f"{said['source']['id']}/{said['id']}",
        "original_event_uid": said["id"],
        "original_time": said["occurred_at"],
        "logged_time": _millis(parse_time6(document["recorded_at"])),
        "sequence": document["seq"],
    }
    if "labels" in said:
        metadata["labels"] = list(said["labels"])
    if "trace" in said:
        metadata["correlation_uid"] = said["trace"]["id"]
    event |= {
        "message": f"{said['action']} by {said['actor']['id']}: {said['outcome']}",
        "raw_data": entry.text.decode(),
        "raw_data_hash": _fingerprint(sha256(entry.text).hexdigest()),
        "raw_data_size": len(entry.text),
        "unmapped": {
            "action": said["action"],
            "controls": orjson.Fragment(controls),
            "entry_hash": entry.entry_hash.hex(),
            "outcome": said["outcome"],
            "prev": document["prev"],
        },
    }
    shaped: dict[str, Any] = _SHAPES[kind.shape](kind, said, entry.names, document)
    return event | shaped


def _base(kind: EventClass, at: int, outcome: str, software: str, origin: str) -> dict[str, Any]:
    status, caption = _STATUS[outcome]
    return {
        "activity_id": kind.activity,
        "activity_name": kind.activity_name,
        "category_name": kind.category_name,
        "category_uid": kind.category_uid,
        "class_name": kind.name,
        "class_uid": kind.uid,
        "metadata": {
            "log_name": origin,
            "product": {"name": "Muniment", "vendor_name": "Muniment", "version": software},
            "profiles": [PROFILE],
            "version": VERSION,
        },
        # The ledger judges nothing: what went well is informational, of the rest it does not know.
        "severity_id": 1 if outcome == "success" else 0,
        "status": caption,
        "status_code": outcome,
        "status_id": status,
        "time": at,
        "type_uid": kind.type_uid,
    }


def _api(_kind: EventClass, said: Mapping[str, Any], names: Mapping[str, str], _document: Mapping[str, Any]) -> Any:
    api: dict[str, Any] = {"operation": said.get("tool", said["action"])}
    made: dict[str, Any] = {"actor": _actor(said, names), "api": api, "src_endpoint": {"uid": said["source"]["id"]}}
    if "resource" in said:
        made["resources"] = [{"uid": said["resource"]["id"], "type": said["resource"]["type"]}]
    return made


def _lifecycle(_kind: EventClass, said: Mapping[str, Any], *_rest: Any) -> Any:
    return {"app": {"uid": said.get("resource", said["actor"])["id"]}}


def _process(_kind: EventClass, said: Mapping[str, Any], names: Mapping[str, str], _document: Any) -> Any:
    return {
        "actor": _actor(said, names),
        "device": _device(said),
        "process": {"uid": said.get("resource", said["actor"])["id"]},
    }


def _file(_kind: EventClass, said: Mapping[str, Any], names: Mapping[str, str], _document: Any) -> Any:
    path = said.get("resource", said["actor"])["id"]
    file = {"name": path.rsplit("/", 1)[-1] or path, "path": path, "type_id": 0}
    return {"actor": _actor(said, names), "device": _device(said), "file": file}


def _log(_kind: EventClass, said: Mapping[str, Any], names: Mapping[str, str], document: Mapping[str, Any]) -> Any:
    return {"actor": _actor(said, names), "log_name": document["log"]}


def _authentication(_kind: EventClass, said: Mapping[str, Any], names: Mapping[str, str], _document: Any) -> Any:
    service = said.get("resource", {"id": "muniment"})["id"]
    return {"actor": _actor(said, names), "service": {"uid": service}, "user": _user(said["actor"], names)}


def _account(_kind: EventClass, said: Mapping[str, Any], names: Mapping[str, str], _document: Any) -> Any:
    return {"actor": _actor(said, names), "user": _user(_of_whom(said), names)}


def _entity(_kind: EventClass, said: Mapping[str, Any], names: Mapping[str, str], _document: Any) -> Any:
    entity = said.get("resource", said["actor"])
    return {"actor": _actor(said, names), "entity": {"uid": entity["id"], "type": entity["type"], "type_id": 99}}


def _network(_kind: EventClass, said: Mapping[str, Any], *_rest: Any) -> Any:
    return {
        "src_endpoint": {"uid": said["actor"]["id"]},
        "dst_endpoint": {"uid": said.get("resource", said["source"])["id"]},
    }


_SHAPES: Final = {
    "api": _api,
    "lifecycle": _lifecycle,
    "process": _process,
    "file": _file,
    "log": _log,
    "authentication": _authentication,
    "account": _account,
    "entity": _entity,
    "network": _network,
}


def _of_whom(said: Mapping[str, Any]) -> Mapping[str, Any]:
    resource: Mapping[str, Any] = said.get("resource", said["actor"])
    return {"id": resource["id"], "type": "user"} if resource.get("type") == "user" else said["actor"]


def _actor(said: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    actor = said["actor"]
    if actor["type"] in _USERS:
        return {"user": _user(actor, names)}
    return {"session": {"uid": actor["id"]}} if actor["type"] == "session" else {"app_uid": actor["id"]}


def _user(actor: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    kind, caption = _USERS.get(actor["type"], (99, actor["type"].capitalize()))
    made = {"uid": actor["id"], "type_id": kind, "type": caption}
    return made | {"full_name": names[actor["id"]]} if actor["id"] in names else made


def _device(said: Mapping[str, Any]) -> dict[str, Any]:
    return {"type_id": 0, "uid": said.get("workspace") or said["source"]["id"]}


def _fingerprint(value: str) -> dict[str, Any]:
    return {"algorithm": "SHA-256", "algorithm_id": 3, "value": value}


def _millis(micros: int) -> int:
    return micros // 1000
