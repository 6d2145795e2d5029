from django.db import migrations, models

import muniment.server.reasons.models
import muniment.server.tenants.isolation


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="ChangeAction",
            fields=[
                (
                    "id",
                    models.CharField(
                        default=muniment.server.reasons.models.change_action_id,
                        editable=False,
                        max_length=30,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("tenant_id", models.UUIDField()),
                ("action", models.CharField(max_length=64)),
                ("created_by", models.CharField(max_length=64)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "db_table": "reasons_changeaction",
                "constraints": [
                    muniment.server.tenants.isolation.TenantIsolation(
                        grants=["SELECT", "INSERT", "DELETE"], name="reasons_changeaction_tenant"
                    ),
                    models.UniqueConstraint(fields=("tenant_id", "action"), name="reasons_changeaction_action"),
                ],
            },
        ),
    ]
