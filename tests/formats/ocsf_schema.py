"""The published OCSF schema 1.8.0, with the profile `record_integrity` of 1.9 laid over it.

`ocsf-json-schema` ships 1.8.0 and nothing newer. `attestation`, `prev_event` and the attribute `attestation_list` are
taken from the OCSF schema's repository (github.com/ocsf/ocsf-schema, commit a5cfc68e, version 1.9.0-dev).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import jsonschema_rs
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

PROFILE = "record_integrity"


def _text() -> dict[str, Any]:
    return {"type": "string_t", "caption": "", "requirement": "optional"}


def _object(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": "object_t", "object_type": kind, "caption": "", "requirement": "optional", **more}


OBJECTS = {
    "prev_event": {
        "name": "prev_event",
        "caption": "Previous Event",
        "attributes": {
            "uid": {**_text(), "requirement": "required"},
            "type_uid": {"type": "long_t", "caption": "", "requirement": "recommended"},
            "fingerprint": _object("fingerprint"),
        },
    },
    "attestation": {
        "name": "attestation",
        "caption": "Attestation",
        "attributes": {
            "uid": _text(),
            "authority_uid": _text(),
            "chain_uid": _text(),
            "signatures": _object("digital_signature", is_array=True),
            "fingerprint": _object("fingerprint"),
            "prev_event": _object("prev_event"),
        },
        "constraints": {"at_least_one": ["fingerprint", "signatures"]},
    },
}


@cache
def _schema() -> OcsfJsonSchemaEmbedded:
    schema: dict[str, Any] = dict(get_ocsf_schema(version="1.8.0"))
    schema["objects"] |= OBJECTS
    for kind in schema["classes"].values():
        kind["attributes"]["attestation_list"] = _object("attestation", is_array=True, profiles=[PROFILE])
    return OcsfJsonSchemaEmbedded(schema)


@cache
def _validator(class_uid: int) -> Any:
    schema = _schema()
    name = schema.lookup_class_name_from_uid(class_uid)
    return jsonschema_rs.validator_for(schema.get_class_schema(name, [PROFILE]))


@cache
def activities(class_uid: int) -> dict[int, str]:
    """The published captions of a class's activities."""
    schema = _schema()
    found = schema.schema.schema["classes"][schema.lookup_class_name_from_uid(class_uid)]
    return {int(number): one["caption"] for number, one in found["attributes"]["activity_id"]["enum"].items()}


def faults(event: dict[str, Any]) -> list[str]:
    """What the schema has against an event."""
    return [f"{one.instance_path}: {one.message}" for one in _validator(event["class_uid"]).iter_errors(event)]
