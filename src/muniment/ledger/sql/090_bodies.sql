-- Erase a body and its salt: the only change that a body can undergo. The entry that tells of it comes first; the row's trigger
-- insists on it. A retry changes nothing: seq is null. What was erased leaves the disk with VACUUM, the WAL and the backups later.
CREATE FUNCTION ledger.erase_body(p_by text, p_log int, p_seq bigint, p_mapping text, p_controls text, OUT seq bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO'
AS $$
DECLARE
    target record;
BEGIN
    -- The head before the body, as append() does, so that the two cannot wait for each other.
    PERFORM 1 FROM ledger.heads h WHERE h.log_id = p_log FOR UPDATE;
    SELECT e.submitter, b.recorded_at, b.state INTO target
        FROM ledger.entries e JOIN ledger.bodies b ON b.log_id = e.log_id AND b.seq = e.seq AND b.recorded_at = e.recorded_at
        WHERE e.log_id = p_log AND e.seq = p_seq;
    IF target.state IS NULL THEN
        RAISE EXCEPTION 'entry % of log % has no body', p_seq, p_log USING ERRCODE = 'MU007';
    END IF;
    IF target.submitter NOT LIKE 'key:%' THEN
        RAISE EXCEPTION 'entry % of log % is the ledger''s own: its body is never erased', p_seq, p_log USING ERRCODE = 'MU007';
    END IF;
    IF target.state = 'erased' THEN
        RETURN;
    END IF;
    SELECT r.seq INTO seq FROM ledger.record_own(p_by, p_log, p_mapping, p_controls, 'body.erase', 'body.seq=' || p_seq, NULL, NULL) AS r;
    UPDATE ledger.bodies b SET state = 'erased', salt = NULL, body = NULL
        WHERE b.log_id = p_log AND b.seq = p_seq AND b.recorded_at = target.recorded_at;
END $$;
