-- The entries of an event id; one, unless several sources use the same id.
SELECT e.seq, e.recorded_at, e.entry_hash, e.entry, b.state, b.salt, b.body
FROM ledger.event_ids i
JOIN ledger.entries e ON e.log_id = i.log_id AND e.seq = i.seq AND e.recorded_at = i.recorded_at
LEFT JOIN ledger.bodies b ON b.log_id = e.log_id AND b.seq = e.seq AND b.recorded_at = e.recorded_at
WHERE i.log_id = %(log)s AND i.event_id = %(event)s AND (%(source)s::text IS NULL OR i.source_id = %(source)s)
ORDER BY e.seq
LIMIT 100
