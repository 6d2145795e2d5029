from django.db import migrations, models

import muniment.server.signing.models
import muniment.server.tenants.isolation


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="OwnMeaning",
            fields=[
                (
                    "id",
                    models.CharField(
                        default=muniment.server.signing.models.meaning_id,
                        editable=False,
                        max_length=30,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("tenant_id", models.UUIDField()),
                ("code", models.CharField(max_length=32)),
                ("words", models.CharField(max_length=120)),
                ("created_by", models.CharField(max_length=64)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "db_table": "signing_ownmeaning",
                "constraints": [
                    muniment.server.tenants.isolation.TenantIsolation(
                        grants=["SELECT", "INSERT", "DELETE"], name="signing_ownmeaning_tenant"
                    ),
                    models.UniqueConstraint(fields=("tenant_id", "code"), name="signing_ownmeaning_code"),
                ],
            },
        ),
    ]
