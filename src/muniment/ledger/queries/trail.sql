-- What the server itself recorded of what people did: entries of the log's own source with one of these actions. Each action is
-- looked up by itself, so that the log's size does not matter.
SELECT e.seq, e.recorded_at, e.entry_hash, e.entry
FROM ledger.logs l
CROSS JOIN unnest(%(actions)s::text[]) AS a (action)
CROSS JOIN LATERAL (
    SELECT n.seq, n.recorded_at, n.entry_hash, n.entry
    FROM ledger.entries n
    WHERE n.log_id = l.log_id AND n.action = a.action AND n.source_id = l.system_source
        AND (%(at)s::timestamptz IS NULL OR (n.recorded_at <= %(at)s AND (n.recorded_at, n.seq) < (%(at)s, %(seq)s)))
    ORDER BY n.recorded_at DESC, n.seq DESC
    LIMIT %(limit)s
) e
WHERE l.log_id = %(log)s
ORDER BY e.recorded_at DESC, e.seq DESC
LIMIT %(limit)s
