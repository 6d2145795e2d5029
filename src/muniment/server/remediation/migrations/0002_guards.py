"""Tasks, findings and incidents go on along their workflow only, by steps that stay, whoever writes as the application.

The same rules as `workflow.TRANSITIONS`; a test compares the two.
"""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

ALLOWED = """
-- The steps that there are, each with the columns that it may change; NULL for a step that there is not.
CREATE FUNCTION remediation_step_sets(kind text, step text, before text, after text) RETURNS text[]
LANGUAGE sql IMMUTABLE AS $$
    SELECT string_to_array(sets, ' ') FROM (VALUES
        ('task', 'create', '', 'open', ''),
        ('task', 'change', 'open', 'open', 'title text controls owner due_on due_day recurrence'),
        ('task', 'finish', 'open', 'done', ''),
        ('task', 'skip', 'open', 'skipped', ''),
        ('task', 'drop', 'open', 'dropped', ''),
        ('finding', 'create', '', 'open', ''),
        ('finding', 'change', 'open', 'open', 'title text severity reference controls asset owner due_on'),
        ('finding', 'change', 'remediating', 'remediating',
            'title text severity reference controls asset owner due_on'),
        ('finding', 'start', 'open', 'remediating', ''),
        ('finding', 'resolve', 'open', 'resolved', 'resolved_by'),
        ('finding', 'resolve', 'remediating', 'resolved', 'resolved_by'),
        ('finding', 'verify', 'resolved', 'verified', 'verified_by'),
        ('finding', 'accept', 'open', 'accepted', 'exception'),
        ('finding', 'accept', 'remediating', 'accepted', 'exception'),
        ('finding', 'reopen', 'resolved', 'remediating', 'resolved_by verified_by exception'),
        ('finding', 'reopen', 'verified', 'open', 'resolved_by verified_by exception'),
        ('finding', 'reopen', 'accepted', 'open', 'resolved_by verified_by exception'),
        ('incident', 'create', '', 'open', ''),
        ('incident', 'change', 'open', 'open', 'title text severity owner started_at detected_at lessons'),
        ('incident', 'change', 'contained', 'contained', 'title text severity owner started_at detected_at lessons'),
        ('incident', 'change', 'resolved', 'resolved', 'title text severity owner started_at detected_at lessons'),
        ('incident', 'evidence', 'open', 'open', 'entries'),
        ('incident', 'evidence', 'contained', 'contained', 'entries'),
        ('incident', 'evidence', 'resolved', 'resolved', 'entries'),
        ('incident', 'contain', 'open', 'contained', ''),
        ('incident', 'resolve', 'open', 'resolved', 'resolved_at'),
        ('incident', 'resolve', 'contained', 'resolved', 'resolved_at'),
        ('incident', 'close', 'resolved', 'closed', 'lessons'),
        ('incident', 'reopen', 'resolved', 'open', 'resolved_at')
    ) AS known (of_kind, of_step, source, target, sets)
    WHERE (of_kind, of_step, source, target) = ($1, $2, $3, $4)
$$
"""
# "by" is a word of PL/pgSQL: a column of that name is quoted.
STEP = """
-- Invariant: the steps of one thing count from 1 without a gap, each begins where the one before ended, and is one that
-- there is. What decides has a comment; who resolved a finding did not verify it; what needs a person was done by one.
CREATE FUNCTION remediation_step_guard() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    prior remediation_step;
    resolver text;
BEGIN
    SELECT * INTO prior FROM remediation_step
        WHERE tenant_id = NEW.tenant_id AND kind = NEW.kind AND item = NEW.item AND id <> NEW.id
        ORDER BY number DESC LIMIT 1;
    IF NEW.number <> coalesce(prior.number, 0) + 1 OR NEW.before <> coalesce(prior.after, '') THEN
        RAISE EXCEPTION 'a step follows the one before it' USING ERRCODE = 'check_violation';
    END IF;
    IF remediation_step_sets(NEW.kind, NEW.step, NEW.before, NEW.after) IS NULL THEN
        RAISE EXCEPTION 'a % does not % from % to %', NEW.kind, NEW.step, NEW.before, NEW.after
            USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.step NOT IN ('create', 'change', 'start', 'evidence') AND btrim(NEW.comment) = '' THEN
        RAISE EXCEPTION 'the step % says why', NEW.step USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.step IN ('verify', 'accept') AND NEW."by" NOT LIKE 'user:%' THEN
        RAISE EXCEPTION 'the step % is taken by a person', NEW.step USING ERRCODE = 'check_violation';
    END IF;
    IF (NEW.step = 'accept') <> (NEW.exception LIKE 'exc\\_%') THEN
        RAISE EXCEPTION 'what is accepted is accepted through an exception' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.step = 'verify' THEN
        SELECT "by" INTO resolver FROM remediation_step
            WHERE tenant_id = NEW.tenant_id AND kind = NEW.kind AND item = NEW.item AND step = 'resolve'
            ORDER BY number DESC LIMIT 1;
        IF resolver IS NULL OR resolver = NEW."by" THEN
            RAISE EXCEPTION 'who resolved it does not verify it' USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    RETURN NEW;
END
$$
"""
ITEM = """
-- Invariant: a row says what its newest step says, and of it only what that step may change was changed.
CREATE FUNCTION remediation_item_guard() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    taken remediation_step;
    free text[];
    was_state text := '';
    was_number int := 0;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        was_state := OLD.state;
        was_number := OLD.number;
    END IF;
    SELECT * INTO taken FROM remediation_step
        WHERE tenant_id = NEW.tenant_id AND kind = TG_ARGV[0] AND item = NEW.id AND number = NEW.number;
    IF taken.id IS NULL OR NEW.number <> was_number + 1 OR taken.before <> was_state OR taken.after <> NEW.state
       OR taken.seq <> NEW.seq OR taken.event <> NEW.event THEN
        RAISE EXCEPTION 'a % goes on by a step', TG_ARGV[0] USING ERRCODE = 'check_violation';
    END IF;
    IF TG_OP = 'UPDATE' THEN
        free := remediation_step_sets(taken.kind, taken.step, taken.before, taken.after)
            || ARRAY['state', 'number', 'changed_at', 'seq', 'event'];
        IF to_jsonb(NEW) - free IS DISTINCT FROM to_jsonb(OLD) - free THEN
            RAISE EXCEPTION 'the step % does not change that of a %', taken.step, TG_ARGV[0]
                USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    IF TG_ARGV[0] = 'finding' THEN
        IF (to_jsonb(NEW) ->> 'exception') <> taken.exception AND taken.step IN ('create', 'accept', 'reopen') THEN
            RAISE EXCEPTION 'the exception of a finding is that of its step' USING ERRCODE = 'check_violation';
        END IF;
        IF (to_jsonb(NEW) ->> 'resolved_by') <> taken."by" AND taken.step = 'resolve' THEN
            RAISE EXCEPTION 'who resolved a finding is who took the step' USING ERRCODE = 'check_violation';
        END IF;
        IF (to_jsonb(NEW) ->> 'verified_by') <> taken."by" AND taken.step = 'verify' THEN
            RAISE EXCEPTION 'who verified a finding is who took the step' USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    RETURN NEW;
END
$$
"""
CARRIED = """
-- Invariant: when a transaction ends, what took a step in it is there and stands where that step led.
-- The tenant is named anew: a scope inside a longer transaction may be closed by then.
CREATE FUNCTION remediation_step_carried() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    named text := coalesce(current_setting('muniment.tenant', true), '');
    stands int;
    newest int;
BEGIN
    PERFORM set_config('muniment.tenant', NEW.tenant_id::text, true);
    SELECT max(number) INTO newest FROM remediation_step
        WHERE tenant_id = NEW.tenant_id AND kind = NEW.kind AND item = NEW.item;
    IF NEW.kind = 'task' THEN
        SELECT number INTO stands FROM remediation_task WHERE tenant_id = NEW.tenant_id AND id = NEW.item;
    ELSIF NEW.kind = 'finding' THEN
        SELECT number INTO stands FROM remediation_finding WHERE tenant_id = NEW.tenant_id AND id = NEW.item;
    ELSE
        SELECT number INTO stands FROM remediation_incident WHERE tenant_id = NEW.tenant_id AND id = NEW.item;
    END IF;
    PERFORM set_config('muniment.tenant', named, true);
    IF stands IS DISTINCT FROM newest THEN
        RAISE EXCEPTION 'a step is taken by something that is there' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$
"""


def _guard(table: str, kind: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"CREATE TRIGGER {table}_guard AFTER INSERT OR UPDATE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION remediation_item_guard('{kind}')",
        migrations.RunSQL.noop,
    )


class Migration(migrations.Migration):
    """The guards of the steps and of what takes them."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("remediation", "0001_initial")]

    operations: ClassVar[list[Operation]] = [
        migrations.RunSQL(ALLOWED, "DROP FUNCTION remediation_step_sets CASCADE"),
        migrations.RunSQL("GRANT EXECUTE ON FUNCTION remediation_step_sets TO muniment_app", migrations.RunSQL.noop),
        migrations.RunSQL(STEP, "DROP FUNCTION remediation_step_guard CASCADE"),
        migrations.RunSQL(
            "CREATE TRIGGER remediation_step_guard AFTER INSERT ON remediation_step "
            "FOR EACH ROW EXECUTE FUNCTION remediation_step_guard()",
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(ITEM, "DROP FUNCTION remediation_item_guard CASCADE"),
        _guard("remediation_task", "task"),
        _guard("remediation_finding", "finding"),
        _guard("remediation_incident", "incident"),
        migrations.RunSQL(CARRIED, "DROP FUNCTION remediation_step_carried CASCADE"),
        migrations.RunSQL(
            "CREATE CONSTRAINT TRIGGER remediation_step_carried AFTER INSERT ON remediation_step "
            "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION remediation_step_carried()",
            migrations.RunSQL.noop,
        ),
    ]
