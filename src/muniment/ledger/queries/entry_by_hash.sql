-- The newest entry with a hash, among the newest of the log. No index knows hashes: the stretch is read.
SELECT e.seq, e.recorded_at, e.entry_hash, e.entry
FROM ledger.entries e
WHERE e.log_id = %(log)s AND e.seq >= %(first)s AND e.seq <= %(last)s
    AND e.recorded_at >= coalesce(%(since)s::timestamptz, '-infinity') AND e.recorded_at <= coalesce(%(until)s::timestamptz, 'infinity')
    AND e.entry_hash = %(hash)s
ORDER BY e.seq DESC
LIMIT 1
