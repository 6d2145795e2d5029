"""Whoever an alert is about does not acknowledge it, and no program does.

The same rules as `workflow.may_acknowledge`, held by the database against whoever writes as the application.
"""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

ACKNOWLEDGEMENT = """
-- Invariant: every acknowledgement is by a person whom the alert is not about, of an alert of the same tenant, and says why.
CREATE FUNCTION anomalies_acknowledgement_guard() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    raised anomalies_alert;
BEGIN
    SELECT * INTO raised FROM anomalies_alert WHERE id = NEW.alert AND tenant_id = NEW.tenant_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no such alert' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW."by" NOT LIKE 'user:%' THEN
        RAISE EXCEPTION 'an alert is acknowledged by a person' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW."by" = ANY (raised.about) THEN
        RAISE EXCEPTION 'an alert is not acknowledged by somebody whom it is about' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.verdict NOT IN ('expected', 'handled') OR btrim(NEW.comment) = '' THEN
        RAISE EXCEPTION 'an acknowledgement says what it was, and why' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$
"""


class Migration(migrations.Migration):
    """One trigger."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("anomalies", "0001_initial")]

    operations: ClassVar[list[Operation]] = [
        migrations.RunSQL(ACKNOWLEDGEMENT, "DROP FUNCTION anomalies_acknowledgement_guard CASCADE"),
        migrations.RunSQL(
            "CREATE TRIGGER anomalies_acknowledgement_guard AFTER INSERT ON anomalies_acknowledgement "
            "FOR EACH ROW EXECUTE FUNCTION anomalies_acknowledgement_guard()",
            migrations.RunSQL.noop,
        ),
    ]
