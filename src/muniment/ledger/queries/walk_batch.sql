-- Some entries in the order of the log: their texts, and whether all that is stored beside each of them says the same. `fine` is true
-- where the columns, written as the text that they stand for, give the hashed text, and the index of event ids and the body agree with
-- it. No two rows give one text: every string is quoted, and what stands together is there together. Whatever is not fine is read again
-- by walk_entries and named there. What a text itself must be is not judged here.
SELECT
    e.seq, e.recorded_at, e.entry_hash, textsend(e.entry) AS text, b.state,
    CASE WHEN e.action = 'body.erase' AND NOT starts_with(e.submitter, 'key:') THEN e.labels END AS erasing,
    e.entry = concat(
        '{"by":"', e.submitter, '"', ',"controls":' || array_to_json(e.controls), ',"event":', w.event, ',"log":"', %(origin)s::text,
        '","map":"', e.mapping, '","prev":"', encode(e.prev, 'hex'),
        '","recorded_at":"', to_char(e.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '","seq":', e.seq, ',"v":3}')
    AND e.recorded_at >= '1970-01-01Z'                                              -- a year before Christ is written as one after
    AND strpos(w.plain, '"') = 0 AND strpos(w.plain, '\') = 0
    AND num_nulls(e.resource_type, e.resource_id) IN (0, 2)
    AND num_nulls(e.epoch, e.source_seq, e.source_prev) IN (0, 3)
    AND num_nulls(e.body_commit, e.body_len, e.body_type, e.body_scheme) IN (0, 4)
    AND (e.trace_id IS NOT NULL OR e.span_id IS NULL)
    AND k.seq = e.seq AND k.recorded_at = e.recorded_at
    AND k.event_hash = sha256('\x6d756e696d656e742f6576656e742f3100'::bytea || convert_to(w.event, 'UTF8'))
    AND (b.state IS NULL) = (e.body_commit IS NULL)
    AND (b.state <> 'stored' OR b.state IS NULL OR (
        octet_length(b.body) = e.body_len
        AND e.body_commit = sha256('\x6d756e696d656e742f626f64792f3100'::bytea || b.salt || b.body))) AS fine
FROM ledger.entries e
CROSS JOIN LATERAL (SELECT
    -- These strings are not escaped: they hold neither quotation marks nor backslashes.
    concat(e.submitter, e.mapping, e.event_id, e.action, e.actor_type, e.outcome, e.source_id, e.workspace, e.resource_type, e.body_type)
        AS plain,
    -- An absent part is null, and concat() leaves nulls out.
    concat(
        '{"action":"', e.action, '","actor":{"id":"', replace(replace(e.actor_id, '\', '\\'), '"', '\"'), '","type":"', e.actor_type, '"}',
        ',"body":{"commit":"' || encode(e.body_commit, 'hex') || '","len":' || e.body_len || ',"scheme":' || e.body_scheme
            || ',"type":"' || e.body_type || '"}',
        ',"causes":' || array_to_json(e.causes), ',"controls":' || array_to_json(e.event_controls), ',"id":"', e.event_id, '"',
        ',"labels":' || array_to_json(e.labels), ',"occurred_at":"',
        to_char(timestamp '1970-01-01' + (e.occurred_at / 1000000000) * interval '1 second', 'YYYY-MM-DD"T"HH24:MI:SS.'),
        lpad((e.occurred_at %% 1000000000)::text, 9, '0'), 'Z","outcome":"', e.outcome, '"',
        ',"resource":{"id":"' || replace(replace(e.resource_id, '\', '\\'), '"', '\"') || '","type":"' || e.resource_type || '"}',
        ',"source":{', '"epoch":"' || encode(e.epoch, 'hex') || '",', '"id":"', e.source_id, '"',
        ',"prev":"' || encode(e.source_prev, 'hex') || '","seq":' || e.source_seq, '}',
        ',"tool":"' || replace(replace(e.tool, '\', '\\'), '"', '\"') || '"',
        ',"trace":{"id":"' || encode(e.trace_id, 'hex') || '"' || coalesce(',"span":"' || encode(e.span_id, 'hex') || '"', '') || '}',
        ',"workspace":"' || e.workspace || '"', '}') AS event
    OFFSET 0) w
LEFT JOIN (
    SELECT i.event_id, i.source_id, i.seq, i.recorded_at, i.event_hash FROM ledger.event_ids i
    WHERE i.log_id = %(log)s AND i.event_id = ANY(ARRAY(
        SELECT n.event_id FROM ledger.entries n WHERE n.log_id = %(log)s AND n.seq >= %(first)s AND n.seq < %(end)s))
) k ON k.event_id = e.event_id AND k.source_id = e.source_id
LEFT JOIN (
    SELECT o.seq, o.recorded_at, o.state, o.salt, o.body FROM ledger.bodies o
    WHERE o.log_id = %(log)s AND o.seq >= %(first)s AND o.seq < %(end)s
) b ON b.seq = e.seq AND b.recorded_at = e.recorded_at
WHERE e.log_id = %(log)s AND e.seq >= %(first)s AND e.seq < %(end)s
ORDER BY e.seq, e.recorded_at
