"""Anchors: timestamp tokens over sealed notes."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from muniment.ledger.schema import schema_files


def _run(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    del apps
    with editor.connection.cursor() as cursor:
        for path in schema_files(after="900_grants", through="910_anchors"):
            cursor.execute(path.read_text(encoding="utf-8"), None)


class Migration(migrations.Migration):
    """There is no way back: tokens are not thrown away."""

    dependencies = (("ledger", "0001_ledger"),)
    operations = (migrations.RunPython(_run, elidable=False),)
