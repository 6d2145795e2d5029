import uuid

import django.contrib.postgres.fields
from django.db import migrations, models

import muniment.server.tenants.isolation


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Counted",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("tenant_id", models.UUIDField()),
                ("log", models.CharField(max_length=255)),
                ("size", models.BigIntegerField()),
                ("at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "matrix_counted",
                "constraints": [
                    muniment.server.tenants.isolation.TenantIsolation(name="matrix_counted_tenant"),
                    models.UniqueConstraint(fields=("tenant_id", "log"), name="matrix_counted_log"),
                ],
            },
        ),
        migrations.CreateModel(
            name="CountOfDay",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("tenant_id", models.UUIDField()),
                ("log", models.CharField(max_length=255)),
                ("day", models.DateField()),
                ("action", models.CharField(max_length=64)),
                (
                    "controls",
                    django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), size=None),
                ),
                ("entries", models.BigIntegerField()),
                ("last", models.BigIntegerField()),
                ("last_at", models.DateTimeField()),
            ],
            options={
                "db_table": "matrix_countofday",
                "constraints": [
                    muniment.server.tenants.isolation.TenantIsolation(name="matrix_countofday_tenant"),
                    models.UniqueConstraint(
                        fields=("tenant_id", "log", "day", "action", "controls"), name="matrix_countofday_what"
                    ),
                ],
            },
        ),
    ]
