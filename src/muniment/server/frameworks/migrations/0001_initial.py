from django.db import migrations, models

import muniment.server.frameworks.models
import muniment.server.tenants.isolation


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="CatalogImport",
            fields=[
                (
                    "id",
                    models.CharField(
                        default=muniment.server.frameworks.models.import_id,
                        editable=False,
                        max_length=30,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("tenant_id", models.UUIDField()),
                ("catalog", models.CharField(max_length=40)),
                ("number", models.PositiveIntegerField()),
                ("title", models.TextField()),
                ("version", models.TextField()),
                ("licence_class", models.CharField(max_length=1)),
                ("count", models.PositiveIntegerField()),
                ("texts", models.PositiveIntegerField()),
                ("form", models.CharField(max_length=8)),
                ("file_name", models.CharField(max_length=200)),
                ("imported", models.CharField(max_length=64)),
                ("digest", models.CharField(max_length=64)),
                ("document", models.TextField()),
                ("created_by", models.CharField(max_length=64)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("seq", models.BigIntegerField()),
            ],
            options={
                "db_table": "frameworks_catalogimport",
                "constraints": [
                    muniment.server.tenants.isolation.TenantIsolation(
                        grants=["SELECT", "INSERT"], name="frameworks_catalogimport_tenant"
                    ),
                    models.UniqueConstraint(
                        fields=("tenant_id", "catalog", "number"), name="frameworks_catalogimport_number"
                    ),
                ],
            },
        ),
    ]
