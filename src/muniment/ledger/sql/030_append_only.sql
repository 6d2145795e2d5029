-- Invariant: what has been written is never changed, removed or emptied.
-- Holds because every table below refuses UPDATE, DELETE and TRUNCATE by statement trigger, whoever asks and however few rows
-- would be hit, and the partitioned ones by row trigger too, which new partitions inherit. Partitions inherit no statement
-- trigger: protect_partition() gives them theirs. Nobody is granted these commands either.

CREATE FUNCTION ledger.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION '% of %.% is refused: the ledger is append-only', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE FUNCTION ledger.refuse_changes(p_table regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON %s
                    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change()', p_table);
END $$;

SELECT ledger.refuse_changes(t::regclass) FROM unnest(ARRAY[
    'ledger.entries', 'ledger.event_ids', 'ledger.entry_controls',
    'ledger.tiles', 'ledger.checkpoints', 'ledger.signatures', 'ledger.keys_notes']) AS t;

CREATE TRIGGER refuse_row_change BEFORE UPDATE OR DELETE ON ledger.entries FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER refuse_row_change BEFORE UPDATE OR DELETE ON ledger.event_ids FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER refuse_row_change BEFORE UPDATE OR DELETE ON ledger.entry_controls FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();

-- Tables of which some columns may change keep every row.
CREATE FUNCTION ledger.refuse_removals(p_table regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER refuse_removal BEFORE DELETE OR TRUNCATE ON %s
                    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change()', p_table);
END $$;

SELECT ledger.refuse_removals(t::regclass) FROM unnest(ARRAY[
    'ledger.tenants', 'ledger.logs', 'ledger.heads', 'ledger.api_keys', 'ledger.sources', 'ledger.bodies', 'ledger.tree_edges']) AS t;

CREATE TRIGGER refuse_row_removal BEFORE DELETE ON ledger.bodies FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();

-- Invariant: a log keeps its identity. Only its genesis hash is filled in, once; its mapping and state may change.
CREATE FUNCTION ledger.keep_log() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF (NEW.log_id, NEW.tenant_id, NEW.origin, NEW.region, NEW.seal_within, NEW.system_source, NEW.created_at)
        IS DISTINCT FROM (OLD.log_id, OLD.tenant_id, OLD.origin, OLD.region, OLD.seal_within, OLD.system_source, OLD.created_at)
        OR (OLD.genesis_hash IS NOT NULL AND NEW.genesis_hash IS DISTINCT FROM OLD.genesis_hash)
        OR (OLD.state = 'closed' AND NEW.state <> 'closed') THEN
        RAISE EXCEPTION 'log % keeps its identity; a successor is a new log with a new origin', OLD.origin
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keep_log BEFORE UPDATE ON ledger.logs FOR EACH ROW EXECUTE FUNCTION ledger.keep_log();

-- Invariant: a key keeps its log, scope and secret, and a revoked key stays revoked.
CREATE FUNCTION ledger.keep_api_key() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF (NEW.tenant_id, NEW.key_id, NEW.log_id, NEW.scope, NEW.secret_hash, NEW.created_at)
        IS DISTINCT FROM (OLD.tenant_id, OLD.key_id, OLD.log_id, OLD.scope, OLD.secret_hash, OLD.created_at)
        OR (OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS DISTINCT FROM OLD.revoked_at) THEN
        RAISE EXCEPTION 'API key % cannot be changed, only revoked; create another one', OLD.key_id
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keep_api_key BEFORE UPDATE ON ledger.api_keys FOR EACH ROW EXECUTE FUNCTION ledger.keep_api_key();

-- Invariant: a body is never changed, only erased, and each erasure is told by the entry before it in the same log.
CREATE FUNCTION ledger.keep_body() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NEW.state <> 'erased' OR OLD.state = 'erased'
        OR (NEW.log_id, NEW.tenant_id, NEW.seq, NEW.recorded_at) IS DISTINCT FROM (OLD.log_id, OLD.tenant_id, OLD.seq, OLD.recorded_at) THEN
        RAISE EXCEPTION 'the body of entry % cannot be changed, only erased: call ledger.erase_body()', OLD.seq
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM 1 FROM ledger.heads h
        JOIN ledger.entries e ON e.log_id = h.log_id AND e.seq = h.size - 1 AND e.recorded_at = h.last_at
        WHERE h.log_id = OLD.log_id AND e.action = 'body.erase' AND e.submitter NOT LIKE 'key:%'
            AND e.labels = ARRAY['body.seq=' || OLD.seq];
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the erasure of the body of entry % is not recorded: call ledger.erase_body()', OLD.seq
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keep_body BEFORE UPDATE ON ledger.bodies FOR EACH ROW EXECUTE FUNCTION ledger.keep_body();
