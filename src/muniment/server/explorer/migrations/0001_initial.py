from django.db import migrations, models

import muniment.server.explorer.models
import muniment.server.tenants.isolation


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="SavedView",
            fields=[
                (
                    "id",
                    models.CharField(
                        default=muniment.server.explorer.models.view_id,
                        editable=False,
                        max_length=30,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("tenant_id", models.UUIDField()),
                ("created_by", models.CharField(max_length=64)),
                ("name", models.CharField(max_length=64)),
                ("query", models.TextField(blank=True)),
                ("shared", models.BooleanField(default=False)),
                ("is_default", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "db_table": "explorer_savedview",
                "constraints": [
                    muniment.server.tenants.isolation.TenantIsolation(name="explorer_savedview_tenant"),
                    models.UniqueConstraint(fields=("tenant_id", "created_by", "name"), name="explorer_savedview_name"),
                    models.UniqueConstraint(
                        condition=models.Q(("is_default", True)),
                        fields=("tenant_id", "created_by"),
                        name="explorer_savedview_default",
                    ),
                ],
            },
        ),
    ]
