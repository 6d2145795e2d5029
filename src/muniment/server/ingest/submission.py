"""One submission: an event with its payload, as a client posts it, read and completed.

A client that keeps its own spool sends complete events: with id, time, source, commitment and salt. A plain HTTP
client may leave those out; what the server fills in is remembered beside the event, because a retry of such a
submission is filled in differently and has to be recognised by what the client did say.
"""

from __future__ import annotations

import binascii
import hashlib
import re
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson

from muniment.catalogs import actions
from muniment.core.body import SALT_BYTES, commit
from muniment.core.errors import Malformed
from muniment.core.event import event_from_mapping
from muniment.core.identifiers import new_ulid, ulid_of
from muniment.core.times import format_time9
from muniment.ledger.submission import Submission
from muniment.server.problems import ProblemError, refuse

if TYPE_CHECKING:
    from muniment.server.ingest.jsontext import Scanner, Value

MEMBERS: Final = ("event", "payload", "body", "salt")
_MEMBER: Final = re.compile(rf'[ \t\n\r]*"({"|".join(MEMBERS)})"[ \t\n\r]*:[ \t\n\r]*')
RESERVED_EMITTERS: Final = frozenset({"ledger", "sealer", "server"})

_DEFAULT_SOURCE: Final = b"muniment/default-source/1\0"


@dataclass(frozen=True, slots=True)
class Draft:
    """A submission that keeps every rule which can be checked without the ledger.

    Its control ids have their grammar; whether they name anything, and which more its entry holds, the tenant's mapping
    says (`ingest.mapping`).
    """

    submission: Submission


def default_source(key_id: str, secret_hash: bytes) -> str:
    """The source id of events that name none: one for each key, the same at every start.

    It is derived from the stored hash of the key's secret, so that nobody without the key can take the id first.

    Args:
        key_id: `ak_` and a ULID.
        secret_hash: 32 bytes.
    """
    digest = hashlib.sha256(_DEFAULT_SOURCE + key_id.encode("ascii") + secret_hash).digest()
    return "src_" + ulid_of(digest[:16])


def read_submission(scanner: Scanner, source_id: str) -> Draft:
    """Read the submission at the scanner's cursor, to its end whatever is wrong with it, and complete it.

    Args:
        scanner: stands before the submission.
        source_id: the source of events that name none.

    Raises:
        MalformedJson: if the text is not JSON, so that the cursor is lost.
        ProblemError: if the submission is refused; the cursor stands behind it.
    """
    members = scanner.known_members(_MEMBER)
    if members is None:
        members = _members(scanner)
    try:
        return _complete(members, source_id)
    except Malformed as error:
        raise refuse("invalid-event", error.reason, field=error.where) from None


def read_canonical(text: bytes) -> Draft | None:
    """Read a complete submission that is written in the one way in which Muniment's own clients write it.

    What was read is written again and compared with what was received: no key occurs twice, nothing is out of place,
    and reading it by other means would give the same. That takes half the time of `read_submission`.

    Args:
        text: `{"event":…}` or `{"event":…,"body":"…","salt":"…"}` with the event in canonical form.

    Returns:
        None if the text is anything else, or is refused for any reason: `read_submission` finds out why.
    """
    if not text.startswith(b'{"event":{"action":"'):
        return None
    try:
        members = orjson.loads(text)
        event = event_from_mapping(members["event"])
        written = b'{"event":' + event.text()
        body = salt = None
        if "body" in members:
            packed, salted = members["body"].encode("ascii"), members["salt"].encode("ascii")
            written += b',"body":"' + packed + b'","salt":"' + salted + b'"'
            body, salt = _base64(members["body"], "body"), _base64(members["salt"], "salt")
            if event.body is None or event.body.len != len(body) or event.body.commit != commit(salt, body):
                return None
        if written + b"}" != text:
            return None
        return _draft(Submission(event, body, salt))
    except (ValueError, KeyError, TypeError, AttributeError, ProblemError):
        return None


def _members(scanner: Scanner) -> dict[str, Value]:
    """Read a submission that is out of the ordinary, and find out in what way."""
    if not scanner.at_object():
        scanner.value()
        raise refuse("invalid-submission", "must be an object with an event")
    members: dict[str, Value] = {}
    fault: Exception | None = None
    for key in scanner.members():
        value = scanner.value()
        if fault is None:
            if key not in MEMBERS:
                fault = refuse(
                    "invalid-submission",
                    f"is no member of a submission; these are: {', '.join(MEMBERS)}",
                    field=_shown(key),
                )
            elif key in members:
                fault = refuse("invalid-submission", "occurs twice in the submission", field=key)
            elif value.fault is not None:
                fault = refuse("malformed-json", value.fault, field=key)
        members[key] = value
    if fault is not None:
        raise fault
    return members


def _complete(members: dict[str, Value], source_id: str) -> Draft:
    if "event" not in members:
        raise refuse("invalid-submission", "is missing", field="event")
    fields = members["event"].parsed
    if not isinstance(fields, dict):
        raise refuse("invalid-event", "must be an object", field="event")
    body = _payload(members)
    salt = _salt(members, has_body=body is not None)
    if "id" not in fields:
        fields["id"] = "evt_" + new_ulid(time.time_ns() // 1_000_000, secrets.token_bytes(10))
    made_time = "occurred_at" not in fields
    if made_time:
        fields["occurred_at"] = format_time9(time.time_ns())
    source = fields.setdefault("source", {})
    if isinstance(source, dict):
        source.setdefault("id", source_id)
    made_salt = False
    if body is not None:
        salt, made_salt = _commit(
            fields, body, salt, "application/json" if "payload" in members else "application/octet-stream"
        )
    event = event_from_mapping(fields)
    return _draft(Submission(event, body, salt, made_salt=made_salt, made_time=made_time))


def _draft(submission: Submission) -> Draft:
    event = submission.event
    if not actions.is_registered(event.action):
        raise refuse(
            "unknown-action",
            f"{event.action} is not in the registry; actions of your own begin with x.",
            field="action",
        )
    if actions.find(event.action).emitter in RESERVED_EMITTERS:
        raise refuse("reserved-action", f"only the ledger itself records {event.action}", field="action")
    return Draft(submission)


def _payload(members: dict[str, Value]) -> bytes | None:
    if "payload" in members:
        if "body" in members:
            raise refuse("invalid-submission", "give either payload or body, not both", field="body")
        return members["payload"].text.encode("utf-8")
    if "body" in members:
        return _base64(members["body"].parsed, "body")
    return None


def _salt(members: dict[str, Value], *, has_body: bool) -> bytes | None:
    if "salt" not in members:
        return None
    if not has_body:
        raise refuse("invalid-submission", "a salt needs the payload or body that it belongs to", field="salt")
    salt = _base64(members["salt"].parsed, "salt")
    if len(salt) != SALT_BYTES:
        raise refuse("invalid-submission", f"must be {SALT_BYTES} bytes, has {len(salt)}", field="salt")
    return salt


def _commit(fields: dict[str, object], body: bytes, salt: bytes | None, media: str) -> tuple[bytes, bool]:
    """Check the event's commitment against body and salt, or make it; return the salt and whether it was made here."""
    stated = fields.setdefault("body", {})
    made = salt is None
    if not isinstance(stated, dict):
        return salt or bytes(SALT_BYTES), made
    if salt is None:
        if "commit" in stated:
            raise refuse(
                "invalid-submission", "an event with body.commit needs the salt it was made with", field="salt"
            )
        salt = secrets.token_bytes(SALT_BYTES)
    commitment = commit(salt, body).hex()
    if stated.setdefault("commit", commitment) != commitment:
        raise refuse("invalid-event", "is not the commitment to this salt and body", field="body.commit")
    length = stated.setdefault("len", len(body))
    if length != len(body) or isinstance(length, bool):
        raise refuse("invalid-event", f"the body that was sent has {len(body)} bytes", field="body.len")
    stated.setdefault("scheme", 1)
    stated.setdefault("type", media)
    return salt, made


def _base64(value: object, field: str) -> bytes:
    if not isinstance(value, str):
        raise refuse("invalid-submission", "must be a string in base64", field=field)
    try:
        ascii_form = value.encode("ascii")
        decoded = binascii.a2b_base64(ascii_form, strict_mode=True)
    except (ValueError, UnicodeEncodeError):
        decoded = None
    if decoded is None or binascii.b2a_base64(decoded, newline=False) != ascii_form:
        raise refuse("invalid-submission", "is not base64 with padding (RFC 4648 section 4)", field=field)
    return decoded


def _shown(key: str) -> str:
    """A client's key, made fit to be repeated in an answer."""
    return ascii(key)[1:-1][:64]
