"""What the ledger's own operations answer when they succeed, for the OpenAPI document.

They write their answers themselves, so that an entry stands in them byte for byte as it was hashed; django-ninja, which
describes what its schemas serialise, knows nothing of them.
"""

from __future__ import annotations

from typing import Any, Final

Document = dict[str, Any]

_HEX: Final[Document] = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_TIME: Final[Document] = {"type": "string", "description": "RFC 3339, UTC, microseconds"}
_COUNT: Final[Document] = {"type": "integer", "minimum": 0}
_TEXT: Final[Document] = {"type": "string"}


def _or_null(schema: Document) -> Document:
    return {"anyOf": [schema, {"type": "null"}]}


def _object(**properties: Document) -> Document:
    return {"type": "object", "required": list(properties), "properties": properties}


ENTRY: Final[Document] = {
    **_object(seq=_COUNT, recorded_at=_TIME, entry_hash=_HEX, entry={"type": "object"}),
    "description": "`entry` stands exactly as it was hashed: its RFC 8785 form is the entry's text.",
}
_ONE: Final[Document] = {
    **ENTRY,
    "properties": {
        **ENTRY["properties"],
        "body": _object(state={"enum": ["stored", "not_stored", "erased"]}),
    },
}
_WALK: Final[Document] = {
    "type": "object",
    "properties": {"run": _COUNT, "started_at": _TIME, "finished_at": _TIME, "ok": {"type": "boolean"}},
}
_VERIFY: Final[Document] = _object(
    ok=_or_null({"type": "boolean"}),
    tenant=_TEXT,
    log=_TEXT,
    run=_or_null(_COUNT),
    total_rows=_or_null(_COUNT),
    head=_or_null(_HEX),
    last_anchor_at=_or_null(_TIME),
    broken_at=_or_null({"type": "integer"}),
)
_LOG: Final[Document] = _object(
    origin=_TEXT,
    genesis=_HEX,
    region=_TEXT,
    map=_TEXT,
    state={"enum": ["active", "closed"]},
    seal_within=_COUNT,
    size=_COUNT,
    head=_HEX,
    last_at=_TIME,
    checkpoint=_or_null(_object(size=_COUNT, root=_HEX, sealed_at=_TIME, note=_TEXT)),
    url=_TEXT,
)
_BYTES: Final[Document] = {"type": "string", "format": "binary"}


def _json(description: str, schema: Document) -> Document:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _as(description: str, *content_types: str) -> Document:
    return {"description": description, "content": {name: {"schema": _BYTES} for name in content_types}}


_PAGE: Final[Document] = {
    "description": "a page of entries",
    "content": {
        "application/json": {
            "schema": _object(entries={"type": "array", "items": ENTRY}, cursor=_or_null(_TEXT)),
        },
        "application/x-ndjson": {"schema": {"type": "string", "description": "an entry's bare text a line"}},
    },
}
_LIST: Final[Document] = {"type": "array"}
_TIMELINE: Final[Document] = {
    "description": "the timeline",
    "content": {
        "application/json": {
            "schema": _object(
                **{"from": _TIME}, to=_TIME, searched_to=_TIME, size=_COUNT, unsealed=_COUNT,
                timeline=_object(log=_TEXT, entries=_LIST, edges=_LIST, outside=_LIST, findings=_LIST),
            ),
        },
        "text/markdown; charset=utf-8": {"schema": {"type": "string", "description": "the same for people"}},
    },
}  # fmt: skip
_TRACE: Final[Document] = _object(
    log=_TEXT,
    trace=_or_null({"type": "string", "pattern": "^[0-9a-f]{32}$"}),
    size=_COUNT,
    sealed=_COUNT,
    nodes=_LIST,
    edges=_LIST,
    missing=_LIST,
    findings=_LIST,
    more_findings=_COUNT,
    cut=_LIST,
    searched=_or_null(_object(**{"from": _COUNT}, to=_COUNT)),
    cursor=_or_null(_TEXT),
)
_MEMBERS: Final[Document] = _object(
    question={"type": "object"},
    searched={"type": "object"},
    entries={"type": "array", "items": ENTRY},
    cursor=_or_null(_TEXT),
)
_WALKED: Final[Document] = _object(
    sample=_TEXT,
    checkpoint=_object(size=_COUNT, root=_HEX, holds={"type": "boolean"}, fault=_TEXT),
    items={
        "type": "array",
        "items": _object(
            seq=_COUNT,
            holds={"type": "boolean"},
            fault=_TEXT,
            entry_hash=_or_null(_HEX),
            recorded_at=_or_null(_TIME),
            entry=_or_null({"type": "object"}),
            proof={"type": "array", "items": _HEX},
            marks=_COUNT,
            mark=_or_null({"type": "object"}),
        ),
    },
    after=_or_null(_COUNT),
)
_RECORD: Final[Document] = _object(
    schema={"enum": ["muniment-record/1"]},
    entry_version=_COUNT,
    event=_TEXT,
    action=_TEXT,
    outcome={"enum": ["denied", "failure", "success", "unknown"]},
    actor={"type": "object"},
    resource=_or_null({"type": "object"}),
    submitted_by=_TEXT,
    occurred_at=_TEXT,
    occurred_ns={"type": "string", "description": "nanoseconds since the Unix epoch"},
    recorded_at=_TIME,
    recorded_ns={"type": "string", "description": "nanoseconds since the Unix epoch"},
    controls={
        "type": "array",
        "items": _object(
            id=_TEXT,
            mark={"enum": ["event", "mapping", "annotation", "successor"]},
            by=_or_null(_TEXT),
            recorded={"type": "boolean", "description": "it stands in the entry, under its hash"},
        ),
    },
    mapping=_object(baked=_TEXT, in_force=_TEXT, digest=_HEX),
    chain=_object(log=_TEXT, seq=_COUNT, entry_hash=_HEX, prev=_HEX, hash=_TEXT),
    evidence=_object(uri=_TEXT, entry_hash=_HEX, body=_or_null({"type": "object"})),
    proof=_object(
        state=_TEXT,
        checkpoint=_or_null(_object(size=_COUNT, root=_HEX, first_size=_or_null(_COUNT))),
        uri=_or_null(_TEXT),
        signatures={"type": "array", "items": _object(key=_TEXT, key_id=_TEXT, of=_TEXT)},
    ),
    delivery=_object(sinks={"type": "array"}, state=_TEXT),
)
_STATEMENT: Final[Document] = _object(
    format={"enum": ["muniment-statement/1"]},
    framework=_TEXT,
    definition=_object(version=_TEXT, sha256=_HEX),
    title=_TEXT,
    claim=_TEXT,
    note=_TEXT,
    sources={"type": "array", "items": _TEXT},
    period=_object(**{"from": _TEXT}, to=_TEXT),
    searched=_object(log=_TEXT, first=_COUNT, size=_COUNT, root=_HEX, sealed_at=_TIME),
    mapping=_object(version=_TEXT, digest=_TEXT),
    requirements={
        "type": "array",
        "items": _object(
            ids={"type": "array", "items": _TEXT},
            label=_TEXT,
            evidences={"type": "array", "items": _TEXT},
            found_nothing={"type": "array", "items": _TEXT},
            does_not_evidence=_TEXT,
        ),
    },
    queries={"type": "array", "items": _object(id=_TEXT, asked={"type": "object"}, path=_TEXT)},
)
_LIVE_STATEMENT: Final[Document] = {
    "description": "the statement",
    "content": {
        "application/json": {"schema": _STATEMENT},
        "text/markdown; charset=utf-8": {"schema": {"type": "string", "description": "the same for people"}},
    },
}
_EXPORT: Final = _as(
    "the export",
    "application/json",
    "application/x-ndjson",
    "text/csv; charset=utf-8",
    "application/oscal+json",
)
_BODY: Final = _as("the body's bytes", "application/octet-stream")
_PROOF: Final = _as("a C2SP tlog-proof", "text/plain; charset=utf-8")

SUCCESS: Final[dict[str, dict[str, Document]]] = {
    "find_entries": {"200": _PAGE},
    "statement": {"200": _LIVE_STATEMENT},
    "issued_statement": {"200": _json("the statement, byte for byte as it was hashed", _STATEMENT)},
    "statement_again": {
        "200": _json(
            "whether it is the same",
            _object(id=_TEXT, holds={"type": "boolean"}, differences={"type": "array", "items": _TEXT}),
        )
    },
    "entry_by_seq": {"200": _json("the entry", _ONE)},
    "entry_by_event": {"200": _json("the entry", _ONE)},
    "body_by_seq": {"200": _BODY},
    "body_by_event": {"200": _BODY},
    "proof_by_seq": {"200": _PROOF},
    "proof_by_event": {"200": _PROOF},
    "record_by_seq": {"200": _json("the record", _RECORD)},
    "record_by_event": {"200": _json("the record", _RECORD)},
    "text_by_seq": {"200": _as("the entry's exact text", "application/octet-stream")},
    "export_file": {"200": _EXPORT},
    "bundle": {"200": _as("a muniment-bundle/1", "application/vnd.muniment.bundle")},
    "trace": {"200": _json("what belongs together", _TRACE)},
    "incident": {"200": _TIMELINE},
    "incident_bundle": {"200": _as("a muniment-bundle/1", "application/vnd.muniment.bundle")},
    "population_members": {"200": _json("a page of entries", _MEMBERS)},
    "entries_of_population": {"200": _json("a page of entries", _MEMBERS)},
    "walk_sample": {"200": _json("sampled entries with their proofs", _WALKED)},
    "controls_table": {"200": _as("CSV", "text/csv; charset=utf-8")},
    "report_pdf": {"200": _as("PDF/A-3a", "application/pdf")},
    "matrix_table": {"200": _as("CSV", "text/csv; charset=utf-8")},
    "sample_bundle": {"200": _as("a muniment-bundle/1", "application/vnd.muniment.bundle")},
    "log": {"200": _json("the log", _LOG)},
    "tlog_tiles": {"200": _as("a note, a tile, or entries", "text/plain; charset=utf-8", "application/octet-stream")},
    "walks": {"200": _json("walks", _object(newest=_or_null(_WALK), newest_full=_or_null(_WALK)))},
    "order_walk": {
        "202": _json("ordered", _object(ordered={"type": "boolean"}, newest_run=_or_null(_COUNT))),
    },
    "verify": {"200": _json("nothing was found", _VERIFY), "422": _json("something was found", _VERIFY)},
    "verify_tenant": {"200": _json("nothing was found", _VERIFY), "422": _json("something was found", _VERIFY)},
    "live": {"200": _json("it lives", _object(ok={"type": "boolean"}))},
    "ready": {
        "200": _json("it can", _object(ok={"type": "boolean"}, checks={"type": "object"})),
        "503": _json("it cannot", _object(ok={"type": "boolean"}, checks={"type": "object"})),
    },
}
