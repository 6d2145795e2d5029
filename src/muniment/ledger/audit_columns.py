"""Whether the columns of an entry's row say what its hashed text says."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any

import orjson

from muniment.core.envelope import quote, quote_all
from muniment.core.event import event_hash
from muniment.core.times import format_time9, parse_time9

COLUMNS = (
    "recorded_at",
    "entry_hash",
    "prev",
    "submitter",
    "mapping",
    "controls",
    "event_id",
    "action",
    "actor_type",
    "actor_id",
    "outcome",
    "occurred_at",
    "source_id",
    "epoch",
    "source_seq",
    "source_prev",
    "tool",
    "workspace",
    "resource_type",
    "resource_id",
    "trace_id",
    "span_id",
    "labels",
    "causes",
    "event_controls",
    "body_commit",
    "body_len",
    "body_type",
    "body_scheme",
)
"""Columns 1 to 29 of walk_entries.sql, in its order; column 0 is seq, 30 the text, 31 to 33 the body."""

_EVENT = b'"event":'
_LOG = b',"log":"'


@dataclass(frozen=True, slots=True)
class Taken:
    """What the tables beside an entry have to repeat of it."""

    seq: int
    event_id: str
    source_id: str
    event_hash: bytes
    controls: list[str] | None
    labels: list[str] | None


def written(row: tuple[Any, ...], origin: str) -> tuple[bytes, bytes]:
    """Write the texts that the columns of a row stand for: that of the event, and that of the entry around it.

    No two rows give one text, for every string is quoted: if the text is the hashed one, every column agrees with it.

    Raises:
        MunimentError, TypeError: for values that no row can have; the text is then another one anyway.
    """
    seq, recorded_at, _, prev, submitter, mapping, controls, event_id, action, actor_type, actor_id, outcome = row[:12]
    occurred_at, source_id, epoch, source_seq, source_prev, tool, workspace, resource_type, resource_id = row[12:21]
    trace_id, span_id, labels, causes, event_controls, body_commit, body_len, body_type, body_scheme = row[21:30]
    # What stands together is there together; otherwise some column would say what no text says.
    whole = (
        (resource_type is None) == (resource_id is None)
        and (epoch is None) == (source_seq is None) == (source_prev is None)
        and (body_commit is None) == (body_len is None) == (body_type is None) == (body_scheme is None)
        and (trace_id is not None or span_id is None)
    )
    if not whole:
        return b"", b""
    body = resource = trace = ""
    if body_commit is not None:
        kind = quote(body_type)
        body = f',"body":{{"commit":"{body_commit.hex()}","len":{body_len},"scheme":{body_scheme},"type":{kind}}}'
    if resource_type is not None:
        resource = f',"resource":{{"id":{quote(resource_id)},"type":{quote(resource_type)}}}'
    if trace_id is not None:
        span = "" if span_id is None else f',"span":"{span_id.hex()}"'
        trace = f',"trace":{{"id":"{trace_id.hex()}"{span}}}'
    source = f'"id":{quote(source_id)}'
    if epoch is not None:
        source = f'"epoch":"{epoch.hex()}",{source},"prev":"{source_prev.hex()}","seq":{source_seq}'
    cause_list = "" if causes is None else f',"causes":{quote_all(tuple(causes))}'
    own_controls = "" if event_controls is None else f',"controls":{quote_all(tuple(event_controls))}'
    label_list = "" if labels is None else f',"labels":{quote_all(tuple(labels))}'
    named_tool = "" if tool is None else f',"tool":{quote(tool)}'
    placed = "" if workspace is None else f',"workspace":{quote(workspace)}'
    event = (
        f'{{"action":{quote(action)},"actor":{{"id":{quote(actor_id)},"type":{quote(actor_type)}}}{body}{cause_list}'
        f'{own_controls},"id":{quote(event_id)}{label_list},"occurred_at":"{format_time9(occurred_at)}"'
        f',"outcome":{quote(outcome)}{resource},"source":{{{source}}}{named_tool}{trace}{placed}}}'
    )
    all_controls = "" if controls is None else f',"controls":{quote_all(tuple(controls))}'
    entry = (
        f'{{"by":{quote(submitter)}{all_controls},"event":{event},"log":"{origin}","map":{quote(mapping)}'
        f',"prev":"{prev.hex()}","recorded_at":"{_time6(recorded_at)}","seq":{seq},"v":3}}'
    )
    return event.encode(), entry.encode()


@dataclass(frozen=True, slots=True)
class Said:
    """What an entry's text says, as its row must repeat it.

    Attributes:
        columns: the values of `COLUMNS`.
        event_hash: hash of the event inside, 32 bytes.
    """

    columns: tuple[object, ...]
    event_hash: bytes

    def taken(self, seq: int) -> Taken:
        """The parts that stand in other tables too; strings where the text has something else."""
        controls, event_id, source_id, labels = (self.columns[at] for at in (5, 6, 12, 22))
        return Taken(seq, str(event_id), str(source_id), self.event_hash, _strings(controls), _strings(labels))


def said(text: bytes) -> Said | None:
    """Read a text only as far as columns go; None if that fails. Its form is for the check `entries` to judge."""
    try:
        entry = orjson.loads(text)
        event, body, trace = entry["event"], entry["event"].get("body"), entry["event"].get("trace")
        resource, source = event.get("resource"), event["source"]
        columns = (
            entry["recorded_at"],
            sha256(b"\x00" + text).digest(),
            bytes.fromhex(entry["prev"]),
            entry["by"],
            entry["map"],
            entry.get("controls"),
            event["id"],
            event["action"],
            event["actor"]["type"],
            event["actor"]["id"],
            event["outcome"],
            parse_time9(event["occurred_at"]),
            source["id"],
            _hex(source.get("epoch")),
            source.get("seq"),
            _hex(source.get("prev")),
            event.get("tool"),
            event.get("workspace"),
            resource and resource["type"],
            resource and resource["id"],
            trace and _hex(trace["id"]),
            trace and _hex(trace.get("span")),
            event.get("labels"),
            event.get("causes"),
            event.get("controls"),
            body and _hex(body["commit"]),
            body and body["len"],
            body and body["type"],
            body and body["scheme"],
        )
        start = text.index(_EVENT) + len(_EVENT)
        return Said(columns, event_hash(text[start : text.rindex(_LOG)]))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def differing(row: tuple[Any, ...], told: Said) -> list[str]:
    """Names of the columns that differ from the text."""
    held = (_time6(row[1]), *row[2:30])
    if held == told.columns:
        return []
    return [name for name, mine, theirs in zip(COLUMNS, held, told.columns, strict=True) if mine != theirs]


def _strings(value: object) -> list[str] | None:
    return [str(item) for item in value] if isinstance(value, list) else None


def _hex(value: str | None) -> bytes | None:
    return None if value is None else bytes.fromhex(value)


@lru_cache(maxsize=64)
def _time6(time: datetime) -> str:
    # The connection's time zone is UTC.
    return time.isoformat(timespec="microseconds")[:26] + "Z"
