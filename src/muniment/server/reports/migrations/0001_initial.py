from django.db import migrations, models

import muniment.server.reports.models
import muniment.server.tenants.isolation


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Report",
            fields=[
                (
                    "id",
                    models.CharField(
                        default=muniment.server.reports.models.report_id,
                        editable=False,
                        max_length=30,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("tenant_id", models.UUIDField()),
                ("kind", models.CharField(max_length=16)),
                ("title", models.CharField(max_length=200)),
                ("scope", models.TextField()),
                ("log", models.CharField(max_length=255)),
                ("size", models.BigIntegerField()),
                ("root", models.CharField(max_length=64)),
                ("numbers", models.PositiveIntegerField()),
                ("questions", models.CharField(max_length=64)),
                ("sha256", models.CharField(max_length=64)),
                ("length", models.PositiveIntegerField()),
                ("pdf", models.BinaryField()),
                ("created_by", models.CharField(max_length=64)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("seq", models.BigIntegerField()),
                ("event", models.CharField(max_length=96)),
            ],
            options={
                "db_table": "reports_report",
                "indexes": [models.Index(fields=["tenant_id", "-created_at"], name="reports_report_newest")],
                "constraints": [
                    muniment.server.tenants.isolation.TenantIsolation(
                        grants=["SELECT", "INSERT"], name="reports_report_tenant"
                    )
                ],
            },
        ),
    ]
