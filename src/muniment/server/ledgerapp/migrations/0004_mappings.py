"""Mappings of tenants, and the control ids that only they have."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from muniment.ledger.schema import schema_files


def _run(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    del apps
    with editor.connection.cursor() as cursor:
        for path in schema_files(after="920_population_indexes", through="930_mappings"):
            cursor.execute(path.read_text(encoding="utf-8"), None)


class Migration(migrations.Migration):
    """There is no way back: entries name the mappings."""

    dependencies = (("ledger", "0003_population_indexes"),)
    operations = (migrations.RunPython(_run, elidable=False),)
