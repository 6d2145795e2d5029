-- Keys notes. The root key signs outside; here a note gets its place in the log.

-- What the next keys note of a log has to say: its number, and the first size that no earlier key can have signed. Takes the log's
-- lock, so that both hold until the transaction ends: the note's own entry will stand at next_size - 1.
CREATE FUNCTION ledger.next_keys_note(p_log int, OUT number int, OUT next_size bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    SELECT h.size + 1 INTO next_size FROM ledger.heads h WHERE h.log_id = p_log FOR UPDATE;
    IF next_size IS NULL THEN
        RAISE EXCEPTION 'there is no log % in this tenant', p_log USING ERRCODE = 'MU003';
    END IF;
    SELECT coalesce(max(k.number), 0) + 1 INTO number FROM ledger.keys_notes k WHERE k.log_id = p_log;
END $$;

-- Invariant: the keys notes of a log are numbered without a gap, and each stands in the log as the body of a keys.publish entry.
-- Holds because this function is the only writer and does both, under the log's lock.
CREATE FUNCTION ledger.publish_keys_note(
    p_by text, p_log int, p_number int, p_note text, p_salt bytea, p_mapping text, p_controls text, OUT seq bigint
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO'
AS $$
DECLARE
    the_log record;
    batch   record;
    body    bytea := convert_to(p_note, 'UTF8');
    now_ns  text := ((extract(epoch FROM clock_timestamp()) * 1000000)::bigint * 1000)::text;
BEGIN
    PERFORM ledger.check_system_submitter(p_by);
    IF p_number IS DISTINCT FROM (SELECT n.number FROM ledger.next_keys_note(p_log) AS n) THEN
        RAISE EXCEPTION 'keys note % is not the next one of log %', p_number, p_log USING ERRCODE = 'MU004';
    END IF;
    SELECT l.tenant_id, l.origin, l.system_source, l.state INTO the_log FROM ledger.logs l WHERE l.log_id = p_log;
    IF the_log.state IS DISTINCT FROM 'active' THEN
        RAISE EXCEPTION 'log % is closed', the_log.origin USING ERRCODE = 'MU003';
    END IF;
    PERFORM ledger.enter_tenant(the_log.tenant_id);
    SELECT * INTO batch FROM ledger.append_batch(
        the_log.tenant_id, p_log, the_log.origin, p_by, 'system', p_mapping, 1,
        'evt_' || ledger.new_ulid(), 'keys.publish', CASE WHEN p_by LIKE 'user:%' THEN 'user' ELSE 'system' END, p_by, 'success', now_ns,
        the_log.system_source, NULL, NULL, NULL, NULL, NULL, 'keys', p_number::text, NULL, NULL, NULL, NULL, NULL,
        encode(sha256('\x6d756e696d656e742f626f64792f3100'::bytea || p_salt || body), 'hex'), octet_length(body)::text, 'text/plain',
        p_controls, ARRAY[p_salt], ARRAY[body], NULL, NULL);
    IF batch.refused IS NOT NULL OR batch.first_seq IS NULL THEN
        RAISE EXCEPTION 'the ledger refuses its own keys.publish entry: %', batch.refused USING ERRCODE = 'MU004';
    END IF;
    seq := batch.first_seq;
    INSERT INTO ledger.keys_notes (log_id, tenant_id, number, note, seq) VALUES (p_log, the_log.tenant_id, p_number, p_note, seq);
END $$;

GRANT EXECUTE ON FUNCTION ledger.next_keys_note, ledger.publish_keys_note TO muniment_app;
