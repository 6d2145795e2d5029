import django.contrib.postgres.fields
from django.db import migrations, models

import muniment.server.controls.models
import muniment.server.tenants.isolation


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="OwnControl",
            fields=[
                (
                    "id",
                    models.CharField(
                        default=muniment.server.controls.models.version_id,
                        editable=False,
                        max_length=30,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("tenant_id", models.UUIDField()),
                ("code", models.CharField(max_length=60)),
                ("number", models.PositiveIntegerField()),
                ("statement", models.TextField()),
                ("owner", models.CharField(blank=True, max_length=64)),
                ("frequency", models.CharField(max_length=12)),
                ("procedure", models.TextField(blank=True)),
                (
                    "criteria",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64), default=list, size=None
                    ),
                ),
                ("status", models.CharField(max_length=8)),
                ("retired_on", models.DateField(null=True)),
                ("reason", models.TextField(blank=True)),
                ("created_by", models.CharField(max_length=64)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("seq", models.BigIntegerField()),
                ("event", models.CharField(max_length=96)),
            ],
            options={
                "db_table": "controls_control",
                "constraints": [
                    muniment.server.tenants.isolation.TenantIsolation(
                        grants=["SELECT", "INSERT"], name="controls_control_tenant"
                    ),
                    models.UniqueConstraint(fields=("tenant_id", "code", "number"), name="controls_control_number"),
                ],
            },
        ),
    ]
