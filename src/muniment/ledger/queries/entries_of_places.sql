-- Some entries by their places, in the order of the log. The times only prune partitions.
SELECT e.seq, e.recorded_at, e.entry_hash, e.entry
FROM ledger.entries e
WHERE e.log_id = %(log)s AND e.seq = ANY(%(seqs)s)
    AND e.recorded_at >= coalesce(%(since)s::timestamptz, '-infinity') AND e.recorded_at <= coalesce(%(until)s::timestamptz, 'infinity')
ORDER BY e.seq
