-- The first entry that an API key's sources recorded.
SELECT s.source_id, e.seq, e.recorded_at, e.action
FROM ledger.sources s
CROSS JOIN LATERAL (
    SELECT n.seq, n.recorded_at, n.action FROM ledger.entries n
    WHERE n.log_id = s.log_id AND n.source_id = s.source_id ORDER BY n.recorded_at, n.seq LIMIT 1
) e
WHERE s.log_id = %(log)s AND s.key_id = %(key)s
ORDER BY e.seq LIMIT 1
