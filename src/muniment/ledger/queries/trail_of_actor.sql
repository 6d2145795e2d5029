-- The same of one person: their entries are few beside the log's, and nearly all of them belong here.
SELECT e.seq, e.recorded_at, e.entry_hash, e.entry
FROM ledger.logs l
JOIN ledger.entries e ON e.log_id = l.log_id AND e.source_id = l.system_source
WHERE l.log_id = %(log)s AND e.log_id = %(log)s AND e.actor_id = %(actor)s AND e.action = ANY(%(actions)s::text[])
    AND (%(at)s::timestamptz IS NULL OR (e.recorded_at <= %(at)s AND (e.recorded_at, e.seq) < (%(at)s, %(seq)s)))
ORDER BY e.recorded_at DESC, e.seq DESC
LIMIT %(limit)s
