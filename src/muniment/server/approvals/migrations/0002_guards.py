"""Versions of rules follow each other and stay; nobody stands in for two, for themselves, or for who stands in.

Held by the database against whoever writes as the application.
"""

from typing import ClassVar

from django.db import migrations
from django.db.migrations.operations.base import Operation

KEPT = """
-- Invariant: what was recorded is neither changed nor removed, whoever is granted what by mistake later on.
CREATE FUNCTION approvals_kept() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    RAISE EXCEPTION 'rules of approval and delegations are added to, not changed' USING ERRCODE = 'check_violation';
END
$$
"""
RULES = """
-- Invariant: the versions of a tenant count from 1 without a gap, each carries the digest of its own text, and each of
-- its rows, and the one for every other case, asks for one approval or two.
CREATE FUNCTION approvals_rules_guard() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    content jsonb := NEW.content::jsonb;
BEGIN
    IF NEW.number <> 1 + (SELECT coalesce(max(r.number), 0) FROM approvals_rules r
                          WHERE r.tenant_id = NEW.tenant_id AND r.id <> NEW.id) THEN
        RAISE EXCEPTION 'versions follow each other' USING ERRCODE = 'check_violation';
    END IF;
    IF left(NEW.id, 4) <> 'wfv_' OR NEW.id = 'wfv_default'
       OR NEW.digest <> encode(sha256(convert_to(NEW.content, 'UTF8')), 'hex') THEN
        RAISE EXCEPTION 'a version carries its own digest' USING ERRCODE = 'check_violation';
    END IF;
    IF jsonb_typeof(content->'clauses') IS DISTINCT FROM 'array'
       OR jsonb_typeof(content->'otherwise') IS DISTINCT FROM 'object'
       OR jsonb_typeof(content->'max_days') IS DISTINCT FROM 'number'
       OR (content->>'max_days')::integer NOT BETWEEN 1 AND 1826
       OR NOT content->'reminder_days' @> '[90, 60, 30]'::jsonb IS TRUE THEN
        RAISE EXCEPTION 'rules leave no case without an approval' USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (
        SELECT FROM jsonb_array_elements(content->'clauses' || jsonb_build_array(content->'otherwise')) one
        WHERE CASE WHEN jsonb_typeof(one->'levels') = 'array' THEN jsonb_array_length(one->'levels') ELSE 0 END
              NOT IN (1, 2)) THEN
        RAISE EXCEPTION 'rules leave no case without an approval' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$
"""
DELEGATION = """
-- Invariant: somebody else stands in for a person, for days that lie together, once at a time, and passes nothing on:
-- who stands in is not away, and who is away names nobody while they stand in for somebody.
CREATE FUNCTION approvals_delegation_guard() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    -- Of two that are made at once the second waits, and then sees the first.
    PERFORM pg_advisory_xact_lock(hashtextextended('approvals/delegations/' || NEW.tenant_id, 0));
    IF NEW.person NOT LIKE 'user:_%' OR NEW.person = NEW.delegate
       OR (NEW.delegate <> '' AND NEW.delegate NOT LIKE 'user:_%') THEN
        RAISE EXCEPTION 'somebody else stands in' USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.last_day < NEW.first_day OR NEW.ends <= NEW.begins
       -- Zone tables of two programs may tell an hour apart, never a day.
       OR abs(extract(epoch FROM NEW.begins - (NEW.first_day::timestamp AT TIME ZONE NEW.zone))) > 7200
       OR abs(extract(epoch FROM NEW.ends - ((NEW.last_day + 1)::timestamp AT TIME ZONE NEW.zone))) > 7200 THEN
        RAISE EXCEPTION 'a delegation holds from its first day to its last' USING ERRCODE = 'check_violation';
    END IF;
    IF EXISTS (
        SELECT FROM approvals_delegation d
        WHERE d.tenant_id = NEW.tenant_id AND d.id <> NEW.id AND d.begins < NEW.ends AND d.ends > NEW.begins
          AND (d.person = NEW.person
               OR (NEW.delegate <> '' AND (d.person = NEW.delegate OR d.delegate = NEW.person)))
          AND NOT EXISTS (SELECT FROM approvals_revocation r
                          WHERE r.tenant_id = d.tenant_id AND r.delegation = d.id)) THEN
        RAISE EXCEPTION 'nobody stands in for who stands in' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$
"""
REVOCATION = """
-- Invariant: a delegation ends once, and not after its last day.
CREATE FUNCTION approvals_revocation_guard() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM approvals_delegation d
        WHERE d.tenant_id = NEW.tenant_id AND d.id = NEW.delegation AND NEW.at < d.ends AND NEW.at >= d.created_at) THEN
        RAISE EXCEPTION 'what is revoked has not ended' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$
"""
STANDS_IN = """
-- Whether somebody stood in for somebody else at a moment: for the guards of decisions that were taken for another.
CREATE FUNCTION approvals_stands_in(tenant uuid, who text, absent text, moment timestamptz) RETURNS boolean
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT EXISTS (
        SELECT FROM approvals_delegation d
        WHERE d.tenant_id = tenant AND d.person = absent AND d.delegate = who
          AND d.begins <= moment AND moment < d.ends AND d.created_at <= moment
          AND NOT EXISTS (SELECT FROM approvals_revocation r
                          WHERE r.tenant_id = d.tenant_id AND r.delegation = d.id AND r.at <= moment))
$$
"""
HOLDS = """
-- Whether somebody is a present member who holds a capability and is named: as a person, by a role, or by a group, also
-- one that a group of theirs is part of. Where nobody is named, everybody is. The same as `directory.Directory` and
-- `workflow.decides`, for the guards of decisions.
CREATE FUNCTION approvals_holds(tenant uuid, who text, capability text, named jsonb) RETURNS boolean
    LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    WITH RECURSIVE member AS (
        SELECT m.roles, m.groups FROM members_membership m JOIN accounts_user u ON u.id = m.user_id
        WHERE m.tenant_id = tenant AND 'user:' || m.user_id = who AND u.is_active
          AND (m.until IS NULL OR m.until > now())
    ), line (id, parent_id, roles) AS (
        SELECT g.id, g.parent_id, g.roles FROM members_group g JOIN member m ON g.id = ANY(m.groups)
        WHERE g.tenant_id = tenant
        UNION
        SELECT g.id, g.parent_id, g.roles FROM members_group g JOIN line l ON g.id = l.parent_id
        WHERE g.tenant_id = tenant
    ), held AS (
        SELECT r.code, r.capabilities, r.builtin AND r.code = 'administrator' AS everything FROM members_role r
        WHERE r.tenant_id = tenant
          AND (EXISTS (SELECT FROM member m WHERE r.id = ANY(m.roles))
               OR EXISTS (SELECT FROM line l WHERE r.id = ANY(l.roles)))
    )
    SELECT EXISTS (SELECT FROM held h WHERE h.everything OR capability = ANY(h.capabilities))
       AND (NOT named ?| ARRAY['people', 'roles', 'groups']
            OR (named->'people' ? who) IS TRUE
            OR EXISTS (SELECT FROM held h WHERE named->'roles' ? h.code)
            OR EXISTS (SELECT FROM line l WHERE named->'groups' ? l.id))
$$
"""
TABLES = (("approvals_rules", RULES), ("approvals_delegation", DELEGATION), ("approvals_revocation", REVOCATION))


class Migration(migrations.Migration):
    """Triggers, and two functions for the guards of other applications."""

    dependencies: ClassVar[list[tuple[str, str]]] = [
        ("accounts", "0001_initial"),
        ("approvals", "0001_initial"),
        ("members", "0001_initial"),
    ]

    operations: ClassVar[list[Operation]] = [
        migrations.RunSQL(KEPT, "DROP FUNCTION approvals_kept CASCADE"),
        *(
            migrations.RunSQL(
                f"CREATE TRIGGER {table}_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION approvals_kept()",
                migrations.RunSQL.noop,
            )
            for table, _ in TABLES
        ),
        *(migrations.RunSQL(body, f"DROP FUNCTION {table}_guard CASCADE") for table, body in TABLES),
        *(
            migrations.RunSQL(
                f"CREATE TRIGGER {table}_guard AFTER INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_guard()",
                migrations.RunSQL.noop,
            )
            for table, _ in TABLES
        ),
        migrations.RunSQL(STANDS_IN, "DROP FUNCTION approvals_stands_in"),
        migrations.RunSQL(HOLDS, "DROP FUNCTION approvals_holds"),
    ]
