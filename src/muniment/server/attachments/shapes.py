"""What the operations of attachments take and answer."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from ninja import Schema
from pydantic import ConfigDict, Field

from muniment.server.attachments.workflow import MAX_BYTES, MAX_CONTROLS, MAX_NAME, MAX_NOTE, NewAttachment


class NewUpload(Schema):
    """A file that is about to be sent, and what it shall become."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
    kind: Annotated[str, Field(max_length=32)]
    size: Annotated[int, Field(ge=1, le=MAX_BYTES, description="bytes", strict=True)]
    sha256: Annotated[str, Field(max_length=64, description="of the whole file; checked when it has arrived")] = ""
    controls: Annotated[list[Annotated[str, Field(max_length=96)]], Field(max_length=MAX_CONTROLS)] = Field(
        default_factory=list
    )
    since: Annotated[date | None, Field(alias="from", description="first day that it covers")] = None
    until: Annotated[date | None, Field(alias="to", description="last day that it covers")] = None
    note: Annotated[str, Field(max_length=MAX_NOTE)] = ""
    replaces: Annotated[str, Field(max_length=30, description="attachment whose next version it is")] = ""

    def attachment(self) -> NewAttachment:
        """What it shall become.

        Raises:
            Malformed: naming the field.
        """
        controls = tuple(sorted(set(self.controls)))
        return NewAttachment(self.name, self.kind, controls, self.since, self.until, self.note, self.replaces)


class NewWithdrawal(Schema):
    """Why an attachment is not relied upon any more."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reason: Annotated[str, Field(max_length=MAX_NOTE)] = ""


class LimitShape(Schema):
    """How large an attachment may be."""

    model_config = ConfigDict(extra="forbid", strict=True)

    mebibytes: Annotated[int, Field(ge=1, le=MAX_BYTES >> 20)]


class AttachmentOut(Schema):
    """One version of an attachment."""

    id: str
    series: str
    version: int
    name: str
    kind: str
    note: str
    media_type: str
    size: int
    sha256: str
    controls: list[str]
    since: str | None = Field(None, alias="from")
    until: str | None = Field(None, alias="to")
    created_by: str
    created_at: str
    entry: int
    withdrawn: dict[str, Any] | None
    scan: dict[str, Any]


class AttachmentList(Schema):
    """Attachments."""

    attachments: list[AttachmentOut]


class UploadOut(Schema):
    """How far an upload is."""

    id: str
    received: int
    size: int
    until: str


class CheckOut(Schema):
    """What reading an attachment again found."""

    attachment: str
    holds: bool
    fault: str
    sha256: str
    entry: int
