-- Entries in the order of the log, with the bodies that are disclosed. The times only prune partitions.
SELECT r.seq, r.entry, b.salt, b.body
FROM ledger.entries r
LEFT JOIN ledger.bodies b
    ON %(bodies)s AND b.log_id = r.log_id AND b.seq = r.seq AND b.recorded_at = r.recorded_at AND b.state = 'stored'
WHERE r.log_id = %(log)s AND r.seq >= %(first)s AND r.seq <= %(last)s
    AND r.recorded_at >= coalesce(%(since)s::timestamptz, '-infinity') AND r.recorded_at <= coalesce(%(until)s::timestamptz, 'infinity')
ORDER BY r.seq
