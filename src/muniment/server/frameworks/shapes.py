"""What the operations of catalogs and mapping take and answer."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import ConfigDict, Field

from muniment.server.frameworks.workflow import MAX_NAME, MAX_WORDS

Words = Annotated[str, Field(max_length=MAX_WORDS)]


class NewCatalog(Schema):
    """A file to be brought in: an OSCAL catalog, a catalog file, or a table (CSV)."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME, description="of the file, as errors call it")]
    file: Annotated[str, Field(max_length=1_048_576, description="its bytes in base64 (RFC 4648 section 4)")]
    gzip: Annotated[bool, Field(description="the bytes are packed with gzip; unpacked they are at most 16 MiB")] = False
    over: Annotated[str, Field(max_length=40, description="the catalog over which labels and text are laid")] = ""
    id: Annotated[str, Field(max_length=40, description="for a catalog of its own: the prefix of its control ids")] = ""
    title: Words = ""
    edition: Words = ""
    publisher: Words = ""
    source: Words = ""
    licence_class: Literal["A", "B", "C"] = "C"
    attribution: Words = ""
    numbering: Literal["as-given", "eu-law", "us-law"] = "as-given"
    dry_run: Annotated[bool, Field(description="read and count it, keep nothing")] = False


class CatalogImportOut(Schema):
    """A catalog as it was brought in; `imported` is the SHA-256 of the file, `digest` that of what was made of it."""

    id: str
    number: int
    form: Literal["overlay", "catalog", "oscal", "table"]
    file_name: str
    imported: str
    digest: str
    texts: int
    created_by: str
    created_at: str
    entry: int


class CatalogOut(Schema):
    """A catalog; `imported` is null where it is as shipped."""

    id: str
    title: str
    version: str
    publisher: str
    source: str
    licence: str
    licence_class: Literal["A", "B", "C"]
    count: int
    counts: str
    count_source: str
    sets: dict[str, int]
    superseded_by: str | None
    shipped: bool
    imported: CatalogImportOut | None


class CatalogList(Schema):
    """Every catalog of the tenant's, by id."""

    catalogs: list[CatalogOut]


class WholeCatalog(CatalogOut):
    """A catalog with its rows, as they may leave the tenant: of class C no text and no imported label."""

    requirements: list[dict[str, Any]]
    imports: list[CatalogImportOut]


class CheckedCatalog(Schema):
    """What a file would be brought in as; nothing was kept."""

    catalog: str
    title: str
    version: str
    licence_class: Literal["A", "B", "C"]
    form: Literal["overlay", "catalog", "oscal", "table"]
    count: int
    counts: str
    rows: int
    texts: int
    new_controls: int
    kept: bool


class MappingChange(Schema):
    """Overrides (`muniment-mapping/1`) that take the place of those in force."""

    model_config = ConfigDict(extra="forbid", strict=True)

    document: Annotated[dict[str, Any] | None, Field(description="null puts the base mapping back")]
    replaces: Annotated[str, Field(max_length=64, description="the version that is in force as far as you know")]
    dry_run: Annotated[bool, Field(description="say what would be in force, change nothing")] = False


class ActionOut(Schema):
    """What an action evidences: `entry` is baked into its entries, `notes` annotate them."""

    action: str
    entry: list[str]
    notes: list[str]


class MappingOut(Schema):
    """What is in force. `changed` are the actions that the tenant's overrides change; `entry` is the record of it."""

    version: str
    digest: str
    base: str
    notes: str
    number: int
    entry: int | None
    document: dict[str, Any] | None
    changed: list[ActionOut]
    in_force: bool


class MappingVersionOut(Schema):
    """A change of the mapping."""

    number: int
    version: str
    digest: str
    changed: int
    by: str
    recorded_at: str
    entry: int


class MappingVersions(Schema):
    """Every change of the mapping, newest first."""

    versions: list[MappingVersionOut]


class CoverageOut(Schema):
    """A framework under the mapping in force; the three numbers add up to the framework's own count."""

    catalog: str
    title: str
    mapping: str
    since: str | None
    until: str | None
    entries: int
    automatic: int
    attachment: int
    nothing: int
    statement: str
    rows: list[dict[str, Any]]
