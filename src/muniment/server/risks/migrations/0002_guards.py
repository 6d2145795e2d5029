"""What the database itself refuses, whatever the application asks of it."""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

VERSION = """
-- Invariant: a risk's versions are numbered without a gap, and each digest is that of its content.
CREATE FUNCTION risks_version_guard() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    said jsonb := NEW.content::jsonb;
    stands integer;
BEGIN
    IF NEW.digest <> encode(sha256(convert_to(NEW.content, 'UTF8')), 'hex') THEN
        RAISE EXCEPTION 'a version has the digest of what it says' USING ERRCODE = 'check_violation';
    END IF;
    IF (said->>'id', said->>'version') IS DISTINCT FROM (NEW.risk, NEW.version::text) THEN
        RAISE EXCEPTION 'a version says which it is' USING ERRCODE = 'check_violation';
    END IF;
    SELECT version INTO stands FROM risks_risk WHERE id = NEW.risk AND tenant_id = NEW.tenant_id;
    IF NEW.version <> coalesce(stands, 0) + 1 THEN
        RAISE EXCEPTION 'the next version of a risk is number %', coalesce(stands, 0) + 1
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$
"""
RISK = """
-- Invariant: a risk's row says what its newest version says, and it goes from state to state as the workflow allows.
-- Holds because a row is taken only beside the version row of its number, whose content it must repeat, and because a
-- version is numbered after the one that the row had.
CREATE FUNCTION risks_risk_guard() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    kept risks_version;
    said jsonb;
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'open' OR NEW.version <> 1 THEN
            RAISE EXCEPTION 'a risk begins open, at version 1' USING ERRCODE = 'check_violation';
        END IF;
    ELSE
        IF (NEW.id, NEW.tenant_id, NEW.origin, NEW.chain, NEW.opened_by, NEW.opened_at)
           IS DISTINCT FROM (OLD.id, OLD.tenant_id, OLD.origin, OLD.chain, OLD.opened_by, OLD.opened_at) THEN
            RAISE EXCEPTION 'where a risk comes from is not changed' USING ERRCODE = 'check_violation';
        END IF;
        IF NEW.version <> OLD.version + 1 THEN
            RAISE EXCEPTION 'every change of a risk is a version' USING ERRCODE = 'check_violation';
        END IF;
        IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
            ('open', 'residual'), ('open', 'closed'), ('residual', 'open'), ('residual', 'closed'),
            ('closed', 'open')) THEN
            RAISE EXCEPTION 'a risk does not go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
        END IF;
        IF NEW.state = 'residual' AND NEW.chain = '' THEN
            RAISE EXCEPTION 'no exception left this risk' USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    SELECT * INTO kept FROM risks_version
        WHERE tenant_id = NEW.tenant_id AND risk = NEW.id AND version = NEW.version;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'every change of a risk is a version' USING ERRCODE = 'check_violation';
    END IF;
    said := kept.content::jsonb;
    IF (kept.digest, kept.seq, kept.event) IS DISTINCT FROM (NEW.digest, NEW.seq, NEW.event)
       OR (said->>'state', said->>'title', said->>'description', said->>'owner', said->>'treatment', said->>'plan',
           said->>'review_on', said->>'matrix', said->>'origin', said->>'chain', said->>'level')
          IS DISTINCT FROM
          (NEW.state, NEW.title, NEW.description, NEW.owner, NEW.treatment, NEW.plan,
           NEW.review_on::text, NEW.matrix::text, NEW.origin, NEW.chain, NEW.level)
       OR (10 * (said->'inherent'->>'likelihood')::int + (said->'inherent'->>'impact')::int,
           10 * (said->'current'->>'likelihood')::int + (said->'current'->>'impact')::int,
           10 * (said->'residual'->>'likelihood')::int + (said->'residual'->>'impact')::int)
          IS DISTINCT FROM (NEW.inherent::int, NEW.current::int, NEW.residual::int)
       OR (NEW.ruling, NEW.score) <> (coalesce(NEW.current, NEW.residual, NEW.inherent, 0),
           (coalesce(NEW.current, NEW.residual, NEW.inherent, 0) / 10)
           * (coalesce(NEW.current, NEW.residual, NEW.inherent, 0) % 10))
       OR (said->'exceptions', said->'controls', said->'assets', said->'findings')
          IS DISTINCT FROM
          (to_jsonb(NEW.exceptions), to_jsonb(NEW.controls), to_jsonb(NEW.assets), to_jsonb(NEW.findings)) THEN
        RAISE EXCEPTION 'a risk says what its newest version says' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.chain <> '' AND NEW.state <> 'open' AND EXISTS (
        SELECT FROM exceptions_exception e
        WHERE e.tenant_id = NEW.tenant_id AND e.chain = NEW.chain AND e.state IN ('approved', 'active')) THEN
        RAISE EXCEPTION 'a risk is open as long as the exception that it mirrors holds'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$
"""
ACCEPTANCE = """
-- Invariant: an acceptance is about a risk as it stood when it was proposed, goes on as its workflow allows, is in force
-- only by a decision of somebody else, and ends early only because somebody ended it or the risk changed.
CREATE FUNCTION risks_acceptance_guard() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    about risks_risk;
BEGIN
    SELECT * INTO about FROM risks_risk WHERE id = NEW.risk AND tenant_id = NEW.tenant_id FOR SHARE;
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'proposed' OR NEW.ended_by <> '' OR NEW.ended_at IS NOT NULL OR NEW.ended_why <> '' THEN
            RAISE EXCEPTION 'an acceptance begins as a proposal' USING ERRCODE = 'check_violation';
        END IF;
        IF about.id IS NULL OR about.state = 'closed'
           OR (about.version, about.digest, about.owner) IS DISTINCT FROM (NEW.version, NEW.digest, NEW.owner) THEN
            RAISE EXCEPTION 'a proposal is about a risk as it stands' USING ERRCODE = 'check_violation';
        END IF;
        IF NEW.until < (now() AT TIME ZONE NEW.zone)::date THEN
            RAISE EXCEPTION 'an acceptance ends on a day to come' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    IF (NEW.id, NEW.tenant_id, NEW.risk, NEW.version, NEW.digest, NEW.owner, NEW.until, NEW.zone, NEW.reason,
        NEW.proposed_by, NEW.proposed_at, NEW.seq, NEW.event)
       IS DISTINCT FROM
       (OLD.id, OLD.tenant_id, OLD.risk, OLD.version, OLD.digest, OLD.owner, OLD.until, OLD.zone, OLD.reason,
        OLD.proposed_by, OLD.proposed_at, OLD.seq, OLD.event) THEN
        RAISE EXCEPTION 'what was proposed is not changed' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.state = OLD.state OR (OLD.state, NEW.state) NOT IN (
        ('proposed', 'accepted'), ('proposed', 'refused'), ('proposed', 'withdrawn'), ('proposed', 'stale'),
        ('proposed', 'expired'), ('accepted', 'revoked'), ('accepted', 'replaced'), ('accepted', 'stale'),
        ('accepted', 'expired')) THEN
        RAISE EXCEPTION 'an acceptance does not go from % to %', OLD.state, NEW.state
            USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.state IN ('accepted', 'refused') AND NOT EXISTS (
        SELECT FROM risks_decision d
        WHERE d.tenant_id = NEW.tenant_id AND d.acceptance = NEW.id AND d.verdict = NEW.state) THEN
        RAISE EXCEPTION 'nothing is accepted or refused without a decision' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.state = 'accepted' AND about.version <> NEW.version THEN
        RAISE EXCEPTION 'a risk that changed is proposed anew' USING ERRCODE = 'check_violation';
    END IF;
    IF (NEW.state = 'accepted') <> (NEW.ended_at IS NULL) THEN
        RAISE EXCEPTION 'what ends says when' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.state = 'expired' AND NEW.until >= (now() AT TIME ZONE NEW.zone)::date THEN
        RAISE EXCEPTION 'an acceptance holds until the end of its last day' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.state = 'revoked' AND (NEW.ended_why !~ '[^[:space:]]'
       OR NOT approvals_holds(NEW.tenant_id, NEW.ended_by, 'risk.accept', '{}')) THEN
        RAISE EXCEPTION 'a person revokes, and says why' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.state = 'replaced' AND NOT EXISTS (
        SELECT FROM risks_decision d JOIN risks_acceptance a ON a.id = d.acceptance AND a.tenant_id = d.tenant_id
        WHERE d.tenant_id = NEW.tenant_id AND d.risk = NEW.risk AND d.verdict = 'accepted' AND a.id <> NEW.id
          AND a.state = 'proposed') THEN
        RAISE EXCEPTION 'an acceptance is replaced by another one' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$
"""
DECISION = """
-- Invariant: a person decides on a proposal of somebody else about a risk of somebody else, says why, and what was
-- frozen is what stood.
CREATE FUNCTION risks_decision_guard() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    asked risks_acceptance;
    about risks_risk;
    said jsonb := NEW.content::jsonb;
BEGIN
    SELECT * INTO asked FROM risks_acceptance WHERE id = NEW.acceptance AND tenant_id = NEW.tenant_id FOR UPDATE;
    IF NOT FOUND OR asked.state <> 'proposed' OR asked.risk <> NEW.risk THEN
        RAISE EXCEPTION 'there is no proposal to decide on' USING ERRCODE = 'check_violation';
    END IF;
    SELECT * INTO about FROM risks_risk WHERE id = NEW.risk AND tenant_id = NEW.tenant_id FOR SHARE;
    IF NEW."by" NOT LIKE 'user:%' OR NEW."by" IN (asked.proposed_by, asked.owner, about.owner) THEN
        RAISE EXCEPTION 'who proposes or owns does not decide' USING ERRCODE = 'check_violation';
    END IF;
    IF NOT approvals_holds(NEW.tenant_id, NEW."by", 'risk.accept', '{}') THEN
        RAISE EXCEPTION 'a risk is accepted by who may' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.verdict NOT IN ('accepted', 'refused') OR NEW.comment !~ '[^[:space:]]' THEN
        RAISE EXCEPTION 'a decision says what it is, and why' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.verdict = 'accepted' AND (about.version <> asked.version
       OR asked.until < (now() AT TIME ZONE asked.zone)::date) THEN
        RAISE EXCEPTION 'the risk changed, or the last day is over' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.digest <> encode(sha256(convert_to(NEW.content, 'UTF8')), 'hex')
       OR (said->>'acceptance', said->>'verdict', said->>'by', said->>'comment', said->>'until', said->'risk'->>'digest')
          IS DISTINCT FROM
          (NEW.acceptance, NEW.verdict, NEW."by", NEW.comment, asked.until::text, asked.digest) THEN
        RAISE EXCEPTION 'a decision freezes what it was about' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$
"""
CONTENT = """
-- Invariant: matrices are numbered without a gap, and matrices and snapshots have the digest of what they say.
CREATE FUNCTION risks_content_guard() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF NEW.digest <> encode(sha256(convert_to(NEW.content, 'UTF8')), 'hex') THEN
        RAISE EXCEPTION 'the digest is that of what it says' USING ERRCODE = 'check_violation';
    END IF;
    IF TG_TABLE_NAME = 'risks_matrix' THEN
        IF NEW.version <> 1 + coalesce(
            (SELECT max(m.version) FROM risks_matrix m WHERE m.tenant_id = NEW.tenant_id AND m.id <> NEW.id), 0) THEN
            RAISE EXCEPTION 'matrices are numbered without a gap' USING ERRCODE = 'check_violation';
        END IF;
    END IF;
    RETURN NEW;
END
$$
"""
GUARDS = (
    ("risks_version", "INSERT", "risks_version_guard"),
    ("risks_risk", "INSERT OR UPDATE", "risks_risk_guard"),
    ("risks_acceptance", "INSERT OR UPDATE", "risks_acceptance_guard"),
    ("risks_decision", "INSERT", "risks_decision_guard"),
    ("risks_matrix", "INSERT", "risks_content_guard"),
    ("risks_snapshot", "INSERT", "risks_content_guard"),
)


class Migration(migrations.Migration):
    """Five functions, six triggers."""

    dependencies: ClassVar[list[tuple[str, str]]] = [("approvals", "0002_guards"), ("risks", "0001_initial")]

    operations: ClassVar[list[Operation]] = [
        migrations.RunSQL(VERSION, "DROP FUNCTION risks_version_guard CASCADE"),
        migrations.RunSQL(RISK, "DROP FUNCTION risks_risk_guard CASCADE"),
        migrations.RunSQL(ACCEPTANCE, "DROP FUNCTION risks_acceptance_guard CASCADE"),
        migrations.RunSQL(DECISION, "DROP FUNCTION risks_decision_guard CASCADE"),
        migrations.RunSQL(CONTENT, "DROP FUNCTION risks_content_guard CASCADE"),
        *(
            migrations.RunSQL(
                f"CREATE TRIGGER {table}_guard AFTER {when} ON {table} FOR EACH ROW EXECUTE FUNCTION {function}()",
                migrations.RunSQL.noop,
            )
            for table, when, function in GUARDS
        ),
    ]
