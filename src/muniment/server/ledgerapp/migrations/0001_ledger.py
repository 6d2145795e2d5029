"""The ledger: tables, functions, triggers, policies and grants."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from muniment.ledger.schema import schema_files


def _run(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    del apps
    with editor.connection.cursor() as cursor:
        for path in schema_files(through="900_grants"):
            cursor.execute(path.read_text(encoding="utf-8"), None)


class Migration(migrations.Migration):
    """There is no way back: a ledger is not deleted by a migration."""

    initial = True
    operations = (migrations.RunPython(_run, elidable=False),)
