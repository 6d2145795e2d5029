"""A request goes on along its workflow only, and nothing is handed over that was not approved and signed for.

The same rules as `workflow.TRANSITIONS`, held by the database against whoever writes as the application.
"""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

REQUEST = """
-- Invariant: of a request only what its step changes is changed, and no step is left out.
CREATE FUNCTION packets_request_guard() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'requested' OR NEW.decided_by <> '' OR NEW.sha256 <> '' OR NEW.delivered_at IS NOT NULL THEN
            RAISE EXCEPTION 'a request begins as one' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF (NEW.id, NEW.tenant_id, NEW.scope_id, NEW.purpose, NEW.party, NEW.requested_by, NEW.requested_at, NEW.due_at,
        NEW.zone, NEW.nda_id, NEW.seq, NEW.event)
       IS DISTINCT FROM
       (OLD.id, OLD.tenant_id, OLD.scope_id, OLD.purpose, OLD.party, OLD.requested_by, OLD.requested_at, OLD.due_at,
        OLD.zone, OLD.nda_id, OLD.seq, OLD.event) THEN
        RAISE EXCEPTION 'what was asked for is not changed' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
        ('requested', 'approved'), ('requested', 'refused'), ('requested', 'withdrawn'),
        ('approved', 'built'), ('approved', 'withdrawn'),
        ('built', 'delivered'), ('built', 'withdrawn'),
        ('delivered', 'withdrawn')) THEN
        RAISE EXCEPTION 'a request does not go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
    END IF;
    IF (NEW.decided_by, NEW.decided_at) IS DISTINCT FROM (OLD.decided_by, OLD.decided_at)
       AND NOT (OLD.state = 'requested' AND NEW.state IN ('approved', 'refused')) THEN
        RAISE EXCEPTION 'a decision is not changed' USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.state = 'requested' AND NEW.state IN ('approved', 'refused')
       AND NEW.decided_by IN ('', NEW.requested_by, NEW.party) THEN
        RAISE EXCEPTION 'who asks does not decide' USING ERRCODE = 'check_violation';
    END IF;
    IF (NEW.blob_id, NEW.size, NEW.sha256, NEW.manifest, NEW.build_entry, NEW.kept_entry,
        NEW.packet_id, NEW.built_at)
       IS DISTINCT FROM (OLD.blob_id, OLD.size, OLD.sha256, OLD.manifest, OLD.build_entry, OLD.kept_entry,
        OLD.packet_id, OLD.built_at)
       AND NOT (OLD.state = 'approved' AND NEW.state = 'built') THEN
        RAISE EXCEPTION 'what was built is not changed' USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.delivered_at IS NOT NULL AND NEW.delivered_at IS DISTINCT FROM OLD.delivered_at THEN
        RAISE EXCEPTION 'the first delivery is not changed' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$
"""
DELIVERY = """
-- Invariant: every delivery is of a packet that somebody else approved, whose bytes are those that were built, and for
-- which the party signed where a text was to be signed.
CREATE FUNCTION packets_delivery_guard() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    asked packets_request;
BEGIN
    SELECT * INTO asked FROM packets_request WHERE id = NEW.request AND tenant_id = NEW.tenant_id FOR SHARE;
    IF NOT FOUND OR asked.state NOT IN ('built', 'delivered') OR asked.decided_by = ''
       OR asked.sha256 = '' OR asked.sha256 <> NEW.sha256 THEN
        RAISE EXCEPTION 'nothing is handed over that was not approved and built' USING ERRCODE = 'check_violation';
    END IF;
    IF asked.nda_id <> '' AND NOT EXISTS (
        SELECT FROM packets_signature s JOIN packets_nda t ON t.id = s.nda_id AND t.tenant_id = s.tenant_id
        WHERE s.request = asked.id AND s.tenant_id = asked.tenant_id AND s.party = asked.party
          AND s.nda_id = asked.nda_id AND s.sha256 = t.sha256) THEN
        RAISE EXCEPTION 'nothing is handed over that was not signed for' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$
"""


class Migration(migrations.Migration):
    """Two triggers."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("packets", "0001_initial")]

    operations: ClassVar[list[Operation]] = [
        migrations.RunSQL(REQUEST, "DROP FUNCTION packets_request_guard CASCADE"),
        migrations.RunSQL(
            "CREATE TRIGGER packets_request_guard AFTER INSERT OR UPDATE ON packets_request "
            "FOR EACH ROW EXECUTE FUNCTION packets_request_guard()",
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(DELIVERY, "DROP FUNCTION packets_delivery_guard CASCADE"),
        migrations.RunSQL(
            "CREATE TRIGGER packets_delivery_guard AFTER INSERT ON packets_delivery "
            "FOR EACH ROW EXECUTE FUNCTION packets_delivery_guard()",
            migrations.RunSQL.noop,
        ),
    ]
