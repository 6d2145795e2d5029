-- Invariant: within one log, seq has no gap, prev is the hash of the entry before, entry_hash is the hash of the text, the text
-- ends as its columns say, and recorded_at never falls nor runs ahead of the clock.
-- Holds because append() locks the log's head row, and this statement trigger re-checks every new row and alone advances the head.
-- It stands on the parent and, through protect_partition(), on every partition. One statement writes one log at one time.

CREATE FUNCTION ledger.guard_entries() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO'
SET jit = off
AS $$
DECLARE
    n         bigint;
    first_log int;
    last_log  int;
    since_at  timestamptz;
    found_at  timestamptz;
    head      record;
    at_text   text;
    found     record;
BEGIN
    SELECT count(*), min(a.log_id), max(a.log_id), min(a.recorded_at), max(a.recorded_at)
        INTO n, first_log, last_log, since_at, found_at FROM added a;
    IF n = 0 THEN
        RETURN NULL;
    END IF;
    IF first_log <> last_log OR since_at <> found_at THEN
        RAISE EXCEPTION 'one statement appends to one log at one time' USING ERRCODE = 'check_violation';
    END IF;
    SELECT h.tenant_id, h.size, h.entry_hash, h.last_at, l.origin INTO head
        FROM ledger.heads h JOIN ledger.logs l ON l.log_id = h.log_id WHERE h.log_id = first_log FOR UPDATE OF h;
    IF head.size IS NULL THEN
        RAISE EXCEPTION 'log % has no head row', first_log USING ERRCODE = 'check_violation';
    END IF;
    IF found_at < head.last_at OR found_at > greatest(head.last_at, clock_timestamp()) THEN
        RAISE EXCEPTION 'entries of log % cannot be recorded at %: the log stands at %, the clock at %',
            first_log, found_at, head.last_at, clock_timestamp() USING ERRCODE = 'check_violation';
    END IF;
    at_text := to_char(found_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
    -- The aggregates keep the order of insertion, which must be that of seq.
    SELECT array_agg(a.seq) AS seqs, array_agg(a.prev) AS prevs, array_agg(a.entry_hash) AS hashes,
           bool_and(a.tenant_id = head.tenant_id) AS tenant_holds,
           bool_and(a.entry_hash = sha256('\x00'::bytea || t.bytes)) AS hash_holds,
           bool_and(starts_with(a.entry, '{"by":"' || a.submitter || '",')
                    AND substring(t.bytes FROM octet_length(t.bytes) - octet_length(t.tail) + 1) = t.tail) AS text_holds
        INTO found
        FROM added a,
             LATERAL (SELECT convert_to(a.entry, 'UTF8'),
                             convert_to(',"log":"' || head.origin || '","map":"' || a.mapping || '","prev":"' || encode(a.prev, 'hex')
                                        || '","recorded_at":"' || at_text || '","seq":' || a.seq || ',"v":3}', 'UTF8') OFFSET 0)
                 AS t (bytes, tail);
    IF found.seqs IS DISTINCT FROM ARRAY(SELECT generate_series(head.size, head.size + n - 1)) THEN
        RAISE EXCEPTION 'log % has % entries: the next seq is %, in order and without a gap', first_log, head.size, head.size
            USING ERRCODE = 'check_violation';
    END IF;
    IF found.prevs IS DISTINCT FROM head.entry_hash || found.hashes[1:n - 1] THEN
        RAISE EXCEPTION 'an entry of log % from seq % on does not link to the entry before', first_log, head.size
            USING ERRCODE = 'check_violation';
    END IF;
    IF found.hash_holds IS NOT TRUE OR found.text_holds IS NOT TRUE OR found.tenant_holds IS NOT TRUE THEN
        RAISE EXCEPTION 'an entry of log % from seq % on disagrees with its own text, hash or tenant', first_log, head.size
            USING ERRCODE = 'check_violation';
    END IF;
    UPDATE ledger.heads SET size = head.size + n, entry_hash = found.hashes[n], last_at = found_at
        WHERE log_id = first_log;
    RETURN NULL;
END $$;

CREATE TRIGGER guard_entries AFTER INSERT ON ledger.entries
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ledger.guard_entries();

-- Invariant: the head row says where the log ends. Holds because it is born empty and every change must come from inside a trigger
-- (the guard's), go forward, and name an entry that stands there.
CREATE FUNCTION ledger.guard_heads() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.size <> 0 OR NEW.entry_hash <> decode(repeat('00', 32), 'hex') OR NEW.last_at <> 'epoch'
            OR EXISTS (SELECT FROM ledger.entries e WHERE e.log_id = NEW.log_id) THEN
            RAISE EXCEPTION 'the head of log % must begin empty', NEW.log_id USING ERRCODE = 'insufficient_privilege';
        END IF;
        RETURN NEW;
    END IF;
    IF pg_trigger_depth() < 2 OR (NEW.log_id, NEW.tenant_id) IS DISTINCT FROM (OLD.log_id, OLD.tenant_id) OR NEW.size <= OLD.size
        OR NOT EXISTS (SELECT FROM ledger.entries e
                       WHERE e.log_id = NEW.log_id AND e.seq = NEW.size - 1 AND e.recorded_at = NEW.last_at
                           AND e.entry_hash = NEW.entry_hash) THEN
        RAISE EXCEPTION 'the head of log % moves by appended entries alone', OLD.log_id USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard_heads BEFORE INSERT OR UPDATE ON ledger.heads FOR EACH ROW EXECUTE FUNCTION ledger.guard_heads();
