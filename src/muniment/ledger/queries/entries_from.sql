-- Entries from a place on, oldest first. The time only prunes partitions.
SELECT e.seq, e.recorded_at, e.entry_hash, e.entry
FROM ledger.entries e
WHERE e.log_id = %(log)s AND e.seq >= %(first)s AND e.seq <= %(last)s
    AND e.recorded_at >= coalesce(%(since)s::timestamptz, '-infinity') AND e.recorded_at <= coalesce(%(until)s::timestamptz, 'infinity')
ORDER BY e.seq
LIMIT %(limit)s
