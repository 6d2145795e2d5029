-- Entries with one of some actions and their bodies, newest first. Each action is looked up by itself, so that the log's size does
-- not matter. Bodies are joined last, to the rows of the page alone.
WITH page AS MATERIALIZED (
    SELECT e.seq, e.recorded_at, e.entry_hash, e.entry
    FROM unnest(%(actions)s::text[]) AS a (action)
    CROSS JOIN LATERAL (
        SELECT n.seq, n.recorded_at, n.entry_hash, n.entry
        FROM ledger.entries n
        WHERE n.log_id = %(log)s AND n.action = a.action
            AND (%(since)s::timestamptz IS NULL OR n.recorded_at >= %(since)s)
            AND (%(until)s::timestamptz IS NULL OR n.recorded_at < %(until)s)
            AND (%(below)s::bigint IS NULL OR n.seq < %(below)s)
        ORDER BY n.recorded_at DESC, n.seq DESC
        LIMIT %(limit)s
    ) e
    ORDER BY e.recorded_at DESC, e.seq DESC
    LIMIT %(limit)s
)
SELECT p.seq, p.recorded_at, p.entry_hash, p.entry, b.state, b.salt, b.body
FROM page p
LEFT JOIN ledger.bodies b ON b.log_id = %(log)s AND b.seq = p.seq AND b.recorded_at = p.recorded_at
ORDER BY p.recorded_at DESC, p.seq DESC
