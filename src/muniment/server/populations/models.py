"""Saved populations, samples and marks. Nothing here is changed or removed; each row has its entry in the ledger."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from muniment.server.tenants.identifiers import new_id
from muniment.server.tenants.isolation import APPEND_ONLY, TenantIsolation


def population_id() -> str:
    """`pop_…`."""
    return new_id("pop")


def sample_id() -> str:
    """`smp_…`."""
    return new_id("smp")


def mark_id() -> str:
    """`mrk_…`."""
    return new_id("mrk")


class Population(models.Model):
    """A question to the log and the range it was put to. `seq` is the entry that recorded it, `event` its reference."""

    id = models.CharField(primary_key=True, max_length=30, default=population_id, editable=False)
    tenant_id = models.UUIDField()
    name = models.CharField(max_length=120)
    log = models.CharField(max_length=255)
    question = models.TextField()
    # What its control was taken to mean (`evidence.Asked`), and how many entries are annotated with it alone.
    evidence = models.TextField(default="")
    annotated = models.BigIntegerField(default=0)
    size = models.BigIntegerField()
    root = models.CharField(max_length=64)
    sealed_at = models.DateTimeField()
    recorded = models.BigIntegerField()
    mapping = models.CharField(max_length=64)
    count = models.BigIntegerField()
    digest = models.CharField(max_length=64)
    seed = models.CharField(max_length=64)
    seed_from = models.CharField(max_length=8)
    created_by = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    seq = models.BigIntegerField()
    event = models.CharField(max_length=96)

    class Meta:
        """Database facts."""

        db_table = "populations_population"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="populations_population_tenant", grants=APPEND_ONLY),
            models.UniqueConstraint(name="populations_population_name", fields=["tenant_id", "name"]),
        ]


class Sample(models.Model):
    """Entries drawn from a population. `plan` says how, as canonical JSON; `seed_from` where its seed came from."""

    id = models.CharField(primary_key=True, max_length=30, default=sample_id, editable=False)
    tenant_id = models.UUIDField()
    # No foreign keys between tenant tables: the database would check them past row level security.
    population_id = models.CharField(max_length=30)
    number = models.PositiveIntegerField()
    plan = models.TextField()
    seed = models.CharField(max_length=64)
    seed_from = models.CharField(max_length=10)
    places = ArrayField(models.BigIntegerField())
    parts = models.JSONField(default=dict)
    created_by = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    seq = models.BigIntegerField()
    event = models.CharField(max_length=96)

    class Meta:
        """Database facts."""

        db_table = "populations_sample"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="populations_sample_tenant", grants=APPEND_ONLY),
            models.UniqueConstraint(name="populations_sample_number", fields=["tenant_id", "population_id", "number"]),
        ]


class Mark(models.Model):
    """What a reviewer said of one sampled entry, or, without a `place`, of the whole sample. The newest counts."""

    id = models.CharField(primary_key=True, max_length=30, default=mark_id, editable=False)
    tenant_id = models.UUIDField()
    sample_id = models.CharField(max_length=30)
    place = models.BigIntegerField(null=True)
    number = models.PositiveIntegerField()
    ticks = ArrayField(models.CharField(max_length=16), default=list)
    exception = models.BooleanField(default=False)
    conclusion = models.CharField(max_length=16, blank=True)
    comment = models.TextField(blank=True)
    created_by = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)
    seq = models.BigIntegerField()

    class Meta:
        """Database facts."""

        db_table = "populations_mark"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            TenantIsolation(name="populations_mark_tenant", grants=APPEND_ONLY),
            models.UniqueConstraint(
                name="populations_mark_number",
                fields=["tenant_id", "sample_id", "place", "number"],
                nulls_distinct=False,
            ),
        ]
