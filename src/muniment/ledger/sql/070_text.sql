-- The canonical text of events, written from columns (docs/format.md section 2). No JSON text is ever accepted.
--
-- A batch of events comes as columns: each column is one text with a line for each event, an empty line where the value is absent,
-- NULL where no event has it. The items of an array are separated by tabs. Neither newline nor tab can occur in a value, so
-- splitting is exact; checks and escapes run over a whole column at once.

-- Nanoseconds since the epoch as time9. Needs datestyle ISO, which every caller that is reachable from outside sets.
CREATE FUNCTION ledger.time9(p_ns bigint) RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT replace((timestamp '1970-01-01' + (p_ns / 1000000000) * interval '1 second')::text, ' ', 'T')
           || '.' || lpad((p_ns % 1000000000)::text, 9, '0') || 'Z'
$$;

-- Escape a whole column for use inside JSON strings: the grammar leaves only " and \ to be escaped.
CREATE FUNCTION ledger.json_column(p_column text) RETURNS text
LANGUAGE sql IMMUTABLE
AS $$
    SELECT replace(replace(p_column, '\', '\\'), '"', '\"')
$$;

CREATE FUNCTION ledger.event_texts(
    p_event_ids text, p_actions text, p_actor_types text, p_actor_ids text, p_outcomes text, p_occurred text,
    p_source_ids text, p_epochs text, p_source_seqs text, p_source_prevs text,
    p_tools text, p_workspaces text, p_resource_types text, p_resource_ids text, p_trace_ids text, p_span_ids text,
    p_labels text, p_causes text, p_event_controls text, p_body_commits text, p_body_lens text, p_body_types text,
    OUT texts text[], OUT hashes bytea[]
)
LANGUAGE plpgsql
AS $$
BEGIN
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
END $$;
