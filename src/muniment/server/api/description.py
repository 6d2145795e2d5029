"""The OpenAPI document: what django-ninja knows, and what stands outside it.

Appends are answered by the ingest application, in front of Django; they are described here so that one page shows all.
"""

from __future__ import annotations

from typing import Any, Final

from muniment.server.api.success import SUCCESS
from muniment.server.problems import CONTENT_TYPE, KINDS, URN

Document = dict[str, Any]

_EVENT: Final[Document] = {
    "type": "object",
    "description": "docs/format.md section 1. id, occurred_at, source and body may be left out.",
    "required": ["action", "actor", "outcome"],
    "additionalProperties": False,
    "properties": {
        "action": {"type": "string", "maxLength": 64, "example": "tool.call"},
        "actor": {
            "type": "object",
            "required": ["id", "type"],
            "properties": {
                "id": {"type": "string", "maxLength": 256, "example": "agent:research-01"},
                "type": {"enum": ["agent", "service", "session", "system", "user"]},
            },
        },
        "body": {
            "type": "object",
            "description": "The commitment to the payload. Made here when it is left out.",
            "properties": {
                "commit": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                "len": {"type": "integer"},
                "scheme": {"enum": [1]},
                "type": {"type": "string", "example": "application/json"},
            },
        },
        "causes": {"type": "array", "items": {"type": "string"}, "maxItems": 16},
        "controls": {"type": "array", "items": {"type": "string", "example": "soc2:CC6.1"}, "maxItems": 16},
        "id": {"type": "string", "example": "evt_01KAY9M2Z7Q4WXYH3J8V5T6R0C"},
        "labels": {"type": "array", "items": {"type": "string", "example": "env=prod"}, "maxItems": 32},
        "occurred_at": {"type": "string", "example": "2026-03-01T14:23:07.847291000Z"},
        "outcome": {"enum": ["denied", "failure", "success", "unknown"]},
        "resource": {
            "type": "object",
            "required": ["id", "type"],
            "properties": {"id": {"type": "string", "maxLength": 1024}, "type": {"type": "string", "maxLength": 64}},
        },
        "source": {
            "type": "object",
            "properties": {
                "id": {"type": "string", "example": "src_01KAY9M2Z7Q4WXYH3J8V5T6R0C"},
                "epoch": {"type": "string"},
                "prev": {"type": "string"},
                "seq": {"type": "integer"},
            },
        },
        "tool": {"type": "string", "maxLength": 256, "example": "http_request"},
        "trace": {
            "type": "object",
            "required": ["id"],
            "properties": {"id": {"type": "string"}, "span": {"type": "string"}},
        },
        "workspace": {"type": "string", "maxLength": 64},
    },
}

_SUBMISSION: Final[Document] = {
    "type": "object",
    "required": ["event"],
    "additionalProperties": False,
    "properties": {
        "event": {"$ref": "#/components/schemas/Event"},
        "payload": {"description": "Any JSON. Its text is kept byte for byte as the body."},
        "body": {"type": "string", "format": "byte", "description": "The body as base64, instead of payload."},
        "salt": {"type": "string", "format": "byte", "description": "32 bytes; required with event.body.commit."},
    },
}

_RECEIPT: Final[Document] = {
    "type": "object",
    "properties": {
        "v": {"enum": [1]},
        "state": {"enum": ["recorded"]},
        "log": {"type": "string"},
        "id": {"type": "string"},
        "seq": {"type": "integer"},
        "entry_hash": {"type": "string"},
        "recorded_at": {"type": "string"},
        "seal_by": {"type": "string"},
    },
}

_PROBLEM: Final[Document] = {
    "type": "object",
    "description": "RFC 9457",
    "properties": {
        "type": {"enum": [URN + name for name in KINDS]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "index": {"type": "integer", "description": "the event's place in the request, from 0"},
        "field": {"type": "string"},
        "detail": {"type": "string"},
    },
}

_RESULTS: Final[Document] = {
    "type": "object",
    "properties": {
        "results": {
            "type": "array",
            "items": {"oneOf": [{"$ref": "#/components/schemas/Receipt"}, {"$ref": "#/components/schemas/Problem"}]},
        }
    },
}


def _answer(description: str, *schemas: str) -> Document:
    shapes = [{"$ref": f"#/components/schemas/{name}"} for name in schemas]
    schema = shapes[0] if len(shapes) == 1 else {"oneOf": shapes}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _refusal(description: str) -> Document:
    return {"description": description, "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}


_APPEND: Final[Document] = {
    "operationId": "append_events",
    "summary": "Append events",
    "description": "One submission, a batch, or a submission a line. Each event is recorded or refused by itself. "
    "Answered when the entries are on the disk.",
    "tags": ["append"],
    "security": [{"ApiKey": []}],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "oneOf": [
                        {"$ref": "#/components/schemas/Submission"},
                        {
                            "type": "object",
                            "required": ["events"],
                            "properties": {
                                "events": {
                                    "type": "array",
                                    "maxItems": 5000,
                                    "items": {"$ref": "#/components/schemas/Submission"},
                                }
                            },
                        },
                    ]
                }
            },
            "application/x-ndjson": {"schema": {"type": "string", "description": "a submission a line"}},
        },
    },
    "responses": {
        "200": _answer("a single event that was recorded before", "Receipt"),
        "201": _answer("recorded: a receipt, or results in the order of the request", "Receipt", "Results"),
        "207": _answer("recorded in part: results in the order of the request", "Results"),
        "400": _refusal("not JSON, or not UTF-8; nothing was recorded"),
        "401": _refusal("no API key, or one that is unknown or revoked"),
        "403": _refusal("not an append key"),
        "409": _refusal("this id is recorded with other content"),
        "413": _refusal("too large, or too many events"),
        "415": _refusal("another content type or encoding"),
        "422": _refusal("the event breaks a rule; for a batch: results, all of them refusals"),
        "503": _refusal("the ledger cannot answer now; try again"),
    },
}


def complete(document: Document) -> Document:
    """Add appends, problems and the API key to the document that django-ninja made."""
    paths = {"/api/events": {"post": _APPEND}, **document["paths"]}
    for operations in paths.values():
        for operation in operations.values():
            if "security" in operation:
                operation["security"] = [{"ApiKey": []}]
            if own := SUCCESS.get(operation.get("operationId", "")):
                operation["responses"] = dict(own)
            operation["responses"].setdefault("default", _refusal("a problem, RFC 9457"))
    components = document.setdefault("components", {})
    components["securitySchemes"] = {"ApiKey": {"type": "http", "scheme": "bearer", "description": "mk_…"}}
    components["schemas"] = {
        "Event": _EVENT,
        "Submission": _SUBMISSION,
        "Receipt": _RECEIPT,
        "Results": _RESULTS,
        "Problem": _PROBLEM,
        **components.get("schemas", {}),
    }
    return {**document, "paths": paths}
