"""What people are told, the messages in which it goes out, and how each of them wants to be told."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from muniment.server.tenants.identifiers import new_id
from muniment.server.tenants.isolation import NEVER_REMOVED, TenantIsolation

# Marked as read, put into a message; never removed by the application.


def notification_id() -> str:
    """`ntf_…`."""
    return new_id("ntf")


def message_id() -> str:
    """`msg_…`."""
    return new_id("msg")


def routing_id() -> str:
    """`rtg_…`."""
    return new_id("rtg")


class Notification(models.Model):
    """That one person is told of one thing.

    `url` is a path inside the tenant. `way` is how e-mail goes out, `due_at` when (None for none), `mail` the message
    that holds it, or "". `entry` names the event of the ledger under which it was shown in the application, or "".
    """

    id = models.CharField(primary_key=True, max_length=30, default=notification_id, editable=False)
    tenant_id = models.UUIDField()
    user_id = models.CharField(max_length=30)
    event = models.CharField(max_length=32)
    subject_kind = models.CharField(max_length=32)
    subject_id = models.CharField(max_length=64)
    title = models.CharField(max_length=200)
    url = models.CharField(max_length=500)
    facts = models.JSONField(default=dict)
    in_app = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)
    way = models.CharField(max_length=8)
    due_at = models.DateTimeField(null=True)
    mail = models.CharField(max_length=30, blank=True)
    entry = models.CharField(max_length=96, blank=True)

    class Meta:
        """Database facts."""

        db_table = "notifications_notification"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="notifications_notification_tenant", grants=NEVER_REMOVED)
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(name="notifications_of_person", fields=["tenant_id", "user_id", "id"]),
            models.Index(
                name="notifications_unread",
                fields=["tenant_id", "user_id"],
                condition=models.Q(in_app=True, read_at=None),
            ),
            models.Index(
                name="notifications_due",
                fields=["tenant_id", "due_at"],
                condition=models.Q(mail="", due_at__isnull=False),
            ),
            models.Index(name="notifications_in_mail", fields=["tenant_id", "mail"], condition=~models.Q(mail="")),
        ]


class Message(models.Model):
    """One e-mail to one person, with `number` notifications. Not `Mail`: what it says is composed when it goes out.

    `state`: waiting, handing (from before the mail server is given the text until its answer is known), sent, failed,
    unknown (the answer never became known; not sent again) or dropped (nobody to send it to any more).
    """

    id = models.CharField(primary_key=True, max_length=30, default=message_id, editable=False)
    tenant_id = models.UUIDField()
    user_id = models.CharField(max_length=30)
    way = models.CharField(max_length=8)
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=8, default="waiting")
    created_at = models.DateTimeField()
    due_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    handed_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    said = models.CharField(max_length=300, blank=True)
    seq = models.BigIntegerField(null=True)

    class Meta:
        """Database facts."""

        db_table = "notifications_message"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="notifications_message_tenant", grants=NEVER_REMOVED)
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                name="notifications_message_open",
                fields=["tenant_id", "due_at"],
                condition=models.Q(state__in=["waiting", "handing"]),
            ),
            models.Index(name="notifications_message_list", fields=["tenant_id", "id"]),
        ]


class PersonRouting(models.Model):
    """How a person wants to be told; with `user_id` "", how everybody of the tenant is who says nothing else."""

    id = models.CharField(primary_key=True, max_length=30, default=routing_id, editable=False)
    tenant_id = models.UUIDField()
    user_id = models.CharField(max_length=30, blank=True)
    zone = models.CharField(max_length=64)
    digest_hour = models.PositiveSmallIntegerField()
    digest_day = models.PositiveSmallIntegerField()
    quiet_from = models.PositiveSmallIntegerField(null=True)
    quiet_to = models.PositiveSmallIntegerField(null=True)
    choices = models.JSONField(default=dict)
    changed_at = models.DateTimeField()

    class Meta:
        """Database facts."""

        db_table = "notifications_routing"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="notifications_routing_tenant", grants=NEVER_REMOVED),
            models.UniqueConstraint(name="notifications_routing_person", fields=["tenant_id", "user_id"]),
        ]
