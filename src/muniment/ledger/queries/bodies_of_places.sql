-- Some entries by their places with their bodies, in the order of the log. The times only prune partitions.
SELECT e.seq, e.recorded_at, e.entry_hash, e.entry, b.state, b.salt, b.body
FROM ledger.entries e
LEFT JOIN ledger.bodies b ON b.log_id = e.log_id AND b.seq = e.seq AND b.recorded_at = e.recorded_at
WHERE e.log_id = %(log)s AND e.seq = ANY(%(seqs)s)
    AND e.recorded_at >= coalesce(%(since)s::timestamptz, '-infinity') AND e.recorded_at <= coalesce(%(until)s::timestamptz, 'infinity')
ORDER BY e.seq
