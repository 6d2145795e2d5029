"""A workspace stays pinned as it was made: the application may make one, and neither change nor remove it."""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation


class Migration(migrations.Migration):
    """Takes back what the isolation of the table grants to begin with."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("tenants", "0001_initial")]

    operations: ClassVar[list[Operation]] = [
        migrations.RunSQL(
            "REVOKE UPDATE, DELETE ON tenants_workspace FROM muniment_app",
            "GRANT UPDATE, DELETE ON tenants_workspace TO muniment_app",
        )
    ]
