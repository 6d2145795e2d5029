"""The index that questions for a type of resource go by."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from muniment.ledger.schema import schema_files


def _run(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    del apps
    with editor.connection.cursor() as cursor:
        for path in schema_files(after="910_anchors", through="920_population_indexes"):
            cursor.execute(path.read_text(encoding="utf-8"), None)


class Migration(migrations.Migration):
    """There is no way back: an index is not in anybody's way."""

    dependencies = (("ledger", "0002_anchors"),)
    operations = (migrations.RunPython(_run, elidable=False),)
