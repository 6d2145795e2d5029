"""What the operations of the packet desk take and answer."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from ninja import Schema
from pydantic import ConfigDict, Field

from muniment.server.packets.scope import MAX_CONTROLS, MAX_EACH, MAX_NAME, Scope, scope_of
from muniment.server.packets.services import Party
from muniment.server.packets.workflow import DUE_HOURS, LINK_HOURS, MAX_PURPOSE, MAX_TEXT

Id = Annotated[str, Field(max_length=96)]
Ids = Annotated[list[Id], Field(max_length=MAX_EACH)]


def _none() -> Any:
    return Field(default_factory=list)


class NewScope(Schema):
    """What a packet shall hold."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
    controls: Annotated[list[Id], Field(max_length=MAX_CONTROLS)] = _none()
    frameworks: Ids = _none()
    since: Annotated[date | None, Field(alias="from", description="first day of the period")] = None
    until: Annotated[date | None, Field(alias="to", description="last day of the period")] = None
    workspace: Annotated[str, Field(max_length=64)] = ""
    populations: Ids = _none()
    samples: Ids = _none()
    slots: Annotated[dict[Id, Ids], Field(description="attachments by slot")] = Field(default_factory=dict)
    statements: Ids = _none()
    reports: Ids = _none()

    def scope(self) -> Scope:
        """It as a value.

        Raises:
            Malformed: naming the field.
        """
        return scope_of(
            name=self.name,
            controls=self.controls,
            frameworks=self.frameworks,
            since=self.since,
            until=self.until,
            workspace=self.workspace,
            populations=self.populations,
            samples=self.samples,
            slots=dict(self.slots),
            statements=self.statements,
            reports=self.reports,
        )


class Outsider(Schema):
    """Somebody who has no account here. The ledger holds a random id instead of this."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Field(min_length=1, max_length=120)]
    company: Annotated[str, Field(min_length=1, max_length=120)]
    email: Annotated[str, Field(max_length=254)] = ""

    def party(self) -> Party:
        """It as a value.

        Raises:
            Malformed: naming the field.
        """
        return Party(self.name.strip(), self.company.strip(), self.email.strip())


class NewRequest(Schema):
    """A request for a packet."""

    model_config = ConfigDict(extra="forbid", strict=True)

    scope: Annotated[str, Field(max_length=30, description="one version of a scope")]
    purpose: Annotated[str, Field(max_length=MAX_PURPOSE)]
    recipient: Annotated[Outsider | None, Field(description="somebody outside; left out, it is for who asks")] = None


class Reason(Schema):
    """Why."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reason: Annotated[str, Field(max_length=MAX_PURPOSE)] = ""


class NewNdaSignature(Schema):
    """Accepting the text of a request."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Field(max_length=120, description="your name, as you type it")] = ""
    sha256: Annotated[str, Field(max_length=64, description="of the text that you read")] = ""


class NewText(Schema):
    """A text to be signed."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: Annotated[str, Field(max_length=MAX_TEXT)] = ""


class RulesShape(Schema):
    """What a tenant asks of its desk."""

    model_config = ConfigDict(extra="forbid", strict=True)

    due_hours: Annotated[int, Field(ge=DUE_HOURS[0], le=DUE_HOURS[1])]
    working_days: Annotated[bool, Field(description="only Mondays to Fridays count")]
    zone: Annotated[str, Field(max_length=64, description="IANA name of a time zone")]
    nda_required: bool
    link_hours: Annotated[int, Field(ge=LINK_HOURS[0], le=LINK_HOURS[1])]


class ScopeOut(Schema):
    """One version of a scope."""

    id: str
    series: str
    version: int
    name: str
    scope: dict[str, Any]
    not_supplied: list[str]
    digest: str
    created_by: str
    created_at: str
    entry: int


class ScopeList(Schema):
    """Scopes."""

    scopes: list[ScopeOut]


class TextOut(Schema):
    """A text to be signed."""

    id: str
    version: int
    sha256: str
    text: str
    created_by: str
    created_at: str
    entry: int


class TextList(Schema):
    """Texts."""

    texts: list[TextOut]


class RequestOut(Schema):
    """A request for a packet."""

    id: str
    scope: str
    purpose: str
    party: str
    recipient: dict[str, str] | None
    state: str
    requested_by: str
    requested_at: str
    due_at: str
    zone: str
    clock: str
    clock_seconds: int
    nda: str | None
    signed: dict[str, Any] | None
    decided_by: str | None
    decided_at: str | None
    reason: str | None
    packet: dict[str, Any] | None
    link_until: str | None
    deliveries: list[dict[str, Any]]
    entry: int


class RequestList(Schema):
    """Requests."""

    requests: list[RequestOut]


class LinkOut(Schema):
    """A link for somebody outside. It is shown this once."""

    path: str
    until: str
