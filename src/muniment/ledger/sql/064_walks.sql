-- Audit walks: numbered results, kept for ever.
SELECT ledger.refuse_changes('ledger.walks');

-- Invariant: the walks of a log are numbered without a gap. Holds because this function is the only writer, one at a time for a log.
CREATE FUNCTION ledger.record_walk(
    p_log int, p_started_at timestamptz, p_ok boolean, p_total_rows bigint, p_head bytea, p_broken_at bigint, p_report jsonb,
    OUT number bigint, OUT finished_at timestamptz
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_tenant uuid;
BEGIN
    PERFORM pg_advisory_xact_lock('ledger.walks'::regclass::oid::int, p_log);
    SELECT l.tenant_id INTO the_tenant FROM ledger.logs l WHERE l.log_id = p_log;
    IF the_tenant IS NULL THEN
        RAISE EXCEPTION 'there is no log % in this tenant', p_log USING ERRCODE = 'MU003';
    END IF;
    SELECT coalesce(max(w.number), 0) + 1 INTO number FROM ledger.walks w WHERE w.log_id = p_log;
    finished_at := clock_timestamp();
    INSERT INTO ledger.walks (log_id, tenant_id, number, started_at, finished_at, ok, total_rows, head, broken_at, report)
        VALUES (p_log, the_tenant, number, p_started_at, finished_at, p_ok, p_total_rows, p_head, p_broken_at, p_report);
END $$;

GRANT EXECUTE ON FUNCTION ledger.record_walk TO muniment_app;
