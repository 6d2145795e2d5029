"""A policy goes on version by version only, by the rules of `workflow.TRANSITIONS`, whoever writes as the application."""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

GUARD = """
-- Invariant: the versions of a policy count from 1 without a gap, keep its code, and end with the one that retires it.
CREATE FUNCTION policies_policy_guard() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    before policies_policy;
BEGIN
    SELECT * INTO before FROM policies_policy
        WHERE tenant_id = NEW.tenant_id AND policy = NEW.policy AND id <> NEW.id ORDER BY number DESC LIMIT 1;
    IF NEW.number <> coalesce(before.number, 0) + 1 THEN
        RAISE EXCEPTION 'the versions of a policy follow each other' USING ERRCODE = 'check_violation';
    END IF;
    IF (coalesce(before.status, ''), NEW.status) NOT IN
        (('', 'in-force'), ('in-force', 'in-force'), ('in-force', 'retired')) THEN
        RAISE EXCEPTION 'a policy does not go from % to %', coalesce(before.status, 'nothing'), NEW.status
            USING ERRCODE = 'check_violation';
    END IF;
    IF before.code IS NOT NULL AND before.code <> NEW.code THEN
        RAISE EXCEPTION 'the code of a policy is not changed' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.owner = '' OR (NEW.text = '' AND NEW.link = '') OR (NEW.status = 'retired' AND NEW.reason = '') THEN
        RAISE EXCEPTION 'a policy says something, has an owner, and is retired with a reason'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$
"""


class Migration(migrations.Migration):
    """One trigger."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("policies", "0001_initial")]

    operations: ClassVar[list[Operation]] = [
        migrations.RunSQL(GUARD, "DROP FUNCTION policies_policy_guard CASCADE"),
        migrations.RunSQL(
            "CREATE TRIGGER policies_policy_guard AFTER INSERT ON policies_policy "
            "FOR EACH ROW EXECUTE FUNCTION policies_policy_guard()",
            migrations.RunSQL.noop,
        ),
    ]
