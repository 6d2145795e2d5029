"""What the operations of comments take and give."""

from __future__ import annotations

from ninja import Field, Schema

from muniment.server.comments.services import MAX_TEXT


class NewComment(Schema):
    """A comment; people are named as `@usr_…`, `@ada@example.org`, or `@ada` where that is one member alone."""

    kind: str = Field(max_length=16, description="exception, risk, task, finding, incident, policy or asset")
    subject: str = Field(max_length=64, description="its id")
    text: str = Field(min_length=1, max_length=MAX_TEXT)


class CommentOut(Schema):
    """A comment. `entry` is its place in the log; people who are named stand in the text by their ids."""

    id: str
    kind: str
    subject: str
    text: str
    mentions: list[str]
    by: str
    at: str
    entry: int


class CommentList(Schema):
    """The newest comments on something, oldest first."""

    comments: list[CommentOut]
