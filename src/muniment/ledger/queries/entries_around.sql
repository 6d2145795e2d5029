-- Entries that were recorded, or say that they occurred, around a moment; entries_by_time leads to those recorded in the wider stretch.
SELECT e.seq, e.recorded_at, e.entry_hash, e.entry
FROM ledger.entries e
WHERE e.log_id = %(log)s AND e.recorded_at >= %(searched_since)s AND e.recorded_at < %(searched_until)s
    AND ((e.recorded_at >= %(since)s AND e.recorded_at < %(until)s)
        OR (e.occurred_at >= %(since_ns)s AND e.occurred_at < %(until_ns)s))
ORDER BY e.recorded_at, e.seq
LIMIT %(limit)s
