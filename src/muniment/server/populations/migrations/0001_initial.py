import django.contrib.postgres.fields
from django.db import migrations, models

import muniment.server.populations.models
import muniment.server.tenants.isolation


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Mark",
            fields=[
                (
                    "id",
                    models.CharField(
                        default=muniment.server.populations.models.mark_id,
                        editable=False,
                        max_length=30,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("tenant_id", models.UUIDField()),
                ("sample_id", models.CharField(max_length=30)),
                ("place", models.BigIntegerField(null=True)),
                ("number", models.PositiveIntegerField()),
                (
                    "ticks",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=16), default=list, size=None
                    ),
                ),
                ("exception", models.BooleanField(default=False)),
                ("conclusion", models.CharField(blank=True, max_length=16)),
                ("comment", models.TextField(blank=True)),
                ("created_by", models.CharField(max_length=64)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("seq", models.BigIntegerField()),
            ],
            options={
                "db_table": "populations_mark",
                "constraints": [
                    muniment.server.tenants.isolation.TenantIsolation(
                        grants=["SELECT", "INSERT"], name="populations_mark_tenant"
                    ),
                    models.UniqueConstraint(
                        fields=("tenant_id", "sample_id", "place", "number"),
                        name="populations_mark_number",
                        nulls_distinct=False,
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Population",
            fields=[
                (
                    "id",
                    models.CharField(
                        default=muniment.server.populations.models.population_id,
                        editable=False,
                        max_length=30,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("tenant_id", models.UUIDField()),
                ("name", models.CharField(max_length=120)),
                ("log", models.CharField(max_length=255)),
                ("question", models.TextField()),
                ("size", models.BigIntegerField()),
                ("root", models.CharField(max_length=64)),
                ("sealed_at", models.DateTimeField()),
                ("recorded", models.BigIntegerField()),
                ("mapping", models.CharField(max_length=64)),
                ("count", models.BigIntegerField()),
                ("digest", models.CharField(max_length=64)),
                ("seed", models.CharField(max_length=64)),
                ("seed_from", models.CharField(max_length=8)),
                ("created_by", models.CharField(max_length=64)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("seq", models.BigIntegerField()),
                ("event", models.CharField(max_length=96)),
            ],
            options={
                "db_table": "populations_population",
                "constraints": [
                    muniment.server.tenants.isolation.TenantIsolation(
                        grants=["SELECT", "INSERT"], name="populations_population_tenant"
                    ),
                    models.UniqueConstraint(fields=("tenant_id", "name"), name="populations_population_name"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Sample",
            fields=[
                (
                    "id",
                    models.CharField(
                        default=muniment.server.populations.models.sample_id,
                        editable=False,
                        max_length=30,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("tenant_id", models.UUIDField()),
                ("population_id", models.CharField(max_length=30)),
                ("number", models.PositiveIntegerField()),
                ("plan", models.TextField()),
                ("seed", models.CharField(max_length=64)),
                ("seed_from", models.CharField(max_length=10)),
                ("places", django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=None)),
                ("parts", models.JSONField(default=dict)),
                ("created_by", models.CharField(max_length=64)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("seq", models.BigIntegerField()),
                ("event", models.CharField(max_length=96)),
            ],
            options={
                "db_table": "populations_sample",
                "constraints": [
                    muniment.server.tenants.isolation.TenantIsolation(
                        grants=["SELECT", "INSERT"], name="populations_sample_tenant"
                    ),
                    models.UniqueConstraint(
                        fields=("tenant_id", "population_id", "number"), name="populations_sample_number"
                    ),
                ],
            },
        ),
    ]
