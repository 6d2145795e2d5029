"""A case is submitted under the rules in force, and a decision is of its step and carries its own digest."""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

RULES_OF = """
-- What a version of the rules says. `wfv_default` are the rules of a tenant that wrote none.
CREATE FUNCTION exceptions_rules_of(tenant uuid, wanted text) RETURNS jsonb
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT CASE WHEN wanted = 'wfv_default' THEN
        '{"clauses": [{"risk_levels": ["high", "critical"], "levels": [{}, {}]}], "otherwise": {"levels": [{}]},
          "max_days": 365, "reminder_days": [90, 60, 30]}'::jsonb
    ELSE (SELECT r.content::jsonb FROM approvals_rules r WHERE r.tenant_id = tenant AND r.id = wanted) END
$$
"""
LEVELS = """
-- The approvals that a case needs, by the first row of the rules that holds for it.
CREATE FUNCTION exceptions_levels(asked exceptions_exception, content jsonb) RETURNS jsonb
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT coalesce((
        SELECT one->'levels' FROM jsonb_array_elements(content->'clauses') WITH ORDINALITY clauses (one, place)
        WHERE (NOT one ? 'risk_levels' OR one->'risk_levels' ? asked.risk_level)
          AND (NOT one ? 'frameworks' OR EXISTS (
               SELECT FROM unnest(asked.controls) c WHERE one->'frameworks' ? split_part(c, ':', 1)))
          AND (NOT one ? 'assets' OR one->'assets' ?| asked.assets::text[])
          AND (NOT one ? 'criticalities' OR EXISTS (
               SELECT FROM assets_asset a
               WHERE a.tenant_id = asked.tenant_id AND a.asset = ANY(asked.assets)
                 AND one->'criticalities' ? a.criticality
                 AND a.number = (SELECT max(n.number) FROM assets_asset n
                                 WHERE n.tenant_id = a.tenant_id AND n.asset = a.asset)))
        ORDER BY place LIMIT 1), content->'otherwise'->'levels')
$$
"""
RULES = """
-- Invariant: a case is submitted under the rules that are in force, with the approvals that they ask for, for no longer
-- than they allow, and with the day on which they have its people reminded first.
CREATE FUNCTION exceptions_check_rules(asked exceptions_exception) RETURNS void LANGUAGE plpgsql
    SET search_path FROM CURRENT AS $$
DECLARE
    content jsonb := exceptions_rules_of(asked.tenant_id, asked.rules);
    needed integer := jsonb_array_length(exceptions_levels(asked, content));
    begins date := coalesce(asked.starts_on, (asked.starts_at AT TIME ZONE asked.zone)::date);
    reminded integer := (
        SELECT max(one::integer) FROM jsonb_array_elements_text(content->'reminder_days') one);
BEGIN
    IF asked.rules <> coalesce((SELECT r.id FROM approvals_rules r WHERE r.tenant_id = asked.tenant_id
                                ORDER BY r.number DESC LIMIT 1), 'wfv_default') THEN
        RAISE EXCEPTION 'a case is submitted under the rules in force' USING ERRCODE = 'check_violation';
    END IF;
    IF asked.levels <> needed OR needed NOT IN (1, 2) THEN
        RAISE EXCEPTION 'the rules ask for % approvals', needed USING ERRCODE = 'check_violation';
    END IF;
    IF asked.expires_on - begins + 1 > (content->>'max_days')::integer THEN
        RAISE EXCEPTION 'an exception lasts no longer than the rules allow' USING ERRCODE = 'check_violation';
    END IF;
    -- Zone tables of two programs may tell an hour apart, never a day.
    IF abs(extract(epoch FROM asked.soon_at
                              - ((asked.expires_on - reminded)::timestamp AT TIME ZONE asked.zone))) > 7200 THEN
        RAISE EXCEPTION 'an exception expires soon when the rules say so' USING ERRCODE = 'check_violation';
    END IF;
END
$$
"""
DECISION = """
-- Invariant: a decision names its step, carries the digest of its own text, and applies to what the exception says.
CREATE FUNCTION exceptions_decision_guard() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    step exceptions_step;
    asked exceptions_exception;
    said jsonb := NEW.content::jsonb;
    applies jsonb := said->'applies_to';
    tail text := ',"basis":"' || NEW.basis || '","by":';
BEGIN
    SELECT * INTO asked FROM exceptions_exception WHERE tenant_id = NEW.tenant_id AND id = NEW.exception;
    SELECT * INTO step FROM exceptions_step WHERE tenant_id = NEW.tenant_id AND id = NEW.step;
    IF NOT FOUND OR (step.exception, step.number, step.kind) IS DISTINCT FROM (NEW.exception, NEW.number, NEW.kind)
       OR step.kind NOT IN ('approve', 'return', 'reject', 'revoke', 'attest') THEN
        RAISE EXCEPTION 'a decision belongs to its step' USING ERRCODE = 'check_violation';
    END IF;
    IF (said->>'exception', said->>'kind', said->>'by', said->>'on_behalf_of', said->>'level', said->>'round')
       IS DISTINCT FROM
       (NEW.exception, NEW.kind, step."by", step.on_behalf_of, step.level::text, step.round::text) THEN
        RAISE EXCEPTION 'a decision says who decided what' USING ERRCODE = 'check_violation';
    END IF;
    IF (applies->>'title', applies->'policy'->>'id', applies->>'scope', applies->>'reason', applies->>'risk_level',
        applies->>'residual_risk', applies->>'compensating', applies->>'expires_on', applies->>'starts_on',
        applies->>'zone', applies->>'owner', applies->>'rules', applies->>'requested_by', applies->>'renews')
       IS DISTINCT FROM
       (asked.title, asked.policy_id, asked.scope, asked.reason, asked.risk_level,
        asked.residual_risk, asked.compensating, asked.expires_on::text, coalesce(asked.starts_on::text, ''),
        asked.zone, asked.owner, asked.rules, asked.requested_by, asked.renews)
       OR (SELECT array_agg(x->>'id' ORDER BY n) FROM jsonb_array_elements(applies->'assets') WITH ORDINALITY t(x, n))
          IS DISTINCT FROM nullif(asked.assets::text[], '{}')
       OR (SELECT array_agg(x->>'id' ORDER BY n) FROM jsonb_array_elements(applies->'controls') WITH ORDINALITY t(x, n))
          IS DISTINCT FROM nullif(asked.controls::text[], '{}')
       OR (SELECT array_agg(x->>'id' ORDER BY n)
           FROM jsonb_array_elements(applies->'compensating_controls') WITH ORDINALITY t(x, n))
          IS DISTINCT FROM nullif(asked.compensating_controls::text[], '{}')
       OR (SELECT array_agg(x->>'id' ORDER BY n) FROM jsonb_array_elements(applies->'evidence') WITH ORDINALITY t(x, n))
          IS DISTINCT FROM nullif(asked.evidence::text[], '{}') THEN
        RAISE EXCEPTION 'a decision applies to what the exception says' USING ERRCODE = 'check_violation';
    END IF;
    IF left(NEW.content, 14) <> '{"applies_to":' OR position(tail IN NEW.content) = 0
       OR NEW.basis <> encode(sha256(convert_to('muniment/exception-basis/1', 'UTF8') || '\\x00'::bytea
            || convert_to(substr(NEW.content, 15, position(tail IN NEW.content) - 15), 'UTF8')), 'hex')
       OR NEW.digest <> encode(sha256(convert_to('muniment/exception-decision/1', 'UTF8') || '\\x00'::bytea
            || convert_to(NEW.content, 'UTF8')), 'hex') THEN
        RAISE EXCEPTION 'a decision carries its own digest' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$
"""


class Migration(migrations.Migration):
    """The functions by which the exception's trigger reads the rules, and the decision's trigger."""

    dependencies: ClassVar[list[tuple[str, str]]] = [
        ("approvals", "0001_initial"),
        ("assets", "0001_initial"),
        ("exceptions", "0002_guards"),
    ]

    operations: ClassVar[list[Operation]] = [
        migrations.RunSQL(RULES_OF, "DROP FUNCTION exceptions_rules_of"),
        migrations.RunSQL(LEVELS, "DROP FUNCTION exceptions_levels"),
        migrations.RunSQL(RULES, "DROP FUNCTION exceptions_check_rules CASCADE"),
        migrations.RunSQL(DECISION, "DROP FUNCTION exceptions_decision_guard CASCADE"),
        migrations.RunSQL(
            "CREATE TRIGGER exceptions_decision_guard AFTER INSERT ON exceptions_decision "
            "FOR EACH ROW EXECUTE FUNCTION exceptions_decision_guard()",
            migrations.RunSQL.noop,
        ),
    ]
