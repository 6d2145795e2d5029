"""Nothing is released but what is in quarantine, by a person, and not by the one who attached it.

The same rules as `services.release`, held by the database against whoever writes as the application.
"""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

RELEASE = """
-- Invariant: a release is of a verdict that holds a stored file back, by a person who did not attach that file.
CREATE FUNCTION dlp_release_guard() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    held dlp_verdict;
BEGIN
    SELECT * INTO held FROM dlp_verdict WHERE id = NEW.verdict AND tenant_id = NEW.tenant_id;
    IF NOT FOUND OR held.action <> 'quarantine' OR held.subject = '' THEN
        RAISE EXCEPTION 'only what is in quarantine is released' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.created_by NOT LIKE 'user:%' OR NEW.created_by = held.attached_by THEN
        RAISE EXCEPTION 'who attached a file does not release it' USING ERRCODE = 'check_violation';
    END IF;
    IF btrim(NEW.reason) = '' THEN
        RAISE EXCEPTION 'a release has a reason' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$
"""


class Migration(migrations.Migration):
    """One trigger."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("dlp", "0001_initial")]

    operations: ClassVar[list[Operation]] = [
        migrations.RunSQL(RELEASE, "DROP FUNCTION dlp_release_guard CASCADE"),
        migrations.RunSQL(
            "CREATE TRIGGER dlp_release_guard AFTER INSERT ON dlp_release "
            "FOR EACH ROW EXECUTE FUNCTION dlp_release_guard()",
            migrations.RunSQL.noop,
        ),
    ]
