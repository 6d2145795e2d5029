"""An asset goes on version by version only, by the rules of `workflow.TRANSITIONS`, whoever writes as the application."""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

GUARD = """
-- Invariant: the versions of an asset count from 1 without a gap, keep its code, and end with the one that retires it.
CREATE FUNCTION assets_asset_guard() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    before assets_asset;
BEGIN
    SELECT * INTO before FROM assets_asset
        WHERE tenant_id = NEW.tenant_id AND asset = NEW.asset AND id <> NEW.id ORDER BY number DESC LIMIT 1;
    IF NEW.number <> coalesce(before.number, 0) + 1 THEN
        RAISE EXCEPTION 'the versions of an asset follow each other' USING ERRCODE = 'check_violation';
    END IF;
    IF (coalesce(before.status, ''), NEW.status) NOT IN
        (('', 'in-use'), ('in-use', 'in-use'), ('in-use', 'retired')) THEN
        RAISE EXCEPTION 'an asset does not go from % to %', coalesce(before.status, 'nothing'), NEW.status
            USING ERRCODE = 'check_violation';
    END IF;
    IF before.code IS NOT NULL AND before.code <> NEW.code THEN
        RAISE EXCEPTION 'the code of an asset is not changed' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.name = '' OR NEW.criticality NOT IN ('low', 'medium', 'high', 'critical')
       OR (NEW.status = 'retired' AND NEW.reason = '') THEN
        RAISE EXCEPTION 'an asset has a name and a criticality, and is retired with a reason'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$
"""


class Migration(migrations.Migration):
    """One trigger."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("assets", "0001_initial")]

    operations: ClassVar[list[Operation]] = [
        migrations.RunSQL(GUARD, "DROP FUNCTION assets_asset_guard CASCADE"),
        migrations.RunSQL(
            "CREATE TRIGGER assets_asset_guard AFTER INSERT ON assets_asset "
            "FOR EACH ROW EXECUTE FUNCTION assets_asset_guard()",
            migrations.RunSQL.noop,
        ),
    ]
