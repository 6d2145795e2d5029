-- What actions evidence in each log beyond the base mapping, and the control ids that only its tenant has.
--
-- Error codes: MU008 entries under a mapping that is not in force (any more), MU009 the mapping is another one than the caller changed.

-- document: the tenant's overrides as they were given, '' where the base mapping was put back; resolved: what follows from them.
CREATE TABLE ledger.mappings (
    log_id      int NOT NULL,
    tenant_id   uuid NOT NULL,
    number      int NOT NULL CHECK (number >= 1),
    version     text COLLATE "C" NOT NULL CHECK (octet_length(version) <= 64 AND version ~ '^[a-z0-9][a-z0-9._-]*$'),
    digest      bytea NOT NULL CHECK (octet_length(digest) = 32),
    document    text COLLATE "C" NOT NULL CHECK (octet_length(document) <= 1048576),
    resolved    text COLLATE "C" NOT NULL CHECK (octet_length(resolved) BETWEEN 2 AND 262144),
    seq         bigint NOT NULL,                                                    -- of the mapping.change entry
    recorded_at timestamptz NOT NULL,
    by          text COLLATE "C" NOT NULL,
    PRIMARY KEY (log_id, number),
    FOREIGN KEY (tenant_id, log_id) REFERENCES ledger.logs (tenant_id, log_id)
);
SELECT ledger.refuse_changes('ledger.mappings'), ledger.protect('ledger.mappings');

-- Control ids of catalogs that the tenant brought in and of controls of its own. They may stand in entries, so none is ever taken back.
CREATE TABLE ledger.tenant_controls (
    tenant_id uuid NOT NULL REFERENCES ledger.tenants (tenant_id),
    control   text COLLATE "C" NOT NULL CHECK (octet_length(control) <= 64 AND control ~ '^[a-z0-9]+(?:-[a-z0-9]+)*:[A-Za-z0-9][A-Za-z0-9._()/-]*$'),
    PRIMARY KEY (tenant_id, control)
);
SELECT ledger.refuse_changes('ledger.tenant_controls'), ledger.protect('ledger.tenant_controls');

-- Invariant: an entry that a key submitted was mapped by what was in force at its place. Holds because append() and change_mapping() hold
-- the log's head row when they come here and when they change it, and every statement of ours sees what committed before it.
CREATE FUNCTION ledger.guard_mapping() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on SET jit = off
AS $$
DECLARE
    wrong text;
BEGIN
    SELECT a.mapping INTO wrong FROM added a JOIN ledger.logs l ON l.log_id = a.log_id
        WHERE a.mapping <> l.mapping AND a.submitter >= 'key:' AND a.submitter < 'key;' LIMIT 1;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'mapping % is not in force; map the events anew', wrong USING ERRCODE = 'MU008';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER guard_mapping AFTER INSERT ON ledger.entries
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ledger.guard_mapping();

-- The version in force, which stays so until the transaction ends: takes the log's lock, as the append does that follows.
CREATE FUNCTION ledger.mapping_in_force(p_log int, OUT version text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    PERFORM 1 FROM ledger.heads h WHERE h.log_id = p_log FOR UPDATE;
    SELECT l.mapping INTO version FROM ledger.logs l WHERE l.log_id = p_log;
    IF version IS NULL THEN
        RAISE EXCEPTION 'there is no log % in this tenant', p_log USING ERRCODE = 'MU003';
    END IF;
END $$;

-- For the ingest service: what is in force for a key's log (the text only where the caller does not have that version yet), and which of
-- some control ids are the tenant's own. Nothing without the key's secret.
CREATE FUNCTION ledger.mapping_of_key(
    p_key text, p_secret_hash bytea, p_have text, p_controls text[], OUT version text, OUT resolved text, OUT known text[]
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    key record;
BEGIN
    SELECT a.tenant_id, a.log_id INTO key FROM ledger.authenticate(p_key, p_secret_hash) AS a;
    IF key.tenant_id IS NULL THEN
        RETURN;
    END IF;
    PERFORM ledger.enter_tenant(key.tenant_id);
    SELECT l.mapping INTO version FROM ledger.logs l WHERE l.log_id = key.log_id;
    IF version IS DISTINCT FROM p_have THEN
        SELECT m.resolved INTO resolved FROM ledger.mappings m
            WHERE m.log_id = key.log_id AND m.version = mapping_of_key.version ORDER BY m.number DESC LIMIT 1;
    END IF;
    known := ARRAY(SELECT t.control FROM ledger.tenant_controls t WHERE t.control = ANY (p_controls));
END $$;

-- Invariant: what is in force beyond the base mapping stands in the log, as the body of a mapping.change entry before the first entry that
-- it maps; the digest in the version is that of the text. Holds because this function is the only writer and does all of it under the
-- log's lock. The entry itself follows the base mapping, as all that the ledger writes of itself.
CREATE FUNCTION ledger.change_mapping(
    p_by text, p_log int, p_actor_type text, p_actor text, p_from text, p_version text, p_document text, p_resolved text, p_salt bytea,
    p_mapping text, p_controls text, OUT seq bigint, OUT number int
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' SET standard_conforming_strings = on
AS $$
DECLARE
    the_log record;
    batch   record;
    body    bytea := convert_to(p_resolved, 'UTF8');
    hashed  bytea := sha256('\x6d756e696d656e742f6d617070696e672f3100'::bytea || convert_to(p_resolved, 'UTF8'));
    now_ns  text := ((extract(epoch FROM clock_timestamp()) * 1000000)::bigint * 1000)::text;
BEGIN
    PERFORM ledger.check_system_submitter(p_by);
    PERFORM 1 FROM ledger.heads h WHERE h.log_id = p_log FOR UPDATE;
    SELECT l.tenant_id, l.origin, l.system_source, l.state, l.mapping INTO the_log FROM ledger.logs l WHERE l.log_id = p_log;
    IF the_log.state IS DISTINCT FROM 'active' THEN
        RAISE EXCEPTION 'there is no active log % in this tenant', p_log USING ERRCODE = 'MU003';
    END IF;
    PERFORM ledger.enter_tenant(the_log.tenant_id);
    IF the_log.mapping IS DISTINCT FROM p_from THEN
        RAISE EXCEPTION 'the mapping in force is % and not %: look at it, then change it', the_log.mapping, p_from USING ERRCODE = 'MU009';
    END IF;
    IF (p_version = p_mapping) <> (p_document = '')
        OR p_version <> p_mapping AND right(p_version, 13) <> '.' || left(encode(hashed, 'hex'), 12) THEN
        RAISE EXCEPTION '% is not the version of this mapping', p_version USING ERRCODE = 'MU004';
    END IF;
    -- Twelve digits can be made to meet: then the version would not say any more which mapping it means.
    IF EXISTS (SELECT FROM ledger.mappings m WHERE m.log_id = p_log AND m.version = p_version AND m.digest <> hashed) THEN
        RAISE EXCEPTION 'another mapping had the version % before; give it another name', p_version USING ERRCODE = 'MU004';
    END IF;
    SELECT coalesce(max(m.number), 0) + 1 INTO number FROM ledger.mappings m WHERE m.log_id = p_log;
    SELECT * INTO batch FROM ledger.append_batch(
        the_log.tenant_id, p_log, the_log.origin, p_by, 'system', p_mapping, 1,
        'evt_' || ledger.new_ulid(), 'mapping.change', p_actor_type, p_actor, 'success', now_ns,
        the_log.system_source, NULL, NULL, NULL, NULL, NULL, 'mapping', p_version, NULL, NULL,
        'mapping.digest=' || encode(hashed, 'hex') || E'\tmapping.from=' || p_from || E'\tmapping.number=' || number
            || E'\tmapping.version=' || p_version,
        NULL, NULL,
        encode(sha256('\x6d756e696d656e742f626f64792f3100'::bytea || p_salt || body), 'hex'), octet_length(body)::text, 'application/json',
        p_controls, ARRAY[p_salt], ARRAY[body], NULL, NULL);
    IF batch.refused IS NOT NULL OR batch.first_seq IS NULL THEN
        RAISE EXCEPTION 'the ledger refuses its own mapping.change entry: %', batch.refused USING ERRCODE = 'MU004';
    END IF;
    seq := batch.first_seq;
    INSERT INTO ledger.mappings (log_id, tenant_id, number, version, digest, document, resolved, seq, recorded_at, by)
        VALUES (p_log, the_log.tenant_id, number, p_version, hashed, p_document, p_resolved, seq, batch.recorded_at, p_actor);
    UPDATE ledger.logs l SET mapping = p_version WHERE l.log_id = p_log;
END $$;

-- Say that control ids are the tenant's.
CREATE FUNCTION ledger.add_controls(p_controls text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
BEGIN
    INSERT INTO ledger.tenant_controls (tenant_id, control)
        SELECT nullif(current_setting('muniment.tenant', true), '')::uuid, c FROM unnest(p_controls) AS c ON CONFLICT DO NOTHING;
END $$;

REVOKE EXECUTE ON FUNCTION ledger.guard_mapping, ledger.mapping_in_force, ledger.mapping_of_key, ledger.change_mapping, ledger.add_controls
    FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger.mapping_in_force, ledger.change_mapping, ledger.add_controls TO muniment_app;
GRANT EXECUTE ON FUNCTION ledger.mapping_of_key TO muniment_ingest;
GRANT SELECT ON ledger.mappings, ledger.tenant_controls TO muniment_app, muniment_auditor;
