-- Tenants, logs, API keys and sources: each change is recorded in the tenant's log by the function that makes it.

CREATE FUNCTION ledger.ulid_of(p_bytes bytea) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    bits bit varying := (('x' || encode(p_bytes, 'hex'))::bit varying);
    text_of text := '';
BEGIN
    IF octet_length(p_bytes) IS DISTINCT FROM 16 THEN
        RAISE EXCEPTION 'a ULID is 16 bytes' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    bits := B'00' || bits;
    FOR i IN 0..25 LOOP
        text_of := text_of || substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', 1 + substring(bits FROM 1 + 5 * i FOR 5)::bit(5)::int, 1);
    END LOOP;
    RETURN text_of;
END $$;

-- 48 bits of milliseconds, 80 random bits: both halves of the randomness come from UUIDs, whose fixed bits are hashed away.
CREATE FUNCTION ledger.new_ulid() RETURNS text
LANGUAGE sql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT ledger.ulid_of(
        substr(int8send(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint), 3)
        || substr(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 1, 10))
$$;

-- Record one of the ledger's own events; returns its seq and time. p_labels and p_controls: items separated by tabs, or null.
CREATE FUNCTION ledger.record_own(
    p_by text, p_log int, p_mapping text, p_controls text, p_action text, p_labels text, p_resource_type text, p_resource_id text,
    OUT seq bigint, OUT recorded_at timestamptz, OUT entry_hash bytea
)
LANGUAGE plpgsql
AS $$
DECLARE
    the_log record;
    batch   record;
BEGIN
    PERFORM ledger.check_system_submitter(p_by);
    SELECT l.tenant_id, l.origin, l.system_source, l.state INTO the_log FROM ledger.logs l WHERE l.log_id = p_log;
    IF the_log.state IS DISTINCT FROM 'active' THEN
        RAISE EXCEPTION 'there is no active log % in this tenant', p_log USING ERRCODE = 'MU003';
    END IF;
    PERFORM ledger.enter_tenant(the_log.tenant_id);
    SELECT * INTO batch FROM ledger.append_batch(
        the_log.tenant_id, p_log, the_log.origin, p_by, 'system', p_mapping, 1,
        'evt_' || ledger.new_ulid(), p_action, CASE WHEN p_by LIKE 'user:%' THEN 'user' ELSE 'system' END, p_by, 'success',
        ((extract(epoch FROM clock_timestamp()) * 1000000)::bigint * 1000)::text, the_log.system_source, NULL, NULL, NULL,
        NULL, NULL, p_resource_type, p_resource_id, NULL, NULL, p_labels, NULL, NULL, NULL, NULL, NULL, p_controls, NULL, NULL, NULL, NULL);
    IF batch.refused IS NOT NULL OR batch.first_seq IS NULL THEN
        RAISE EXCEPTION 'the ledger refuses its own % entry: %', p_action, batch.refused USING ERRCODE = 'MU004';
    END IF;
    seq := batch.first_seq;
    recorded_at := batch.recorded_at;
    entry_hash := batch.entry_hashes;
END $$;

CREATE FUNCTION ledger.create_tenant(p_slug text, p_name text, p_public_verify boolean DEFAULT true, OUT tenant_id uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- Random, but with the time in front, so that its ULID form sorts as others do.
    the_id uuid := encode(substr(int8send(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint), 3)
                          || substr(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 1, 10), 'hex')::uuid;
BEGIN
    PERFORM ledger.enter_tenant(the_id);
    INSERT INTO ledger.tenants (tenant_id, slug, name, public_verify) VALUES (the_id, p_slug, p_name, p_public_verify);
    tenant_id := the_id;
END $$;

-- Begin a log of the transaction's tenant with its entry 0 (docs/format.md section 3). p_root_key is '<key name>+<8 hex key id>'.
-- A tenant's first log also records the tenant.
CREATE FUNCTION ledger.create_log(
    p_origin text, p_region text, p_seal_within int, p_root_key text, p_mapping text, p_controls text, p_tenant_controls text,
    OUT log_id int, OUT genesis_hash bytea
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO'
AS $$
DECLARE
    the_tenant uuid := nullif(current_setting('muniment.tenant', true), '')::uuid;
    opaque     text := 'tnt_' || ledger.ulid_of(uuid_send(the_tenant));
    is_first   boolean;
    genesis    record;
    slug_text  text;
BEGIN
    IF p_root_key IS NULL OR p_root_key !~ '^[!-*,-~]+\+[0-9a-f]{8}$' COLLATE "C" THEN
        RAISE EXCEPTION 'the root key is named as <key name>+<8 hex digits>, not as %', p_root_key USING ERRCODE = 'MU004';
    END IF;
    SELECT t.slug INTO slug_text FROM ledger.tenants t WHERE t.tenant_id = the_tenant;
    IF slug_text IS NULL THEN
        RAISE EXCEPTION 'set muniment.tenant to the tenant of the new log' USING ERRCODE = 'MU005';
    END IF;
    is_first := NOT EXISTS (SELECT FROM ledger.logs);
    INSERT INTO ledger.logs (tenant_id, origin, region, mapping, seal_within, system_source)
        VALUES (the_tenant, p_origin, p_region, p_mapping, p_seal_within, 'src_' || ledger.new_ulid())
        RETURNING logs.log_id INTO log_id;
    INSERT INTO ledger.heads (log_id, tenant_id, size, entry_hash, last_at)
        VALUES (log_id, the_tenant, 0, decode(repeat('00', 32), 'hex'), 'epoch');
    SELECT * INTO genesis FROM ledger.record_own('system:muniment', log_id, p_mapping, p_controls, 'log.create',
        'log.root=' || p_root_key || E'\tlog.seal-within=' || p_seal_within || E'\tlog.tenant=' || opaque, 'log', p_origin);
    IF genesis.seq <> 0 THEN
        RAISE EXCEPTION 'entry 0 of % was given seq %', p_origin, genesis.seq;
    END IF;
    genesis_hash := genesis.entry_hash;
    UPDATE ledger.logs l SET genesis_hash = create_log.genesis_hash WHERE l.log_id = create_log.log_id;
    IF is_first THEN
        PERFORM ledger.record_own('system:muniment', log_id, p_mapping, p_tenant_controls, 'tenant.create', NULL, 'tenant', opaque);
    END IF;
END $$;

-- Switch the tenant's public verification page on or off.
CREATE FUNCTION ledger.set_public_verify(p_by text, p_log int, p_public boolean, p_mapping text, p_controls text, OUT seq bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO'
AS $$
DECLARE
    the_tenant uuid := nullif(current_setting('muniment.tenant', true), '')::uuid;
BEGIN
    UPDATE ledger.tenants t SET public_verify = p_public WHERE t.tenant_id = the_tenant;
    SELECT r.seq INTO seq FROM ledger.record_own(p_by, p_log, p_mapping, p_controls, 'tenant.change', 'public-verify=' || p_public,
        'tenant', 'tnt_' || ledger.ulid_of(uuid_send(the_tenant))) AS r;
END $$;

CREATE FUNCTION ledger.create_api_key(
    p_by text, p_log int, p_key text, p_scope text, p_secret_hash bytea, p_label text, p_mapping text, p_controls text, OUT seq bigint
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO'
AS $$
DECLARE
    the_tenant uuid := nullif(current_setting('muniment.tenant', true), '')::uuid;
BEGIN
    SELECT r.seq INTO seq FROM ledger.record_own(p_by, p_log, p_mapping, p_controls, 'key.create', 'scope=' || p_scope, 'api-key', p_key) AS r;
    INSERT INTO ledger.api_keys (tenant_id, key_id, log_id, scope, secret_hash, label)
        VALUES (the_tenant, p_key, p_log, p_scope, p_secret_hash, p_label);
END $$;

-- Revoke a key. A retry says so without a second entry: seq is null.
CREATE FUNCTION ledger.revoke_api_key(p_by text, p_log int, p_key text, p_mapping text, p_controls text, OUT seq bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO'
AS $$
DECLARE
    key record;
BEGIN
    SELECT k.revoked_at, k.key_id INTO key FROM ledger.api_keys k WHERE k.key_id = p_key AND k.log_id = p_log FOR UPDATE;
    IF key.key_id IS NULL THEN
        RAISE EXCEPTION 'log % has no key %', p_log, p_key USING ERRCODE = 'MU001';
    END IF;
    IF key.revoked_at IS NOT NULL THEN
        RETURN;
    END IF;
    UPDATE ledger.api_keys k SET revoked_at = clock_timestamp() WHERE k.key_id = p_key;
    SELECT r.seq INTO seq FROM ledger.record_own(p_by, p_log, p_mapping, p_controls, 'key.revoke', NULL, 'api-key', p_key) AS r;
END $$;

-- Bind a source id to another key of the same log.
CREATE FUNCTION ledger.bind_source(p_by text, p_log int, p_source text, p_key text, p_mapping text, p_controls text, OUT seq bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO'
AS $$
DECLARE
    bound text;
BEGIN
    IF NOT EXISTS (SELECT FROM ledger.api_keys k WHERE k.key_id = p_key AND k.log_id = p_log AND k.scope = 'append' AND k.revoked_at IS NULL) THEN
        RAISE EXCEPTION 'log % has no active append key %', p_log, p_key USING ERRCODE = 'MU001';
    END IF;
    -- The head before the source, as append() does, so that the two cannot wait for each other.
    PERFORM 1 FROM ledger.heads h WHERE h.log_id = p_log FOR UPDATE;
    SELECT s.key_id INTO bound FROM ledger.sources s WHERE s.log_id = p_log AND s.source_id = p_source FOR UPDATE;
    IF bound IS NULL OR bound = 'system' THEN
        RAISE EXCEPTION 'log % has no source % that could be rebound', p_log, p_source USING ERRCODE = 'MU001';
    END IF;
    IF bound = p_key THEN
        RETURN;
    END IF;
    UPDATE ledger.sources s SET key_id = p_key, bound_at = clock_timestamp() WHERE s.log_id = p_log AND s.source_id = p_source;
    SELECT r.seq INTO seq FROM ledger.record_own(p_by, p_log, p_mapping, p_controls, 'source.bind',
        'key=' || p_key || E'\twas=' || bound, 'source', p_source) AS r;
END $$;

-- The functions below run before any tenant is known. They name what they look for in muniment.lookup, which the owner's policies
-- go by, and leave both settings as they found them. (A SET clause on the function would need a superuser.)

-- Who a key is. No row for an unknown or revoked key or a wrong secret.
CREATE FUNCTION ledger.authenticate(p_key text, p_secret_hash bytea)
RETURNS TABLE (tenant_id uuid, log_id int, scope text, origin text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    before text := coalesce(current_setting('muniment.tenant', true), '');
    key    record;
BEGIN
    PERFORM set_config('muniment.lookup', coalesce(p_key, ''), true);
    SELECT k.tenant_id, k.log_id, k.scope, k.revoked_at, k.secret_hash INTO key FROM ledger.api_keys k WHERE k.key_id = p_key;
    PERFORM set_config('muniment.lookup', '', true);
    IF key.tenant_id IS NULL OR key.revoked_at IS NOT NULL OR key.secret_hash IS DISTINCT FROM p_secret_hash THEN
        RETURN;
    END IF;
    PERFORM set_config('muniment.tenant', key.tenant_id::text, true);
    RETURN QUERY SELECT l.tenant_id, l.log_id, key.scope::text, l.origin FROM ledger.logs l WHERE l.log_id = key.log_id;
    PERFORM set_config('muniment.tenant', before, true);
END $$;

-- The tenant of a slug; no row if there is none.
CREATE FUNCTION ledger.tenant_by_slug(p_slug text) RETURNS TABLE (tenant_id uuid, name text, public_verify boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM set_config('muniment.lookup', coalesce(p_slug, ''), true);
    RETURN QUERY SELECT t.tenant_id, t.name, t.public_verify FROM ledger.tenants t WHERE t.slug = p_slug;
    PERFORM set_config('muniment.lookup', '', true);
END $$;

-- The log of an origin; no row if there is none.
CREATE FUNCTION ledger.log_by_origin(p_origin text) RETURNS TABLE (tenant_id uuid, log_id int, public_verify boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    before text := coalesce(current_setting('muniment.tenant', true), '');
    found  record;
BEGIN
    PERFORM set_config('muniment.lookup', coalesce(p_origin, ''), true);
    SELECT l.tenant_id, l.log_id INTO found FROM ledger.logs l WHERE l.origin = p_origin;
    PERFORM set_config('muniment.lookup', '', true);
    IF found.tenant_id IS NOT NULL THEN
        PERFORM set_config('muniment.tenant', found.tenant_id::text, true);
        RETURN QUERY SELECT t.tenant_id, found.log_id::int, t.public_verify FROM ledger.tenants t WHERE t.tenant_id = found.tenant_id;
        PERFORM set_config('muniment.tenant', before, true);
    END IF;
END $$;

-- Every log of every tenant, with its size and how much of it is sealed. For the sealer and the walker.
CREATE FUNCTION ledger.all_logs() RETURNS TABLE (tenant_id uuid, log_id int, origin text, state text, size bigint, sealed bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM set_config('muniment.lookup', '*', true);
    RETURN QUERY SELECT l.tenant_id, l.log_id, l.origin, l.state, h.size, coalesce(e.size, 0)
        FROM ledger.logs l JOIN ledger.heads h ON h.log_id = l.log_id LEFT JOIN ledger.tree_edges e ON e.log_id = l.log_id
        ORDER BY l.log_id;
    PERFORM set_config('muniment.lookup', '', true);
END $$;
