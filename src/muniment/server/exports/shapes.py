"""What the operations of exports take and answer."""

from __future__ import annotations

from typing import Annotated, Literal

from ninja import Schema
from pydantic import ConfigDict, Field

MAX_SIZE = 2**53 - 1
Text = Annotated[str | None, Field(max_length=1024)]


class ExportQuestion(Schema):
    """What the entries have in common; what is left out is not asked for."""

    model_config = ConfigDict(extra="forbid", strict=True)

    since: Annotated[str | None, Field(alias="from", max_length=64, description="recorded at or after, RFC 3339")] = (
        None
    )
    until: Annotated[str | None, Field(alias="to", max_length=64, description="recorded before, RFC 3339")] = None
    action: Annotated[str | None, Field(max_length=1024, description="tool.call, or tool.* for all under it")] = None
    actor: Text = None
    agent: Annotated[str | None, Field(max_length=1024, description="an actor whose type is agent")] = None
    workspace: Text = None
    outcome: Literal["success", "failure", "denied", "unknown"] | None = None
    control: Annotated[
        str | None, Field(max_length=1024, description="entries that hold it or whose action is annotated with it")
    ] = None
    framework: Annotated[
        str | None, Field(max_length=64, description="any control of a framework; own: the tenant's own controls")
    ] = None


class NewExport(Schema):
    """An export to be made."""

    model_config = ConfigDict(extra="forbid", strict=True)

    format: Literal["json", "ndjson", "csv", "ocsf", "oscal"]
    question: Annotated[ExportQuestion, Field(default_factory=ExportQuestion)]
    size: Annotated[int | None, Field(ge=1, le=MAX_SIZE, description="of a checkpoint; the newest by default")] = None
    names: Annotated[bool, Field(description="write persons' names beside their ids; needs member.read")] = False


class Taken(Schema):
    """Where to go on."""

    model_config = ConfigDict(extra="forbid", strict=True)

    offset: Annotated[int, Field(ge=0, le=MAX_SIZE, description="bytes that are there already")] = 0
    sha256: Annotated[
        str, Field(pattern="^([0-9a-f]{64})?$", description="of those bytes; checked before going on")
    ] = ""


class CheckpointOut(Schema):
    """The checkpoint at which an export ends."""

    log: str
    size: int
    root: str
    sealed_at: str


class ExportMappingOut(Schema):
    """The mapping that was in force."""

    version: str
    digest: str


class DownloadOut(Schema):
    """How far a download has come: `runs`, `ended` or `cut`."""

    state: Literal["runs", "ended", "cut"]
    entries: int
    bytes: int


class ExportOut(Schema):
    """An export. `entry` is the place of its record; `download` is the reader's newest, as this process knows it."""

    id: str
    format: str
    question: dict[str, str]
    names: bool
    checkpoint: CheckpointOut
    mapping: ExportMappingOut
    entries: int
    created_by: str
    created_at: str
    entry: int
    download: DownloadOut | None


class ExportList(Schema):
    """The newest exports, newest first."""

    exports: list[ExportOut]
