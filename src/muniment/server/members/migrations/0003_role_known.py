from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models


def first_release() -> list[str]:
    """The capabilities that there were before roles remembered which they knew."""
    return [
        "body.read",
        "export.create",
        "key.manage",
        "ledger.append",
        "ledger.read",
        "ledger.verify",
        "member.manage",
        "member.read",
        "role.manage",
        "source.read",
        "sso.manage",
        "tenant.manage",
        "trail.read",
    ]


class Migration(migrations.Migration):
    dependencies = [
        ("members", "0002_keys_and_deliveries"),
    ]

    operations = [
        # The table is under forced row level security, even for its owner: only a column's default reaches every row.
        migrations.AddField(
            model_name="role",
            name="known",
            field=ArrayField(
                base_field=models.CharField(max_length=32),
                default=first_release,
            ),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name="role",
            name="known",
            field=ArrayField(base_field=models.CharField(max_length=32), default=list),
        ),
    ]
