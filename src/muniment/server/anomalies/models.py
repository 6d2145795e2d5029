"""Alerts and what became of them, what a tenant watches, and what was learned from its log."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from muniment.server.tenants.identifiers import new_id
from muniment.server.tenants.isolation import APPEND_ONLY, NEVER_REMOVED, TenantIsolation


def alert_id() -> str:
    """`alt_…`."""
    return new_id("alt")


class Alert(models.Model):
    """Something unusual, as it was found. Never changed.

    `key` names its window: what has the same key is raised once. `about` are the people whom it is about. `entries` are
    (place, reference) of the entries that it rests on. `seq` is the entry that recorded it, `event` its reference.
    """

    id = models.CharField(primary_key=True, max_length=30, default=alert_id, editable=False)
    tenant_id = models.UUIDField()
    detector = models.CharField(max_length=32)
    pattern = models.CharField(max_length=32)
    key = models.CharField(max_length=255)
    about = ArrayField(models.CharField(max_length=64), default=list)
    since = models.DateTimeField()
    until = models.DateTimeField()
    raised_at = models.DateTimeField()
    sentence = models.TextField()
    numbers = models.JSONField(default=dict)
    entries = models.JSONField(default=list)
    learned = models.BooleanField()
    sensitivity = models.CharField(max_length=8)
    zone = models.CharField(max_length=64)
    seq = models.BigIntegerField()
    event = models.CharField(max_length=96)

    class Meta:
        """Database facts."""

        db_table = "anomalies_alert"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="anomalies_alert_tenant", grants=APPEND_ONLY),
            models.UniqueConstraint(name="anomalies_alert_once", fields=["tenant_id", "key"]),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(name="anomalies_alert_newest", fields=["tenant_id", "-until", "-id"])
        ]


class Acknowledgement(models.Model):
    """That a person looked at an alert: what they say it was, and why. One for each alert, never changed."""

    alert = models.CharField(primary_key=True, max_length=30)
    tenant_id = models.UUIDField()
    by = models.CharField(max_length=64)
    verdict = models.CharField(max_length=16)
    comment = models.TextField()
    at = models.DateTimeField()
    seq = models.BigIntegerField()
    event = models.CharField(max_length=96)

    class Meta:
        """Database facts."""

        db_table = "anomalies_acknowledgement"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="anomalies_acknowledgement_tenant", grants=APPEND_ONLY)
        ]


class Settings(models.Model):
    """What the tenant watches, and how keenly. Without a row, the defaults hold."""

    tenant_id = models.UUIDField(primary_key=True)
    zone = models.CharField(max_length=64, default="UTC")
    sensitivity = models.JSONField(default=dict)
    changed_by = models.CharField(max_length=64)
    changed_at = models.DateTimeField()

    class Meta:
        """Database facts."""

        db_table = "anomalies_settings"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="anomalies_settings_tenant", grants=NEVER_REMOVED)
        ]


class Reading(models.Model):
    """How far a tenant's log was read.

    `seq` is the next place and `read_at` when the entry before it was recorded. What was recorded before `alerts_from`
    is learned from alone. `zone` and `format` are those in which the rows of `Learned` were written: when either is
    another now, they are made again from the log, and what lies before `alerted` raises nothing a second time.
    """

    tenant_id = models.UUIDField(primary_key=True)
    log_id = models.IntegerField()
    seq = models.BigIntegerField(default=0)
    read_at = models.DateTimeField(null=True)
    alerted = models.BigIntegerField(default=0)
    alerts_from = models.DateTimeField()
    zone = models.CharField(max_length=64)
    format = models.PositiveSmallIntegerField()

    class Meta:
        """Database facts."""

        db_table = "anomalies_reading"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="anomalies_reading_tenant", grants=NEVER_REMOVED)
        ]


class Learned(models.Model):
    """One part of what was learned, as JSON. All of it can be made again from the log."""

    tenant_id = models.UUIDField()
    name = models.CharField(max_length=255)
    content = models.JSONField()
    changed_at = models.DateTimeField()

    class Meta:
        """Database facts."""

        db_table = "anomalies_learned"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="anomalies_learned_tenant"),
            models.UniqueConstraint(name="anomalies_learned_name", fields=["tenant_id", "name"]),
        ]
