"""What the operations of assets take and answer."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import ConfigDict, Field

from muniment.server.registers.codes import MAX_CODE
from muniment.server.registers.texts import MAX_LINE, MAX_TEXT

AssetStatus = Literal["in-use", "retired"]
AssetCriticality = Literal["low", "medium", "high", "critical"]
AssetKind = Literal[
    "application", "service", "agent", "model", "database", "host", "network", "endpoint", "data", "site", "other"
]
_Name = Annotated[str, Field(max_length=MAX_LINE)]
_Owner = Annotated[str, Field(max_length=254, description="usr_…, user:usr_… or the address of a member; empty: none")]
_Text = Annotated[str, Field(max_length=MAX_TEXT)]
_Number = Annotated[int | None, Field(ge=1, le=2**31 - 1, description="of the version seen; left out: any")]


class NewAsset(Schema):
    """An asset to be listed."""

    model_config = ConfigDict(extra="forbid", strict=True)

    code: Annotated[str, Field(max_length=MAX_CODE, description="frozen; left out: the next free AST-…")] = ""
    name: _Name
    owner: _Owner = ""
    criticality: AssetCriticality = "medium"
    kind: AssetKind = "other"
    description: _Text = ""


class ChangedAsset(Schema):
    """What is to be changed of an asset; what is left out or null stays."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: _Name | None = None
    owner: _Owner | None = None
    criticality: AssetCriticality | None = None
    kind: AssetKind | None = None
    description: _Text | None = None
    reason: _Text = ""
    number: _Number = None

    @property
    def given(self) -> dict[str, Any]:
        """The new values by the names of `Definition`."""
        return self.model_dump(exclude={"number"}, exclude_none=True)


class AssetRetirement(Schema):
    """Why an asset is retired."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reason: _Text
    number: _Number = None


class AssetOut(Schema):
    """A version of an asset; `entry` is the place of its record, `digest` that of what it says."""

    id: str
    code: str
    number: int
    name: str
    owner: str | None
    criticality: AssetCriticality
    kind: AssetKind
    description: str
    status: AssetStatus
    reason: str
    digest: str
    created_by: str
    created_at: str
    entry: int


class AssetList(Schema):
    """Assets as they stand, by code; `next` is what the next page begins after."""

    assets: list[AssetOut]
    next: str | None


class AssetVersionList(Schema):
    """Every version of an asset, oldest first."""

    versions: list[AssetOut]
