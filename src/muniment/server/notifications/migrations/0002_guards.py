"""What somebody was told stays as it was told, and a message goes on along its states only."""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

NOTIFICATION = """
-- Invariant: what somebody was told is not told otherwise later; what was read stays read, and what is in a message
-- is not put into another one.
CREATE FUNCTION notifications_notification_guard() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF (NEW.id, NEW.tenant_id, NEW.user_id, NEW.event, NEW.subject_kind, NEW.subject_id, NEW.title, NEW.url, NEW.facts,
        NEW.in_app, NEW.created_at, NEW.way, NEW.due_at, NEW.entry)
       IS DISTINCT FROM
       (OLD.id, OLD.tenant_id, OLD.user_id, OLD.event, OLD.subject_kind, OLD.subject_id, OLD.title, OLD.url, OLD.facts,
        OLD.in_app, OLD.created_at, OLD.way, OLD.due_at, OLD.entry) THEN
        RAISE EXCEPTION 'what somebody was told is not changed' USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.read_at IS NOT NULL AND NEW.read_at IS DISTINCT FROM OLD.read_at THEN
        RAISE EXCEPTION 'what was read stays read' USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.mail <> '' AND NEW.mail <> OLD.mail THEN
        RAISE EXCEPTION 'a notification goes out in one message' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$
"""
MESSAGE = """
-- Invariant: a message that was handed to a mail server, as far as anybody knows, is not handed over again.
CREATE FUNCTION notifications_message_guard() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'waiting' OR NEW.attempts <> 0 OR NEW.seq IS NOT NULL THEN
            RAISE EXCEPTION 'a message begins waiting' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF (NEW.id, NEW.tenant_id, NEW.user_id, NEW.way, NEW.number, NEW.created_at)
       IS DISTINCT FROM (OLD.id, OLD.tenant_id, OLD.user_id, OLD.way, OLD.number, OLD.created_at)
       OR NEW.attempts < OLD.attempts THEN
        RAISE EXCEPTION 'what a message is stays' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
        ('waiting', 'handing'), ('waiting', 'failed'), ('waiting', 'dropped'),
        ('handing', 'waiting'), ('handing', 'sent'), ('handing', 'failed'), ('handing', 'unknown')) THEN
        RAISE EXCEPTION 'a message does not go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
    END IF;
    IF OLD.state IN ('sent', 'failed', 'unknown', 'dropped') AND NEW IS DISTINCT FROM OLD THEN
        RAISE EXCEPTION 'how a message ended is not changed' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$
"""


class Migration(migrations.Migration):
    """Two triggers."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("notifications", "0001_initial")]

    operations: ClassVar[list[Operation]] = [
        migrations.RunSQL(NOTIFICATION, "DROP FUNCTION notifications_notification_guard CASCADE"),
        migrations.RunSQL(
            "CREATE TRIGGER notifications_notification_guard BEFORE UPDATE ON notifications_notification "
            "FOR EACH ROW EXECUTE FUNCTION notifications_notification_guard()",
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(MESSAGE, "DROP FUNCTION notifications_message_guard CASCADE"),
        migrations.RunSQL(
            "CREATE TRIGGER notifications_message_guard BEFORE INSERT OR UPDATE ON notifications_message "
            "FOR EACH ROW EXECUTE FUNCTION notifications_message_guard()",
            migrations.RunSQL.noop,
        ),
    ]
