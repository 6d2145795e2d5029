-- append: the only way into entries, event_ids, entry_controls and bodies.
--
-- Error codes of their own: MU001 key refused, MU002 clock behind, MU003 log closed or unknown, MU004 batch out of shape,
-- MU005 another tenant, MU006 wrong isolation level.

-- How a submission ends whose id is recorded already with other content, where the server had filled in salt or time: a retry is
-- filled in differently, so what was filled in then is put in its place before comparing. A replaced fragment begins with a bare
-- quotation mark, which inside a JSON string is always escaped: it can only hit the key.
CREATE FUNCTION ledger.settle_made(
    p_text text, p_event_hash bytea, p_made_salt boolean, p_made_time boolean, p_commit text, p_occurred bigint, p_body bytea,
    p_old_hash bytea, p_old_commit bytea, p_old_occurred bigint, p_old_salt bytea, p_old_state text
) RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
    the_text text := p_text;
BEGIN
    IF p_made_time THEN
        the_text := replace(the_text, '"occurred_at":"' || ledger.time9(p_occurred) || '"',
                            '"occurred_at":"' || ledger.time9(p_old_occurred) || '"');
    END IF;
    IF p_made_salt AND p_commit IS NOT NULL AND p_old_commit IS NOT NULL THEN
        the_text := replace(the_text, '"body":{"commit":"' || p_commit || '"',
                            '"body":{"commit":"' || encode(p_old_commit, 'hex') || '"');
    END IF;
    IF sha256('\x6d756e696d656e742f6576656e742f3100'::bytea || convert_to(the_text, 'UTF8')) <> p_old_hash THEN
        RETURN 'conflict';
    END IF;
    IF NOT p_made_salt OR p_commit IS NULL THEN
        RETURN CASE p_old_state WHEN 'erased' THEN 'body-erased' ELSE 'known' END;
    END IF;
    IF p_old_state = 'erased' THEN
        RETURN 'body-erased';
    END IF;
    IF p_old_salt IS NULL OR p_body IS NULL
        OR sha256('\x6d756e696d656e742f626f64792f3100'::bytea || p_old_salt || p_body) <> p_old_commit THEN
        RETURN 'conflict';
    END IF;
    RETURN 'known';
END $$;

-- Append a batch for a submitter whose right to do so was checked by the caller.
--   refused    [{"at", "field", "reason"}]: then nothing was recorded; leave these out and call again
--   settled    [{"at", "state", "seq", "entry_hash", "recorded_at"}]: events recorded before or earlier in the batch
--   all others were recorded: their order is that of the batch, their seqs run from first_seq, their entry_hashes are 32 bytes each
CREATE FUNCTION ledger.append_batch(
    p_tenant uuid, p_log int, p_origin text, p_by text, p_binder text, p_mapping text, p_count int,
    p_event_ids text, p_actions text, p_actor_types text, p_actor_ids text, p_outcomes text, p_occurred text,
    p_source_ids text, p_epochs text, p_source_seqs text, p_source_prevs text,
    p_tools text, p_workspaces text, p_resource_types text, p_resource_ids text, p_trace_ids text, p_span_ids text,
    p_labels text, p_causes text, p_event_controls text, p_body_commits text, p_body_lens text, p_body_types text,
    p_controls text, p_salts bytea[], p_bodies bytea[], p_made_salts boolean[], p_made_times boolean[],
    OUT refused json, OUT settled json, OUT first_seq bigint, OUT recorded_at timestamptz, OUT entry_hashes bytea
)
LANGUAGE plpgsql
AS $$
DECLARE
    nl          CONSTANT text := E'\n';
    ids         text[] := string_to_array(p_event_ids, E'\n');
    source_ids  text[] := string_to_array(p_source_ids, E'\n');
    control_col text[] := string_to_array(p_controls, E'\n', '');
    controls_in text[] := string_to_array(replace(p_controls, E'\t', '","'), E'\n', '');
    sources     text[];
    lowest      text;
    highest     text;
    distinct_n  bigint;
    texts       text[];
    hashes      bytea[];
    head        record;
    now_at      timestamptz;
    repeated    boolean[];
    opening     text := '{"by":"' || p_by || '",';
    linking     text;
    closing     text;
    prev_hex    text;
    prev_hash   bytea;
    one_text    text;
    next_seq    bigint;
    entries     text[];
    entry_list  bytea[];
    prevs       bytea[];
    seqs        bigint[];
BEGIN
    IF p_mapping !~ '^[a-z0-9][a-z0-9._-]*$' COLLATE "C" OR octet_length(p_mapping) > 64 OR p_mapping IS NULL THEN
        RAISE EXCEPTION '% is no version of a mapping', p_mapping USING ERRCODE = 'MU004';
    END IF;
    refused := ledger.batch_faults(p_count,
        p_event_ids, p_actions, p_actor_types, p_actor_ids, p_outcomes, p_occurred, p_source_ids, p_epochs, p_source_seqs, p_source_prevs,
        p_tools, p_workspaces, p_resource_types, p_resource_ids, p_trace_ids, p_span_ids, p_labels, p_causes, p_event_controls,
        p_body_commits, p_body_lens, p_body_types, p_controls, p_salts, p_bodies);
    IF refused IS NOT NULL THEN
        RETURN;
    END IF;
    -- The text of each event: an absent part is null, and concat() leaves nulls out.
    SELECT array_agg(e.event), array_agg(sha256('\x6d756e696d656e742f6576656e742f3100'::bytea || convert_to(e.event, 'UTF8')))
    INTO texts, hashes
    FROM (
        SELECT concat(
            '{"action":"', c.action, '","actor":{"id":"', c.actor_id, '","type":"', c.actor_type, '"}',
            ',"body":{"commit":"' || c.body_commit || '","len":' || c.body_len || ',"scheme":1,"type":"' || c.body_type || '"}',
            ',"causes":["' || c.causes || '"]',
            ',"controls":["' || c.event_controls || '"]',
            ',"id":"', c.event_id,
            '","labels":["' || c.labels || '"]',
            CASE WHEN c.labels IS NULL THEN '","occurred_at":"' ELSE ',"occurred_at":"' END,
            replace((timestamp '1970-01-01' + (c.occurred_at::bigint / 1000000000) * interval '1 second')::text, ' ', 'T'),
            '.', lpad((c.occurred_at::bigint % 1000000000)::text, 9, '0'),
            'Z","outcome":"', c.outcome,
            '","resource":{"id":"' || c.resource_id || '","type":"' || c.resource_type || '"}',
            CASE WHEN c.resource_type IS NULL THEN '","source":{' ELSE ',"source":{' END,
            '"epoch":"' || c.epoch || '",',
            '"id":"', c.source_id,
            '","prev":"' || c.source_prev || '","seq":' || c.source_seq,
            CASE WHEN c.epoch IS NULL THEN '"}' ELSE '}' END,
            ',"tool":"' || c.tool || '"',
            ',"trace":{"id":"' || c.trace_id || '"' || coalesce(',"span":"' || c.span_id || '"', '') || '}',
            ',"workspace":"' || c.workspace || '"',
            '}') AS event
        FROM unnest(
            string_to_array(p_event_ids, E'\n', ''), string_to_array(p_actions, E'\n', ''),
            string_to_array(p_actor_types, E'\n', ''), string_to_array(ledger.json_column(p_actor_ids), E'\n', ''),
            string_to_array(p_outcomes, E'\n', ''), string_to_array(p_occurred, E'\n', ''),
            string_to_array(p_source_ids, E'\n', ''), string_to_array(p_epochs, E'\n', ''),
            string_to_array(p_source_seqs, E'\n', ''), string_to_array(p_source_prevs, E'\n', ''),
            string_to_array(ledger.json_column(p_tools), E'\n', ''), string_to_array(p_workspaces, E'\n', ''),
            string_to_array(p_resource_types, E'\n', ''), string_to_array(ledger.json_column(p_resource_ids), E'\n', ''),
            string_to_array(p_trace_ids, E'\n', ''), string_to_array(p_span_ids, E'\n', ''),
            string_to_array(replace(ledger.json_column(p_labels), E'\t', '","'), E'\n', ''),
            string_to_array(replace(p_causes, E'\t', '","'), E'\n', ''),
            string_to_array(replace(p_event_controls, E'\t', '","'), E'\n', ''),
            string_to_array(p_body_commits, E'\n', ''), string_to_array(p_body_lens, E'\n', ''),
            string_to_array(p_body_types, E'\n', '')
        ) AS c (event_id, action, actor_type, actor_id, outcome, occurred_at, source_id, epoch, source_seq, source_prev,
                tool, workspace, resource_type, resource_id, trace_id, span_id, labels, causes, event_controls,
                body_commit, body_len, body_type)
        OFFSET 0
    ) AS e;
    SELECT min(i COLLATE "C"), max(i COLLATE "C"), count(DISTINCT i COLLATE "C") INTO lowest, highest, distinct_n FROM unnest(ids) AS i;
    sources := ARRAY(SELECT DISTINCT s FROM unnest(source_ids) AS s);

    -- From here on the log is ours until the transaction ends.
    SELECT h.size, h.entry_hash, h.last_at INTO head FROM ledger.heads h WHERE h.log_id = p_log FOR UPDATE;
    IF head.size IS NULL THEN
        RAISE EXCEPTION 'log % has no head row', p_log USING ERRCODE = 'MU003';
    END IF;
    now_at := clock_timestamp();
    IF now_at < head.last_at - interval '5 minutes' THEN
        RAISE EXCEPTION 'the database''s clock (%) is more than 5 minutes behind the last entry (%): set the clock right', now_at, head.last_at
            USING ERRCODE = 'MU002';
    END IF;
    recorded_at := greatest(head.last_at, now_at);

    IF EXISTS (SELECT FROM ledger.sources s WHERE s.log_id = p_log AND s.source_id = ANY (sources) AND s.key_id <> p_binder) THEN
        SELECT json_agg(json_build_object('at', u.place - 1, 'field', 'source.id',
                'reason', 'this source id is bound to another API key; rebind it, or use a source id of your own') ORDER BY u.place)
            INTO refused
            FROM unnest(source_ids) WITH ORDINALITY AS u (source_id, place)
            JOIN ledger.sources s ON s.log_id = p_log AND s.source_id = u.source_id AND s.key_id <> p_binder;
        RETURN;
    END IF;
    INSERT INTO ledger.sources (log_id, tenant_id, source_id, key_id, bound_at)
        SELECT p_log, p_tenant, s, p_binder, append_batch.recorded_at FROM unnest(sources) AS s
        WHERE NOT EXISTS (SELECT FROM ledger.sources b WHERE b.log_id = p_log AND b.source_id = s);

    -- Most batches lie beyond everything recorded: one probe says so. Otherwise each id is looked for.
    IF distinct_n < p_count
        OR EXISTS (SELECT FROM ledger.event_ids i WHERE i.log_id = p_log AND i.event_id BETWEEN lowest AND highest) THEN
        SELECT array_agg(u.copy > 1 OR EXISTS (
                   SELECT FROM ledger.event_ids i WHERE i.log_id = p_log AND i.event_id = u.event_id AND i.source_id = u.source_id
                       AND i.event_id BETWEEN lowest AND highest) ORDER BY u.place)
            INTO repeated
            FROM (SELECT v.event_id, v.source_id, v.place,
                         row_number() OVER (PARTITION BY v.event_id, v.source_id ORDER BY v.place) AS copy
                  FROM unnest(ids, source_ids) WITH ORDINALITY AS v (event_id, source_id, place)) AS u;
        IF NOT true = ANY (repeated) THEN
            repeated := NULL;
        END IF;
    END IF;

    IF repeated IS NULL OR false = ANY (repeated) THEN
        linking := ',"log":"' || p_origin || '","map":"' || p_mapping || '","prev":"';
        closing := '","recorded_at":"' || to_char(recorded_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '","seq":';
        first_seq := head.size;
        next_seq := head.size;
        prev_hash := head.entry_hash;
        FOR i IN 1..p_count LOOP
            IF repeated[i] THEN
                entries[i] := NULL;
                entry_list[i] := NULL;
                prevs[i] := NULL;
                seqs[i] := NULL;
                CONTINUE;
            END IF;
            one_text := opening || coalesce('"controls":["' || controls_in[i] || '"],"event":', '"event":') || texts[i] || linking
                        || encode(prev_hash, 'hex') || closing || next_seq || ',"v":3}';
            entries[i] := one_text;
            prevs[i] := prev_hash;
            prev_hash := sha256('\x00'::bytea || convert_to(one_text, 'UTF8'));
            entry_list[i] := prev_hash;
            seqs[i] := next_seq;
            next_seq := next_seq + 1;
        END LOOP;

        INSERT INTO ledger.entries (
            log_id, tenant_id, seq, recorded_at, entry_hash, prev, submitter, mapping, controls, event_id, action, actor_type, actor_id,
            outcome, occurred_at, source_id, epoch, source_seq, source_prev, tool, workspace, resource_type, resource_id, trace_id, span_id,
            labels, causes, event_controls, body_commit, body_len, body_type, body_scheme, entry)
        SELECT p_log, p_tenant, c.seq, append_batch.recorded_at, c.entry_hash, c.prev, p_by, p_mapping, string_to_array(c.controls, E'\t'),
               c.event_id, c.action, c.actor_type, c.actor_id, c.outcome, c.occurred_at::bigint, c.source_id,
               decode(c.epoch, 'hex'), c.source_seq::bigint, decode(c.source_prev, 'hex'), c.tool, c.workspace, c.resource_type, c.resource_id,
               decode(c.trace_id, 'hex'), decode(c.span_id, 'hex'), string_to_array(c.labels, E'\t'), string_to_array(c.causes, E'\t'),
               string_to_array(c.event_controls, E'\t'), decode(c.body_commit, 'hex'), c.body_len::bigint, c.body_type,
               CASE WHEN c.body_commit IS NOT NULL THEN 1 END, c.entry
        FROM unnest(
                seqs, entry_list, prevs, entries, control_col, ids, source_ids,
                string_to_array(p_actions, nl), string_to_array(p_actor_types, nl), string_to_array(p_actor_ids, nl),
                string_to_array(p_outcomes, nl), string_to_array(p_occurred, nl), string_to_array(p_epochs, nl, ''),
                string_to_array(p_source_seqs, nl, ''), string_to_array(p_source_prevs, nl, ''), string_to_array(p_tools, nl, ''),
                string_to_array(p_workspaces, nl, ''), string_to_array(p_resource_types, nl, ''), string_to_array(p_resource_ids, nl, ''),
                string_to_array(p_trace_ids, nl, ''), string_to_array(p_span_ids, nl, ''), string_to_array(p_labels, nl, ''),
                string_to_array(p_causes, nl, ''), string_to_array(p_event_controls, nl, ''), string_to_array(p_body_commits, nl, ''),
                string_to_array(p_body_lens, nl, ''), string_to_array(p_body_types, nl, '')
             ) AS c (seq, entry_hash, prev, entry, controls, event_id, source_id, action, actor_type, actor_id, outcome, occurred_at, epoch,
                     source_seq, source_prev, tool, workspace, resource_type, resource_id, trace_id, span_id, labels, causes, event_controls,
                     body_commit, body_len, body_type)
        WHERE c.seq IS NOT NULL;

        INSERT INTO ledger.event_ids (log_id, tenant_id, source_id, event_id, seq, recorded_at, event_hash)
            SELECT p_log, p_tenant, c.source_id, c.event_id, c.seq, append_batch.recorded_at, c.event_hash
            FROM unnest(source_ids, ids, seqs, hashes) AS c (source_id, event_id, seq, event_hash) WHERE c.seq IS NOT NULL;

        IF p_controls IS NOT NULL THEN
            INSERT INTO ledger.entry_controls (log_id, tenant_id, control, recorded_at, seq)
                SELECT p_log, p_tenant, control, append_batch.recorded_at, c.seq
                FROM unnest(control_col, seqs) AS c (controls, seq), unnest(string_to_array(c.controls, E'\t')) AS control
                WHERE c.seq IS NOT NULL
                ORDER BY control, c.seq;  -- neighbours in the index
        END IF;

        IF p_body_commits IS NOT NULL THEN
            INSERT INTO ledger.bodies (log_id, tenant_id, seq, recorded_at, salt, body, state)
                SELECT p_log, p_tenant, c.seq, append_batch.recorded_at, c.salt,
                       CASE WHEN octet_length(c.body) <= 262144 THEN c.body END,
                       CASE WHEN octet_length(c.body) <= 262144 THEN 'stored' ELSE 'not_stored' END
                FROM unnest(seqs, string_to_array(p_body_commits, nl, ''), p_salts, p_bodies) AS c (seq, commitment, salt, body)
                WHERE c.seq IS NOT NULL AND c.commitment IS NOT NULL;
        END IF;
        SELECT string_agg(h, ''::bytea) INTO entry_hashes FROM unnest(entry_list) AS h;
    END IF;

    IF repeated IS NOT NULL THEN
        SELECT json_agg(json_build_object('at', u.place - 1, 'state', s.state, 'seq', i.seq, 'entry_hash', encode(e.entry_hash, 'hex'),
                    'recorded_at', (extract(epoch FROM i.recorded_at) * 1000000)::bigint) ORDER BY u.place)
            INTO settled
            FROM unnest(ids, source_ids, hashes, texts, repeated, p_made_salts, p_made_times,
                        string_to_array(p_body_commits, nl, ''), string_to_array(p_occurred, nl), p_bodies) WITH ORDINALITY
                 AS u (event_id, source_id, event_hash, text, is_repeated, made_salt, made_time, commitment, occurred, body, place)
            CROSS JOIN LATERAL (
                SELECT k.seq, k.recorded_at, k.event_hash FROM ledger.event_ids k
                WHERE k.log_id = p_log AND k.event_id = u.event_id AND k.source_id = u.source_id
                    AND k.event_id BETWEEN lowest AND highest LIMIT 1) AS i
            CROSS JOIN LATERAL (
                SELECT n.entry_hash, n.body_commit, n.occurred_at FROM ledger.entries n
                WHERE n.log_id = p_log AND n.seq = i.seq AND n.recorded_at = i.recorded_at LIMIT 1) AS e
            LEFT JOIN LATERAL (
                SELECT o.salt, o.state FROM ledger.bodies o
                WHERE o.log_id = p_log AND o.seq = i.seq AND o.recorded_at = i.recorded_at LIMIT 1) AS b ON true
            CROSS JOIN LATERAL (SELECT CASE
                WHEN u.event_hash = i.event_hash THEN CASE b.state WHEN 'erased' THEN 'body-erased' ELSE 'known' END
                WHEN u.made_salt OR u.made_time THEN ledger.settle_made(
                    u.text, u.event_hash, coalesce(u.made_salt, false), coalesce(u.made_time, false), u.commitment, u.occurred::bigint, u.body,
                    i.event_hash, e.body_commit, e.occurred_at, b.salt, b.state)
                ELSE 'conflict' END AS state) AS s
            WHERE u.is_repeated;
    END IF;
END $$;

-- Append for an API key. Tenant and submitter follow from the key; the caller cannot name them.
CREATE FUNCTION ledger.append(
    p_key text, p_log int, p_mapping text, p_count int,
    p_event_ids text, p_actions text, p_actor_types text, p_actor_ids text, p_outcomes text, p_occurred text,
    p_source_ids text, p_epochs text, p_source_seqs text, p_source_prevs text,
    p_tools text, p_workspaces text, p_resource_types text, p_resource_ids text, p_trace_ids text, p_span_ids text,
    p_labels text, p_causes text, p_event_controls text, p_body_commits text, p_body_lens text, p_body_types text,
    p_controls text, p_salts bytea[], p_bodies bytea[], p_made_salts boolean[], p_made_times boolean[],
    OUT origin text, OUT seal_within int, OUT refused json, OUT settled json, OUT first_seq bigint, OUT recorded_at bigint, OUT entry_hashes bytea
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' SET plan_cache_mode = force_generic_plan
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off SET jit = off
AS $$
DECLARE
    key       record;
    the_log   record;
    batch     record;
BEGIN
    PERFORM set_config('muniment.lookup', coalesce(p_key, ''), true);
    SELECT k.tenant_id, k.log_id, k.scope, k.revoked_at INTO key FROM ledger.api_keys k WHERE k.key_id = p_key;
    PERFORM set_config('muniment.lookup', '', true);
    IF key.tenant_id IS NULL OR key.log_id IS DISTINCT FROM p_log OR key.revoked_at IS NOT NULL OR key.scope <> 'append' THEN
        RAISE EXCEPTION 'key % may not append to log %: it is unknown, revoked, read-only or of another log', p_key, p_log
            USING ERRCODE = 'MU001';
    END IF;
    PERFORM ledger.enter_tenant(key.tenant_id);
    SELECT l.origin, l.seal_within, l.state INTO the_log FROM ledger.logs l WHERE l.log_id = p_log;
    IF the_log.state IS DISTINCT FROM 'active' THEN
        RAISE EXCEPTION 'log % is closed', the_log.origin USING ERRCODE = 'MU003';
    END IF;
    SELECT * INTO batch FROM ledger.append_batch(
        key.tenant_id, p_log, the_log.origin, 'key:' || p_key, p_key, p_mapping, p_count,
        p_event_ids, p_actions, p_actor_types, p_actor_ids, p_outcomes, p_occurred, p_source_ids, p_epochs, p_source_seqs, p_source_prevs,
        p_tools, p_workspaces, p_resource_types, p_resource_ids, p_trace_ids, p_span_ids, p_labels, p_causes, p_event_controls,
        p_body_commits, p_body_lens, p_body_types, p_controls, p_salts, p_bodies, p_made_salts, p_made_times);
    origin := the_log.origin;
    seal_within := the_log.seal_within;
    refused := batch.refused;
    settled := batch.settled;
    first_seq := batch.first_seq;
    recorded_at := (extract(epoch FROM batch.recorded_at) * 1000000)::bigint;
    entry_hashes := batch.entry_hashes;
END $$;

-- Append for the server itself or for a person it has authenticated: 'system:…' or 'user:usr_…', never 'key:…'.
-- The tenant is the one of the transaction.
CREATE FUNCTION ledger.append_system(
    p_by text, p_log int, p_mapping text, p_count int,
    p_event_ids text, p_actions text, p_actor_types text, p_actor_ids text, p_outcomes text, p_occurred text,
    p_source_ids text, p_epochs text, p_source_seqs text, p_source_prevs text,
    p_tools text, p_workspaces text, p_resource_types text, p_resource_ids text, p_trace_ids text, p_span_ids text,
    p_labels text, p_causes text, p_event_controls text, p_body_commits text, p_body_lens text, p_body_types text,
    p_controls text, p_salts bytea[], p_bodies bytea[], p_made_salts boolean[], p_made_times boolean[],
    OUT origin text, OUT seal_within int, OUT refused json, OUT settled json, OUT first_seq bigint, OUT recorded_at bigint, OUT entry_hashes bytea
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' SET plan_cache_mode = force_generic_plan
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off SET jit = off
AS $$
DECLARE
    the_log record;
    batch   record;
BEGIN
    PERFORM ledger.check_system_submitter(p_by);
    SELECT l.tenant_id, l.origin, l.seal_within, l.state INTO the_log FROM ledger.logs l WHERE l.log_id = p_log;
    IF the_log.state IS DISTINCT FROM 'active' THEN
        RAISE EXCEPTION 'there is no active log % in this tenant', p_log USING ERRCODE = 'MU003';
    END IF;
    PERFORM ledger.enter_tenant(the_log.tenant_id);
    SELECT * INTO batch FROM ledger.append_batch(
        the_log.tenant_id, p_log, the_log.origin, p_by, 'system', p_mapping, p_count,
        p_event_ids, p_actions, p_actor_types, p_actor_ids, p_outcomes, p_occurred, p_source_ids, p_epochs, p_source_seqs, p_source_prevs,
        p_tools, p_workspaces, p_resource_types, p_resource_ids, p_trace_ids, p_span_ids, p_labels, p_causes, p_event_controls,
        p_body_commits, p_body_lens, p_body_types, p_controls, p_salts, p_bodies, p_made_salts, p_made_times);
    origin := the_log.origin;
    seal_within := the_log.seal_within;
    refused := batch.refused;
    settled := batch.settled;
    first_seq := batch.first_seq;
    recorded_at := (extract(epoch FROM batch.recorded_at) * 1000000)::bigint;
    entry_hashes := batch.entry_hashes;
END $$;
