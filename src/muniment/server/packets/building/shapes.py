"""What the operations of built packets take and answer."""

from __future__ import annotations

from typing import Annotated, Literal

from ninja import Schema
from pydantic import ConfigDict, Field

_MAX_SIZE = 2**53 - 1


class NewPacket(Schema):
    """A packet to be built."""

    model_config = ConfigDict(extra="forbid", strict=True)

    scope: Annotated[str, Field(min_length=1, max_length=64, description="scp_…, a saved scope")]
    size: Annotated[
        int | None, Field(ge=1, le=_MAX_SIZE, description="as of this checkpoint; the newest by default")
    ] = None
    since: Annotated[
        int | None, Field(ge=1, le=_MAX_SIZE, description="size of a checkpoint that the auditor holds")
    ] = None
    bodies: Annotated[bool, Field(description="the payloads of the sampled entries come along")] = False


class NewPlan(Schema):
    """A plan of action and milestones. With neither controls nor frameworks every exception belongs to it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    controls: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=96)]], Field(max_length=500, default_factory=list)
    ]
    frameworks: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=64)]], Field(max_length=100, default_factory=list)
    ]
    size: Annotated[
        int | None, Field(ge=1, le=_MAX_SIZE, description="as of this checkpoint; the newest by default")
    ] = None


class NewExtract(NewPlan):
    """A register as a file."""

    which: Annotated[Literal["exceptions", "risks"], Field(alias="register")]
    format: Annotated[Literal["csv", "md"], Field(description="md shows steps, decisions and versions as well")] = "csv"


class ArchiveOut(Schema):
    """The archive, once it was made: it is the same each time."""

    sha256: str
    bytes: int
    sealed_size: Annotated[int, Field(description="of the checkpoint over the packet's entry")]


class PacketOut(Schema):
    """A packet that was built."""

    id: str
    name: str
    scope: str
    log: str
    size: int
    root: str
    sampled: int
    files: int
    manifest: Annotated[str, Field(description="SHA-256 of manifest.json, as the entry names it")]
    software: str
    created_by: str
    created_at: str
    entry: int
    archive: ArchiveOut | None


class PacketList(Schema):
    """The newest packets."""

    packets: list[PacketOut]
