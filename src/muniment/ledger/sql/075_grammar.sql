-- The grammar of docs/format.md section 1, as the database enforces it on the columns of a batch (070_text.sql says how they look).
-- core holds the same grammar for verifiers; a differential test holds the two together.

-- Whether every line of a column of arrays is sorted by its bytes, strictly ascending, within its limits. Lines repeat a lot.
CREATE FUNCTION ledger.arrays_hold(p_column text, p_items int, p_bytes int) RETURNS boolean
LANGUAGE plpgsql
AS $$
BEGIN
    RETURN NOT EXISTS (
        SELECT FROM (SELECT DISTINCT line FROM unnest(string_to_array(p_column, E'\n', '')) AS line WHERE line IS NOT NULL) AS d,
                    LATERAL (SELECT string_to_array(d.line, E'\t') AS items OFFSET 0) AS s
        WHERE cardinality(s.items) > p_items
            OR EXISTS (SELECT FROM generate_subscripts(s.items, 1) AS k
                       WHERE octet_length(s.items[k]) > p_bytes OR s.items[k] <= s.items[k - 1] COLLATE "C"));
END $$;

-- Whether no line of a column is longer than so many bytes.
CREATE FUNCTION ledger.lengths_hold(p_column text, p_bytes int) RETURNS boolean
LANGUAGE plpgsql
AS $$
BEGIN
    RETURN octet_length(p_column) <= p_bytes
        OR NOT EXISTS (SELECT FROM unnest(string_to_array(p_column, E'\n')) AS line WHERE octet_length(line) > p_bytes);
END $$;

-- The first field of a batch that breaks the grammar, and how; nulls when the whole batch holds.
-- Counts of lines were checked before. Classes and comparisons are by code point, whatever the database's collation is.
-- A pattern's states are built anew at each use, so patterns do not count: lengths are compared apart. Numbers are compared as texts of
-- equal length, so that none of them can overflow.
CREATE FUNCTION ledger.batch_fault(
    p_event_ids text, p_actions text, p_actor_types text, p_actor_ids text, p_outcomes text, p_occurred text,
    p_source_ids text, p_epochs text, p_source_seqs text, p_source_prevs text,
    p_tools text, p_workspaces text, p_resource_types text, p_resource_ids text, p_trace_ids text, p_span_ids text,
    p_labels text, p_causes text, p_event_controls text, p_body_commits text, p_body_lens text, p_body_types text,
    p_controls text, p_salts bytea[], p_bodies bytea[],
    OUT field text, OUT reason text
)
LANGUAGE plpgsql
AS $$
DECLARE
    nl       CONSTANT text := E'\n';
    limit_id CONSTANT text := 'evt_' || ledger.ulid_time(clock_timestamp() + interval '1 day');
BEGIN
    reason := 'does not have the grammar of docs/format.md section 1';
    IF p_event_ids IS NULL OR p_event_ids || nl !~ '^(?:evt_[0-7][0-9A-HJKMNP-TV-Z]+\n)+$' COLLATE "C" THEN field := 'id'; RETURN; END IF;
    IF p_source_ids IS NULL OR p_source_ids || nl !~ '^(?:src_[0-7][0-9A-HJKMNP-TV-Z]+\n)+$' COLLATE "C" THEN
        field := 'source.id'; RETURN; END IF;
    IF p_occurred IS NULL OR p_occurred || nl !~ '^(?:(?:0|[1-9][0-9]*)\n)+$' COLLATE "C" THEN field := 'occurred_at'; RETURN; END IF;
    SELECT f.field, f.reason INTO field, reason
    FROM unnest(string_to_array(p_event_ids, nl), string_to_array(p_source_ids, nl), string_to_array(p_occurred, nl)) AS c (id, source, at),
         LATERAL (SELECT CASE
                WHEN octet_length(c.id) <> 30 OR c.id >= limit_id COLLATE "C" THEN 'id'
                WHEN octet_length(c.source) <> 30 THEN 'source.id'
                ELSE 'occurred_at' END AS field,
            CASE
                WHEN octet_length(c.id) <> 30 THEN batch_fault.reason
                WHEN c.id >= limit_id COLLATE "C"
                    THEN 'the ULID''s time is more than a day ahead of the ledger''s clock; set the source''s clock right'
                WHEN octet_length(c.source) <> 30 THEN batch_fault.reason
                ELSE 'must be nanoseconds since 1970-01-01 and not after 2261-12-31' END AS reason) AS f
    WHERE octet_length(c.id) <> 30 OR c.id >= limit_id COLLATE "C" OR octet_length(c.source) <> 30
        OR octet_length(c.at) > 19 OR (octet_length(c.at) = 19 AND c.at > '9214646399999999999' COLLATE "C")
    LIMIT 1;
    IF field IS NOT NULL THEN RETURN; END IF;
    reason := 'does not have the grammar of docs/format.md section 1';
    IF p_actions IS NULL OR p_actions || nl !~ '^(?:[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+\n)+$' COLLATE "C"
        OR NOT ledger.lengths_hold(p_actions, 64) THEN field := 'action'; RETURN; END IF;
    IF p_actor_types IS NULL OR p_actor_types || nl !~ '^(?:(?:agent|service|session|system|user)\n)+$' COLLATE "C" THEN
        field := 'actor.type'; RETURN; END IF;
    IF p_actor_ids IS NULL OR p_actor_ids || nl !~ '^(?:[^\u0001-\u001f\u007f-\u009f]+\n)+$' COLLATE "C"
        OR NOT ledger.lengths_hold(p_actor_ids, 256) THEN field := 'actor.id'; RETURN; END IF;
    IF p_outcomes IS NULL OR p_outcomes || nl !~ '^(?:(?:denied|failure|success|unknown)\n)+$' COLLATE "C" THEN
        field := 'outcome'; RETURN; END IF;
    IF p_tools || nl !~ '^(?:[^\u0001-\u001f\u007f-\u009f]*\n)+$' COLLATE "C" OR NOT ledger.lengths_hold(p_tools, 256) THEN
        field := 'tool'; RETURN; END IF;
    IF p_workspaces || nl !~ '^(?:(?:[A-Za-z0-9][A-Za-z0-9_.-]*)?\n)+$' COLLATE "C" OR NOT ledger.lengths_hold(p_workspaces, 64) THEN
        field := 'workspace'; RETURN; END IF;
    IF p_labels IS NOT NULL AND (
        p_labels || nl !~ '^(?:(?:[a-z][a-z0-9_.-]*=[ -~]+(?:\t[a-z][a-z0-9_.-]*=[ -~]+)*)?\n)+$' COLLATE "C"
        OR NOT ledger.arrays_hold(p_labels, 32, 320)
        OR EXISTS (SELECT FROM unnest(string_to_array(replace(p_labels, nl, E'\t'), E'\t')) AS item
                   WHERE octet_length(item) > 64 AND (strpos(item, '=') > 64 OR octet_length(item) - strpos(item, '=') > 256))) THEN
        field := 'labels'; RETURN; END IF;
    IF p_causes IS NOT NULL AND (
        p_causes || nl !~ '^(?:(?:src_[0-7][0-9A-HJKMNP-TV-Z]{25}/evt_[0-7][0-9A-HJKMNP-TV-Z]{25}\t?)*\n)+$' COLLATE "C"
        OR (p_causes || nl) ~ '\t\n' OR NOT ledger.arrays_hold(p_causes, 16, 61)) THEN field := 'causes'; RETURN; END IF;
    IF p_event_controls IS NOT NULL AND (
        p_event_controls || nl !~ '^(?:(?:[a-z0-9]+(?:-[a-z0-9]+)*:[A-Za-z0-9][A-Za-z0-9._()/-]*(?:\t[a-z0-9]+(?:-[a-z0-9]+)*:[A-Za-z0-9][A-Za-z0-9._()/-]*)*)?\n)+$' COLLATE "C"
        OR NOT ledger.arrays_hold(p_event_controls, 16, 64)) THEN field := 'controls'; RETURN; END IF;
    IF p_controls IS NOT NULL AND (
        p_controls || nl !~ '^(?:(?:[a-z0-9]+(?:-[a-z0-9]+)*:[A-Za-z0-9][A-Za-z0-9._()/-]*(?:\t[a-z0-9]+(?:-[a-z0-9]+)*:[A-Za-z0-9][A-Za-z0-9._()/-]*)*)?\n)+$' COLLATE "C"
        OR NOT ledger.arrays_hold(p_controls, 16, 64)) THEN field := 'entry.controls'; RETURN; END IF;


    IF p_epochs IS NOT NULL OR p_source_seqs IS NOT NULL OR p_source_prevs IS NOT NULL THEN
        IF p_epochs || nl !~ '^[0-9a-f\n]+$' COLLATE "C" THEN field := 'source.epoch'; RETURN; END IF;
        IF p_source_prevs || nl !~ '^[0-9a-f\n]+$' COLLATE "C" THEN field := 'source.prev'; RETURN; END IF;
        IF p_source_seqs || nl !~ '^(?:(?:0|[1-9][0-9]*)?\n)+$' COLLATE "C" THEN field := 'source.seq'; RETURN; END IF;
        SELECT CASE WHEN num_nulls(c.epoch, c.seq, c.prev) NOT IN (0, 3) THEN 'source' WHEN octet_length(c.epoch) <> 32 THEN 'source.epoch'
                    WHEN octet_length(c.prev) <> 64 THEN 'source.prev' ELSE 'source.seq' END INTO field
        FROM unnest(string_to_array(p_epochs, nl, ''), string_to_array(p_source_seqs, nl, ''), string_to_array(p_source_prevs, nl, ''))
             AS c (epoch, seq, prev)
        WHERE num_nulls(c.epoch, c.seq, c.prev) NOT IN (0, 3) OR octet_length(c.epoch) <> 32 OR octet_length(c.prev) <> 64
            OR octet_length(c.seq) > 16 OR (octet_length(c.seq) = 16 AND c.seq > '9007199254740991' COLLATE "C")
        LIMIT 1;
        IF field IS NOT NULL THEN reason := 'epoch, prev and seq stand together or not at all, in their grammar'; RETURN; END IF;
    END IF;
    IF p_resource_types IS NOT NULL OR p_resource_ids IS NOT NULL THEN
        IF p_resource_types || nl !~ '^(?:(?:[a-z][a-z0-9_.-]*)?\n)+$' COLLATE "C" THEN field := 'resource.type'; RETURN; END IF;
        IF p_resource_ids || nl !~ '^(?:[^\u0001-\u001f\u007f-\u009f]*\n)+$' COLLATE "C" THEN field := 'resource.id'; RETURN; END IF;
        SELECT CASE WHEN num_nulls(c.kind, c.id) = 1 THEN 'resource' WHEN octet_length(c.kind) > 64 THEN 'resource.type'
                    ELSE 'resource.id' END INTO field
        FROM unnest(string_to_array(p_resource_types, nl, ''), string_to_array(p_resource_ids, nl, '')) AS c (kind, id)
        WHERE num_nulls(c.kind, c.id) = 1 OR octet_length(c.kind) > 64 OR octet_length(c.id) > 1024
        LIMIT 1;
        IF field IS NOT NULL THEN reason := 'id and type stand together or not at all, in their grammar'; RETURN; END IF;
    END IF;
    IF p_trace_ids IS NOT NULL OR p_span_ids IS NOT NULL THEN
        IF p_trace_ids || nl !~ '^[0-9a-f\n]+$' COLLATE "C" THEN field := 'trace.id'; RETURN; END IF;
        IF p_span_ids || nl !~ '^[0-9a-f\n]+$' COLLATE "C" THEN field := 'trace.span'; RETURN; END IF;
        SELECT CASE WHEN c.trace IS NULL THEN 'trace' WHEN octet_length(c.trace) <> 32 THEN 'trace.id' ELSE 'trace.span' END INTO field
        FROM unnest(string_to_array(p_trace_ids, nl, ''), string_to_array(p_span_ids, nl, '')) AS c (trace, span)
        WHERE (c.span IS NOT NULL AND c.trace IS NULL) OR octet_length(c.trace) <> 32 OR octet_length(c.span) <> 16
        LIMIT 1;
        IF field IS NOT NULL THEN reason := 'a span stands with its trace, in their grammar'; RETURN; END IF;
    END IF;
    IF p_body_commits IS NOT NULL OR p_body_lens IS NOT NULL OR p_body_types IS NOT NULL THEN
        IF p_body_commits || nl !~ '^[0-9a-f\n]+$' COLLATE "C" THEN field := 'body.commit'; RETURN; END IF;
        IF p_body_lens || nl !~ '^(?:(?:0|[1-9][0-9]*)?\n)+$' COLLATE "C" THEN field := 'body.len'; RETURN; END IF;
        IF p_body_types || nl !~ '^(?:(?:[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*)?\n)+$' COLLATE "C" THEN
            field := 'body.type'; RETURN; END IF;
        SELECT CASE WHEN num_nulls(c.commitment, c.len, c.type) NOT IN (0, 3) THEN 'body' WHEN octet_length(c.commitment) <> 64 THEN 'body.commit'
                    WHEN octet_length(c.type) > 127 THEN 'body.type' ELSE 'body.len' END INTO field
        FROM unnest(string_to_array(p_body_commits, nl, ''), string_to_array(p_body_lens, nl, ''), string_to_array(p_body_types, nl, ''))
             AS c (commitment, len, type)
        WHERE num_nulls(c.commitment, c.len, c.type) NOT IN (0, 3) OR octet_length(c.commitment) <> 64 OR octet_length(c.type) > 127
            OR octet_length(c.len) > 16 OR (octet_length(c.len) = 16 AND c.len > '9007199254740991' COLLATE "C")
        LIMIT 1;
        IF field IS NOT NULL THEN reason := 'commit, len and type stand together or not at all, in their grammar'; RETURN; END IF;
    END IF;
    IF p_event_controls IS NOT NULL AND EXISTS (
        SELECT FROM (SELECT DISTINCT c.own, c.all_of_them
                     FROM unnest(string_to_array(p_event_controls, nl, ''), string_to_array(p_controls, nl, '')) AS c (own, all_of_them)
                     WHERE c.own IS NOT NULL) AS d
        WHERE NOT string_to_array(d.own, E'\t') <@ coalesce(string_to_array(d.all_of_them, E'\t'), '{}')) THEN
        field := 'entry.controls'; reason := 'must hold every control of the event'; RETURN; END IF;

    IF p_salts IS NOT NULL OR p_bodies IS NOT NULL THEN
        SELECT f.field, f.reason INTO field, reason
        FROM unnest(p_salts, p_bodies, string_to_array(p_body_commits, nl, ''), string_to_array(p_body_lens, nl, ''))
             AS c (salt, body, commitment, len),
             LATERAL (SELECT
                CASE WHEN c.salt IS NULL AND c.body IS NULL THEN NULL
                     WHEN c.commitment IS NULL THEN 'body'
                     WHEN c.salt IS NULL OR octet_length(c.salt) <> 32 THEN 'body.salt'
                     WHEN c.body IS NULL THEN NULL
                     WHEN octet_length(c.body) <> c.len::bigint THEN 'body.len'
                     WHEN sha256('\x6d756e696d656e742f626f64792f3100'::bytea || c.salt || c.body) <> decode(c.commitment, 'hex') THEN 'body.commit'
                END AS field) AS k,
             LATERAL (SELECT k.field, CASE k.field
                WHEN 'body' THEN 'bytes were given, and the event commits to none'
                WHEN 'body.salt' THEN 'a body comes with the 32 bytes of salt of its commitment'
                WHEN 'body.len' THEN 'the body that was given has another length'
                WHEN 'body.commit' THEN 'is not the commitment to this salt and body' END AS reason) AS f
        WHERE f.field IS NOT NULL LIMIT 1;
        IF field IS NOT NULL THEN RETURN; END IF;
    END IF;
    field := NULL;
    reason := NULL;
END $$;

-- Every event of a batch that is refused for itself: [{"at": <index from 0>, "field", "reason"}], or null.
-- A clean batch costs one look at each column; a batch with a fault is looked at event by event.
CREATE FUNCTION ledger.batch_faults(
    p_count int,
    p_event_ids text, p_actions text, p_actor_types text, p_actor_ids text, p_outcomes text, p_occurred text,
    p_source_ids text, p_epochs text, p_source_seqs text, p_source_prevs text,
    p_tools text, p_workspaces text, p_resource_types text, p_resource_ids text, p_trace_ids text, p_span_ids text,
    p_labels text, p_causes text, p_event_controls text, p_body_commits text, p_body_lens text, p_body_types text,
    p_controls text, p_salts bytea[], p_bodies bytea[]
) RETURNS json
LANGUAGE plpgsql
AS $$
DECLARE
    fault   record;
    columns text[];
    faults  json;
BEGIN
    columns := ARRAY[p_event_ids, p_actions, p_actor_types, p_actor_ids, p_outcomes, p_occurred, p_source_ids, p_epochs, p_source_seqs,
                     p_source_prevs, p_tools, p_workspaces, p_resource_types, p_resource_ids, p_trace_ids, p_span_ids, p_labels, p_causes,
                     p_event_controls, p_body_commits, p_body_lens, p_body_types, p_controls];
    IF p_count NOT BETWEEN 1 AND 5000
        OR EXISTS (SELECT FROM unnest(columns) AS c WHERE octet_length(c) - octet_length(replace(c, E'\n', '')) <> p_count - 1)
        OR cardinality(p_salts) <> p_count OR cardinality(p_bodies) <> p_count
        OR array_ndims(p_salts) <> 1 OR array_ndims(p_bodies) <> 1 THEN
        RAISE EXCEPTION 'a batch has 1 to 5000 events, and every column has as many lines' USING ERRCODE = 'MU004';
    END IF;
    SELECT * INTO fault FROM ledger.batch_fault(
        p_event_ids, p_actions, p_actor_types, p_actor_ids, p_outcomes, p_occurred, p_source_ids, p_epochs, p_source_seqs, p_source_prevs,
        p_tools, p_workspaces, p_resource_types, p_resource_ids, p_trace_ids, p_span_ids, p_labels, p_causes, p_event_controls,
        p_body_commits, p_body_lens, p_body_types, p_controls, p_salts, p_bodies);
    IF fault.field IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT json_agg(json_build_object('at', c.place - 1, 'field', f.field, 'reason', f.reason) ORDER BY c.place) INTO faults
    FROM unnest(
            string_to_array(p_event_ids, E'\n', ''), string_to_array(p_actions, E'\n', ''),
            string_to_array(p_actor_types, E'\n', ''), string_to_array(p_actor_ids, E'\n', ''),
            string_to_array(p_outcomes, E'\n', ''), string_to_array(p_occurred, E'\n', ''),
            string_to_array(p_source_ids, E'\n', ''), string_to_array(p_epochs, E'\n', ''),
            string_to_array(p_source_seqs, E'\n', ''), string_to_array(p_source_prevs, E'\n', ''),
            string_to_array(p_tools, E'\n', ''), string_to_array(p_workspaces, E'\n', ''),
            string_to_array(p_resource_types, E'\n', ''), string_to_array(p_resource_ids, E'\n', ''),
            string_to_array(p_trace_ids, E'\n', ''), string_to_array(p_span_ids, E'\n', ''),
            string_to_array(p_labels, E'\n', ''), string_to_array(p_causes, E'\n', ''),
            string_to_array(p_event_controls, E'\n', ''), string_to_array(p_body_commits, E'\n', ''),
            string_to_array(p_body_lens, E'\n', ''), string_to_array(p_body_types, E'\n', ''),
            string_to_array(p_controls, E'\n', ''), p_salts, p_bodies
        ) WITH ORDINALITY AS c (event_id, action, actor_type, actor_id, outcome, occurred_at, source_id, epoch, source_seq, source_prev,
                tool, workspace, resource_type, resource_id, trace_id, span_id, labels, causes, event_controls,
                body_commit, body_len, body_type, controls, salt, body, place),
        LATERAL ledger.batch_fault(
            c.event_id, c.action, c.actor_type, c.actor_id, c.outcome, c.occurred_at, c.source_id, c.epoch, c.source_seq, c.source_prev,
            c.tool, c.workspace, c.resource_type, c.resource_id, c.trace_id, c.span_id, c.labels, c.causes, c.event_controls,
            c.body_commit, c.body_len, c.body_type, c.controls, ARRAY[c.salt], ARRAY[c.body]) AS f
    WHERE f.field IS NOT NULL;
    IF faults IS NULL THEN
        RAISE EXCEPTION 'the batch is refused at %: %', fault.field, fault.reason USING ERRCODE = 'MU004';
    END IF;
    RETURN faults;
END $$;
