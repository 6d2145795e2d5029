from django.db import migrations, models

import muniment.server.statements.models
import muniment.server.tenants.isolation


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Issued",
            fields=[
                (
                    "id",
                    models.CharField(
                        default=muniment.server.statements.models.statement_id,
                        editable=False,
                        max_length=30,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("tenant_id", models.UUIDField()),
                ("framework", models.CharField(max_length=32)),
                ("since", models.DateField()),
                ("until", models.DateField()),
                ("log", models.CharField(max_length=255)),
                ("size", models.BigIntegerField()),
                ("text", models.TextField()),
                ("digest", models.CharField(max_length=64)),
                ("created_by", models.CharField(max_length=64)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("seq", models.BigIntegerField()),
            ],
            options={
                "db_table": "statements_issued",
                "constraints": [
                    muniment.server.tenants.isolation.TenantIsolation(
                        grants=["SELECT", "INSERT"], name="statements_issued_tenant"
                    )
                ],
            },
        ),
    ]
