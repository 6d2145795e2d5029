"""What the operations of notifications take and answer."""

from __future__ import annotations

from typing import Annotated, Literal

from ninja import Schema
from pydantic import ConfigDict, Field

Way = Literal["at-once", "daily", "weekly", "off"]
MessageState = Literal["waiting", "handing", "sent", "failed", "unknown", "dropped"]
NotificationId = Annotated[str, Field(pattern=r"^ntf_[0-9A-Z]{26}$")]
Minute = Annotated[int | None, Field(ge=0, le=1439, description="minute of the day by the clock; null: none")]


class NotificationOut(Schema):
    """One person is told of one thing."""

    id: str
    person: Annotated[str, Field(description="usr_…")]
    event: str
    subject: dict[str, str]
    title: str
    url: Annotated[str, Field(description="path inside the tenant")]
    facts: dict[str, str | int]
    in_app: bool
    at: str
    read: Annotated[bool | None, Field(description="null of others' notifications")]
    way: Way
    message: Annotated[str, Field(description="msg_… that holds it; empty if none does yet")]
    entry: Annotated[str, Field(description="event of the ledger under which it was shown; empty if it was not")]


class NotificationList(Schema):
    """Some notifications, newest first."""

    notifications: list[NotificationOut]
    cursor: Annotated[str, Field(description="of the next page; empty on the last")]


class ReadOrder(Schema):
    """What was read: some, or everything up to one."""

    model_config = ConfigDict(extra="forbid", strict=True)

    ids: Annotated[list[NotificationId], Field(max_length=200)] = Field(default_factory=list)
    up_to: NotificationId | None = None


class ReadOut(Schema):
    """How many were not read before."""

    read: int


class MessageOut(Schema):
    """One e-mail and how it went."""

    id: str
    person: str
    way: Way
    number: Annotated[int, Field(description="notifications in it")]
    state: MessageState
    attempts: int
    due_at: str
    said: Annotated[str, Field(description="by the mail server, or why it ended")]
    entry: Annotated[int | None, Field(description="place in the log of its last attempt")]


class MessageList(Schema):
    """Some e-mails, newest first."""

    messages: list[MessageOut]
    cursor: str


class HoursShape(Schema):
    """When e-mail goes out."""

    model_config = ConfigDict(extra="forbid", strict=True)

    zone: Annotated[str, Field(max_length=64, description="such as Europe/Warsaw")] = "UTC"
    digest_hour: Annotated[int, Field(ge=0, le=23)] = 8
    digest_day: Annotated[int, Field(ge=0, le=6, description="of the weekly digest; 0 is Monday")] = 0
    quiet_from: Minute = None
    quiet_to: Minute = None


class ChoiceShape(Schema):
    """How one event reaches somebody."""

    model_config = ConfigDict(extra="forbid", strict=True)

    in_app: bool = True
    mail: Way


class RoutingOrder(Schema):
    """What is to be changed; what is left out or null stays."""

    model_config = ConfigDict(extra="forbid", strict=True)

    hours: HoursShape | None = None
    events: Annotated[dict[str, ChoiceShape], Field(max_length=50)] = Field(default_factory=dict)


class RoutingOut(Schema):
    """What holds for a person, or with person empty for everybody who chose nothing."""

    person: str
    own: Annotated[bool, Field(description="they chose something themselves")]
    hours: HoursShape
    events: dict[str, ChoiceShape]
