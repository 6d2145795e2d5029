-- The entries of some events, each named by source and id; event_ids leads.
SELECT e.seq, e.recorded_at, e.entry_hash, e.entry
FROM unnest(%(sources)s::text[], %(events)s::text[]) AS r (source_id, event_id)
JOIN ledger.event_ids i ON i.log_id = %(log)s AND i.event_id = r.event_id AND i.source_id = r.source_id
JOIN ledger.entries e ON e.log_id = i.log_id AND e.seq = i.seq AND e.recorded_at = i.recorded_at
ORDER BY e.seq
LIMIT %(limit)s
