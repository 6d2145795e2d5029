"""An exception goes on by its steps only, nobody decides on their own, and what was decided on is not edited.

The same rules as `workflow.TRANSITIONS`, held by the database against whoever writes as the application. What a case is
submitted under, and what a decision is, the next migration holds.
"""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

STEP = """
-- Invariant: every step is one that the workflow allows from where the exception stands, taken by somebody who may.
-- The exception's row is locked, so that of two steps at once the second is judged by what the first one left.
CREATE FUNCTION exceptions_step_guard() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    asked exceptions_exception;
    given integer;
    levels jsonb;
    barred text[];
BEGIN
    SELECT * INTO asked FROM exceptions_exception WHERE id = NEW.exception AND tenant_id = NEW.tenant_id FOR UPDATE;
    IF NOT FOUND THEN
        IF (NEW.kind, NEW.source, NEW.target, NEW.number, NEW.round, NEW.level, NEW.on_behalf_of)
           IS DISTINCT FROM ('create', '', 'draft', 1, 0, 0, '') THEN
            RAISE EXCEPTION 'an exception begins as a draft' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.number <> asked.steps + 1 OR NEW.source <> asked.state THEN
        RAISE EXCEPTION 'a step follows the one before it' USING ERRCODE = 'check_violation';
    END IF;
    IF (NEW.kind, NEW.source, NEW.target) NOT IN (
        ('submit', 'draft', 'under_review'), ('submit', 'returned', 'under_review'),
        ('approve', 'under_review', 'under_review'), ('approve', 'under_review', 'approved'),
        ('return', 'under_review', 'returned'), ('reject', 'under_review', 'rejected'),
        ('withdraw', 'draft', 'withdrawn'), ('withdraw', 'returned', 'withdrawn'),
        ('withdraw', 'under_review', 'withdrawn'), ('withdraw', 'approved', 'withdrawn'),
        ('withdraw', 'active', 'withdrawn'),
        ('revoke', 'approved', 'revoked'), ('revoke', 'active', 'revoked'),
        ('activate', 'approved', 'active'), ('expire', 'active', 'expired'),
        ('stale', 'approved', 'approved'), ('stale', 'active', 'active'),
        ('attest', 'approved', 'approved'), ('attest', 'active', 'active')) THEN
        RAISE EXCEPTION 'an exception does not % from % to %', NEW.kind, NEW.source, NEW.target
            USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.round <> asked.round + (NEW.kind = 'submit')::integer OR (NEW.kind <> 'approve' AND NEW.level <> 0) THEN
        RAISE EXCEPTION 'a step belongs to its submission' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.kind IN ('approve', 'return', 'reject', 'withdraw', 'revoke', 'attest') AND btrim(NEW.comment) = '' THEN
        RAISE EXCEPTION 'a decision says why' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.kind IN ('activate', 'expire', 'stale') THEN
        IF NEW."by" <> 'system:server' OR NEW.on_behalf_of <> '' THEN
            RAISE EXCEPTION 'the server does this by itself' USING ERRCODE = 'check_violation';
        END IF;
        IF (NEW.kind = 'activate' AND (asked.starts_at IS NULL OR NEW.at < asked.starts_at))
           OR (NEW.kind = 'expire' AND (asked.ends_at IS NULL OR NEW.at < asked.ends_at)) THEN
            RAISE EXCEPTION 'an exception holds from its first day to its last' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.kind IN ('submit', 'withdraw') OR (NEW.kind = 'attest' AND asked.stale_at IS NULL) THEN
        IF NEW."by" NOT IN (asked.requested_by, asked.owner) OR NEW.on_behalf_of <> ''
           OR (NEW.kind = 'attest' AND NEW."by" NOT LIKE 'user:%') THEN
            RAISE EXCEPTION 'who asked for it does this' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW."by" NOT LIKE 'user:_%' OR (NEW.on_behalf_of <> '' AND NEW.on_behalf_of NOT LIKE 'user:_%')
       OR NEW.on_behalf_of = NEW."by" THEN
        RAISE EXCEPTION 'a person decides' USING ERRCODE = 'check_violation';
    END IF;
    -- Who stands in for whom is asked for the moment of the step, which is that of the database, clocks being clocks.
    IF abs(extract(epoch FROM NEW.at - now())) > 300 THEN
        RAISE EXCEPTION 'a decision is dated when it is taken' USING ERRCODE = 'check_violation';
    END IF;
    SELECT array_agg(s."by"::text) || asked.requested_by::text || asked.owner::text INTO barred FROM exceptions_step s
        WHERE s.tenant_id = NEW.tenant_id AND s.exception = NEW.exception AND s.kind = 'submit';
    -- Nor do they whose the exception is that it renews: somebody else's name on the renewal would make it theirs to
    -- decide on.
    barred := barred || (SELECT ARRAY[r.requested_by::text, r.owner::text] FROM exceptions_exception r
                         WHERE r.tenant_id = NEW.tenant_id AND r.id = asked.renews);
    IF exceptions_is_one_of(NEW, barred) THEN
        RAISE EXCEPTION 'who asks does not decide, nor who stands in for them' USING ERRCODE = 'check_violation';
    END IF;
    SELECT count(*) INTO given FROM exceptions_step
        WHERE tenant_id = NEW.tenant_id AND exception = NEW.exception AND round = asked.round AND kind = 'approve'
          AND number < NEW.number;
    -- Whoever attests after the last approval does what its level does; revoking is for anybody who may approve.
    levels := exceptions_levels(asked, exceptions_rules_of(asked.tenant_id, asked.rules));
    IF NOT exceptions_is_named(NEW, CASE WHEN NEW.kind = 'revoke' THEN '{}'::jsonb
            WHEN asked.state = 'under_review' THEN levels->least(given, jsonb_array_length(levels) - 1)
            ELSE levels->(jsonb_array_length(levels) - 1) END) THEN
        RAISE EXCEPTION 'the rules name who decides' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.kind <> 'approve' THEN
        RETURN NEW;
    END IF;
    IF jsonb_array_length(levels) <> asked.levels THEN
        RAISE EXCEPTION 'the rules ask for other approvals by now' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.level <> given + 1 OR NEW.level > asked.levels
       OR (NEW.target = 'approved') <> (NEW.level = asked.levels) THEN
        RAISE EXCEPTION 'approvals are counted, none is left out' USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (
        SELECT FROM exceptions_step s
        WHERE s.tenant_id = NEW.tenant_id AND s.exception = NEW.exception AND s.round = asked.round
          AND s.kind = 'approve' AND s.number < NEW.number
          AND exceptions_is_one_of(NEW, ARRAY[s."by", s.on_behalf_of]::text[])) THEN
        RAISE EXCEPTION 'two approvals are two people, and neither stands in for the other'
            USING ERRCODE = 'check_violation';
    END IF;
    IF asked.ends_at IS NULL OR NEW.at >= asked.ends_at THEN
        RAISE EXCEPTION 'nothing is approved whose last day has passed' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$
"""
PEOPLE = """
-- Whether a step is the word of one of some people, or of somebody who stands in for one of them at that moment.
CREATE FUNCTION exceptions_is_one_of(taken exceptions_step, people text[]) RETURNS boolean
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT EXISTS (
        SELECT FROM unnest(people) one
        WHERE one <> '' AND (one IN (taken."by", taken.on_behalf_of)
                             OR approvals_stands_in(taken.tenant_id, taken."by", one, taken.at)))
$$
"""
NAMED = """
-- Whether the rules give a say to whoever takes a step: to themselves, or to whom they stand in for at that moment.
CREATE FUNCTION exceptions_is_named(taken exceptions_step, named jsonb) RETURNS boolean
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT named IS NOT NULL AND CASE WHEN taken.on_behalf_of = ''
        THEN approvals_holds(taken.tenant_id, taken."by", 'exception.approve', named)
        ELSE approvals_holds(taken.tenant_id, taken."by", 'exception.approve', '{}')
             AND approvals_holds(taken.tenant_id, taken.on_behalf_of, 'exception.approve', named)
             AND approvals_stands_in(taken.tenant_id, taken."by", taken.on_behalf_of, taken.at)
        END
$$
"""
TAKEN = """
-- Invariant: at commit every step stands in the row of its exception. A step kept for later would count for nobody.
CREATE FUNCTION exceptions_step_taken() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM exceptions_exception
        WHERE id = NEW.exception AND tenant_id = NEW.tenant_id AND steps >= NEW.number) THEN
        RAISE EXCEPTION 'a step is taken in its own transaction' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$
"""
EXCEPTION = """
-- Invariant: the row goes from state to state by a step that is there, and by nothing else; what was submitted is not
-- edited, its last day least of all; who asked, what it renews and its chain never change.
CREATE FUNCTION exceptions_exception_guard() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    step exceptions_step;
    renewed exceptions_exception;
    made exceptions_decision;
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT * INTO step FROM exceptions_step
            WHERE tenant_id = NEW.tenant_id AND exception = NEW.id AND number = 1;
        IF NOT FOUND OR step.kind <> 'create' OR step."by" <> NEW.requested_by
           OR (NEW.state, NEW.steps, NEW.round, NEW.level, NEW.levels, NEW.rules)
              IS DISTINCT FROM ('draft', 1, 0, 0, 0, '')
           OR num_nonnulls(NEW.submitted_at, NEW.starts_at, NEW.soon_at, NEW.ends_at, NEW.approved_at, NEW.closed_at,
                           NEW.stale_at, NEW.attested_at) > 0 THEN
            RAISE EXCEPTION 'an exception begins as a draft' USING ERRCODE = 'check_violation';
        END IF;
        IF NEW.renews = '' THEN
            IF NEW.chain <> NEW.id THEN
                RAISE EXCEPTION 'a chain begins with itself' USING ERRCODE = 'check_violation';
            END IF;
            RETURN NEW;
        END IF;
        SELECT * INTO renewed FROM exceptions_exception WHERE id = NEW.renews AND tenant_id = NEW.tenant_id FOR SHARE;
        IF NOT FOUND OR renewed.chain <> NEW.chain OR renewed.state NOT IN ('approved', 'active', 'expired') THEN
            RAISE EXCEPTION 'what is renewed stood' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF (NEW.id, NEW.tenant_id, NEW.requested_by, NEW.renews, NEW.chain, NEW.created_at, NEW.seq, NEW.event)
       IS DISTINCT FROM
       (OLD.id, OLD.tenant_id, OLD.requested_by, OLD.renews, OLD.chain, OLD.created_at, OLD.seq, OLD.event) THEN
        RAISE EXCEPTION 'who asked for what is not changed' USING ERRCODE = 'check_violation';
    END IF;
    IF (NEW.title, NEW.policy_id, NEW.scope, NEW.reason, NEW.risk_level, NEW.residual_risk, NEW.compensating,
        NEW.controls, NEW.compensating_controls, NEW.assets, NEW.evidence, NEW.starts_on, NEW.expires_on, NEW.zone,
        NEW.owner)
       IS DISTINCT FROM
       (OLD.title, OLD.policy_id, OLD.scope, OLD.reason, OLD.risk_level, OLD.residual_risk, OLD.compensating,
        OLD.controls, OLD.compensating_controls, OLD.assets, OLD.evidence, OLD.starts_on, OLD.expires_on, OLD.zone,
        OLD.owner)
       AND NOT (OLD.state IN ('draft', 'returned') AND NEW.steps = OLD.steps) THEN
        RAISE EXCEPTION 'what was submitted is not edited' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.steps = OLD.steps THEN
        IF (NEW.state, NEW.round, NEW.level, NEW.levels, NEW.rules, NEW.submitted_at, NEW.starts_at, NEW.soon_at,
            NEW.ends_at, NEW.approved_at, NEW.closed_at, NEW.stale_at, NEW.attested_at)
           IS DISTINCT FROM
           (OLD.state, OLD.round, OLD.level, OLD.levels, OLD.rules, OLD.submitted_at, OLD.starts_at, OLD.soon_at,
            OLD.ends_at, OLD.approved_at, OLD.closed_at, OLD.stale_at, OLD.attested_at) THEN
            RAISE EXCEPTION 'an exception goes on by a step' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    SELECT * INTO step FROM exceptions_step
        WHERE tenant_id = NEW.tenant_id AND exception = NEW.id AND number = NEW.steps;
    IF NOT FOUND OR NEW.steps <> OLD.steps + 1 OR step.source <> OLD.state OR step.target <> NEW.state
       OR step.round <> NEW.round THEN
        RAISE EXCEPTION 'an exception does not go from % to % without a step', OLD.state, NEW.state
            USING ERRCODE = 'check_violation';
    END IF;
    IF step.kind = 'submit' THEN
        PERFORM exceptions_check_rules(NEW);
        IF NEW.level <> 0 OR NEW.submitted_at IS NULL OR NEW.starts_at IS NULL OR NEW.ends_at IS NULL
           -- Zone tables of two programs may tell an hour apart, never a day.
           OR abs(extract(epoch FROM NEW.ends_at - ((NEW.expires_on + 1)::timestamp AT TIME ZONE NEW.zone))) > 7200
           OR NEW.starts_at >= NEW.ends_at OR NEW.soon_at IS NULL
           OR (NEW.starts_on IS NOT NULL
               AND abs(extract(epoch FROM NEW.starts_at - (NEW.starts_on::timestamp AT TIME ZONE NEW.zone))) > 7200)
        THEN
            RAISE EXCEPTION 'an exception is submitted with its rules and days' USING ERRCODE = 'check_violation';
        END IF;
    ELSIF (NEW.round, NEW.levels, NEW.rules, NEW.submitted_at, NEW.starts_at, NEW.soon_at, NEW.ends_at)
          IS DISTINCT FROM
          (OLD.round, OLD.levels, OLD.rules, OLD.submitted_at, OLD.starts_at, OLD.soon_at, OLD.ends_at) THEN
        RAISE EXCEPTION 'a running case keeps its rules and days' USING ERRCODE = 'check_violation';
    END IF;
    IF step.kind <> 'submit' AND NEW.level <> (CASE WHEN step.kind = 'approve' THEN step.level ELSE OLD.level END) THEN
        RAISE EXCEPTION 'approvals are counted' USING ERRCODE = 'check_violation';
    END IF;
    IF (step.kind = 'stale') AND NEW.stale_at IS NULL OR (step.kind = 'attest') AND NEW.stale_at IS NOT NULL
       OR step.kind NOT IN ('stale', 'attest') AND NEW.stale_at IS DISTINCT FROM OLD.stale_at
       OR step.kind <> 'attest' AND NEW.attested_at IS DISTINCT FROM OLD.attested_at THEN
        RAISE EXCEPTION 'a stale decision is attested, not forgotten' USING ERRCODE = 'check_violation';
    END IF;
    IF (NEW.approved_at IS DISTINCT FROM OLD.approved_at) <> (step.target = 'approved' AND step.kind = 'approve')
       OR (NEW.closed_at IS NOT NULL) <> (NEW.state IN ('rejected', 'withdrawn', 'revoked', 'expired')) THEN
        RAISE EXCEPTION 'a step is dated when it is taken' USING ERRCODE = 'check_violation';
    END IF;
    IF step.kind NOT IN ('approve', 'return', 'reject', 'revoke', 'attest') THEN
        RETURN NEW;
    END IF;
    SELECT * INTO made FROM exceptions_decision d
        WHERE d.tenant_id = NEW.tenant_id AND d.exception = NEW.id AND d.step = step.id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'a decision freezes what it applies to' USING ERRCODE = 'check_violation';
    END IF;
    IF step.kind = 'approve' AND EXISTS (
        SELECT FROM exceptions_step s JOIN exceptions_decision d ON d.step = s.id AND d.tenant_id = s.tenant_id
        WHERE s.tenant_id = NEW.tenant_id AND s.exception = NEW.id AND s.round = NEW.round AND s.kind = 'approve'
          AND s.number < step.number AND d.basis <> made.basis) THEN
        RAISE EXCEPTION 'both approvals apply to the same' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$
"""


class Migration(migrations.Migration):
    """Three triggers, and what they ask of people."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("approvals", "0002_guards"), ("exceptions", "0001_initial")]

    operations: ClassVar[list[Operation]] = [
        migrations.RunSQL(PEOPLE, "DROP FUNCTION exceptions_is_one_of"),
        migrations.RunSQL(NAMED, "DROP FUNCTION exceptions_is_named"),
        migrations.RunSQL(STEP, "DROP FUNCTION exceptions_step_guard CASCADE"),
        migrations.RunSQL(
            "CREATE TRIGGER exceptions_step_guard AFTER INSERT ON exceptions_step "
            "FOR EACH ROW EXECUTE FUNCTION exceptions_step_guard()",
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(TAKEN, "DROP FUNCTION exceptions_step_taken CASCADE"),
        migrations.RunSQL(
            "CREATE CONSTRAINT TRIGGER exceptions_step_taken AFTER INSERT ON exceptions_step "
            "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION exceptions_step_taken()",
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(EXCEPTION, "DROP FUNCTION exceptions_exception_guard CASCADE"),
        migrations.RunSQL(
            "CREATE TRIGGER exceptions_exception_guard AFTER INSERT OR UPDATE ON exceptions_exception "
            "FOR EACH ROW EXECUTE FUNCTION exceptions_exception_guard()",
            migrations.RunSQL.noop,
        ),
    ]
