-- Anchors: timestamp tokens over sealed notes, what went wrong while asking for them, and how often each log is anchored.

CREATE TABLE ledger.anchors (
    log_id      int NOT NULL,
    tenant_id   uuid NOT NULL,
    size        bigint NOT NULL,                                                    -- of the checkpoint whose sealed note is stamped
    authority   text COLLATE "C" NOT NULL CHECK (authority ~ '^[a-z0-9][a-z0-9.-]{0,62}$'),
    token       bytea NOT NULL CHECK (octet_length(token) BETWEEN 1 AND 262144),    -- DER, as received
    stamped_at  timestamptz NOT NULL,                                               -- the authority's time
    valid_until timestamptz NOT NULL,                                               -- first certificate of its chain to end
    seq         bigint NOT NULL,                                                    -- of the anchor.record entry
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (log_id, size, authority),
    FOREIGN KEY (log_id, size) REFERENCES ledger.checkpoints (log_id, size)
);
CREATE INDEX anchors_by_authority ON ledger.anchors (log_id, authority, size);
SELECT ledger.refuse_changes('ledger.anchors'), ledger.protect('ledger.anchors');

-- One row for each authority that failed at least once: how it stands now. Each change of the word is an entry.
CREATE TABLE ledger.anchor_attempts (
    log_id        int NOT NULL,
    tenant_id     uuid NOT NULL,
    authority     text COLLATE "C" NOT NULL CHECK (authority ~ '^[a-z0-9][a-z0-9.-]{0,62}$'),
    failures      int NOT NULL CHECK (failures >= 0),                               -- in a row
    failing_since timestamptz,
    tried_at      timestamptz NOT NULL,
    retry_at      timestamptz,
    word          text COLLATE "C" CHECK (word ~ '^[a-z][a-z-]{0,31}$'),
    reason        text CHECK (octet_length(reason) <= 2048),
    PRIMARY KEY (log_id, authority),
    FOREIGN KEY (tenant_id, log_id) REFERENCES ledger.logs (tenant_id, log_id),
    CHECK ((failures = 0) = (failing_since IS NULL) AND (failures = 0) = (retry_at IS NULL) AND (failures = 0) = (word IS NULL))
);
SELECT ledger.refuse_removals('ledger.anchor_attempts'), ledger.protect('ledger.anchor_attempts');

CREATE TABLE ledger.anchor_cadences (
    log_id    int PRIMARY KEY,
    tenant_id uuid NOT NULL,
    every     int NOT NULL CHECK (every BETWEEN 60 AND 31536000),                   -- seconds
    FOREIGN KEY (tenant_id, log_id) REFERENCES ledger.logs (tenant_id, log_id)
);
SELECT ledger.refuse_removals('ledger.anchor_cadences'), ledger.protect('ledger.anchor_cadences');

-- Invariant: every token stands in the log as an anchor.record entry, whose labels name its hash and whose body holds it.
-- Holds because this function is the only writer and does both. seq is null when this authority has stamped this checkpoint before.
-- That the token is good was proven by the caller; whoever trusts nobody verifies it again.
CREATE FUNCTION ledger.record_anchor(
    p_by text, p_log int, p_size bigint, p_authority text, p_token bytea, p_imprint bytea, p_stamped_at timestamptz, p_valid_until timestamptz,
    p_body bytea, p_salt bytea, p_mapping text, p_controls text, OUT seq bigint
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' SET standard_conforming_strings = on
AS $$
DECLARE
    the_log record;
    batch   record;
    form    text := 'YYYY-MM-DD"T"HH24:MI:SS"Z"';
    now_ns  text := ((extract(epoch FROM clock_timestamp()) * 1000000)::bigint * 1000)::text;
BEGIN
    PERFORM ledger.check_system_submitter(p_by);
    SELECT l.tenant_id, l.origin, l.system_source, l.state INTO the_log FROM ledger.logs l WHERE l.log_id = p_log;
    IF the_log.state IS DISTINCT FROM 'active' THEN
        RAISE EXCEPTION 'there is no active log % in this tenant', p_log USING ERRCODE = 'MU003';
    END IF;
    PERFORM ledger.enter_tenant(the_log.tenant_id);
    -- Attempts before the head, as whoever counts a failure and records it does.
    UPDATE ledger.anchor_attempts a
        SET failures = 0, failing_since = NULL, retry_at = NULL, word = NULL, reason = NULL, tried_at = clock_timestamp()
        WHERE a.log_id = p_log AND a.authority = p_authority;
    PERFORM 1 FROM ledger.heads h WHERE h.log_id = p_log FOR UPDATE;
    IF EXISTS (SELECT FROM ledger.anchors a WHERE a.log_id = p_log AND a.size = p_size AND a.authority = p_authority) THEN
        RETURN;
    END IF;
    SELECT * INTO batch FROM ledger.append_batch(
        the_log.tenant_id, p_log, the_log.origin, p_by, 'system', p_mapping, 1,
        'evt_' || ledger.new_ulid(), 'anchor.record', CASE WHEN p_by LIKE 'user:%' THEN 'user' ELSE 'system' END, p_by, 'success', now_ns,
        the_log.system_source, NULL, NULL, NULL, NULL, NULL, 'checkpoint', p_size::text, NULL, NULL,
        'anchor.authority=' || p_authority || E'\tanchor.note=' || encode(p_imprint, 'hex')
            || E'\tanchor.time=' || to_char(p_stamped_at, form) || E'\tanchor.token=' || encode(sha256(p_token), 'hex')
            || E'\tanchor.until=' || to_char(p_valid_until, form),
        NULL, NULL,
        encode(sha256('\x6d756e696d656e742f626f64792f3100'::bytea || p_salt || p_body), 'hex'), octet_length(p_body)::text, 'application/json',
        p_controls, ARRAY[p_salt], ARRAY[p_body], NULL, NULL);
    IF batch.refused IS NOT NULL OR batch.first_seq IS NULL THEN
        RAISE EXCEPTION 'the ledger refuses its own anchor.record entry: %', batch.refused USING ERRCODE = 'MU004';
    END IF;
    seq := batch.first_seq;
    INSERT INTO ledger.anchors (log_id, tenant_id, size, authority, token, stamped_at, valid_until, seq, recorded_at)
        VALUES (p_log, the_log.tenant_id, p_size, p_authority, p_token, p_stamped_at, p_valid_until, seq, batch.recorded_at);
END $$;

-- Count a failure. The next attempt waits twice as long each time, from half a minute up to an hour.
-- news: this word is not the one of the failure before, so that it belongs into the log.
CREATE FUNCTION ledger.count_anchor_failure(
    p_log int, p_authority text, p_word text, p_reason text, OUT failures int, OUT retry_at timestamptz, OUT news boolean
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    the_tenant uuid;
    old_word   text;
    now_at     timestamptz := clock_timestamp();
BEGIN
    SELECT l.tenant_id INTO the_tenant FROM ledger.logs l WHERE l.log_id = p_log;
    IF the_tenant IS NULL THEN
        RAISE EXCEPTION 'there is no log % in this tenant', p_log USING ERRCODE = 'MU003';
    END IF;
    INSERT INTO ledger.anchor_attempts AS a (log_id, tenant_id, authority, failures, tried_at)
        VALUES (p_log, the_tenant, p_authority, 0, now_at) ON CONFLICT DO NOTHING;
    SELECT a.failures + 1, a.word INTO failures, old_word
        FROM ledger.anchor_attempts a WHERE a.log_id = p_log AND a.authority = p_authority FOR UPDATE;
    retry_at := now_at + make_interval(secs => least(3600, 30 * 2 ^ least(failures - 1, 10)));
    news := old_word IS DISTINCT FROM p_word;
    UPDATE ledger.anchor_attempts a
        SET failures = count_anchor_failure.failures, failing_since = coalesce(a.failing_since, now_at), tried_at = now_at,
            retry_at = count_anchor_failure.retry_at, word = p_word, reason = p_reason
        WHERE a.log_id = p_log AND a.authority = p_authority;
END $$;

-- How often a log is anchored, in seconds. Retrying the same makes no second entry.
CREATE FUNCTION ledger.set_anchor_cadence(p_by text, p_log int, p_every int, p_mapping text, p_controls text, OUT seq bigint)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' SET standard_conforming_strings = on
AS $$
DECLARE
    the_tenant uuid;
    old        int;
BEGIN
    SELECT l.tenant_id, c.every INTO the_tenant, old
        FROM ledger.logs l LEFT JOIN ledger.anchor_cadences c USING (log_id) WHERE l.log_id = p_log;
    IF the_tenant IS NULL THEN
        RAISE EXCEPTION 'there is no log % in this tenant', p_log USING ERRCODE = 'MU003';
    END IF;
    IF old = p_every THEN
        RETURN;
    END IF;
    INSERT INTO ledger.anchor_cadences AS c (log_id, tenant_id, every) VALUES (p_log, the_tenant, p_every)
        ON CONFLICT (log_id) DO UPDATE SET every = excluded.every;
    SELECT r.seq INTO seq FROM ledger.record_own(p_by, p_log, p_mapping, p_controls, 'tenant.change', 'anchor-every=' || p_every,
        'tenant', 'tnt_' || ledger.ulid_of(uuid_send(the_tenant))) AS r;
END $$;

REVOKE EXECUTE ON FUNCTION ledger.record_anchor, ledger.count_anchor_failure, ledger.set_anchor_cadence FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger.record_anchor, ledger.count_anchor_failure, ledger.set_anchor_cadence TO muniment_app;
GRANT SELECT ON ledger.anchors, ledger.anchor_attempts, ledger.anchor_cadences TO muniment_app, muniment_auditor;
