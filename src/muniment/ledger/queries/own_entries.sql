-- What the server itself recorded from a place on, oldest first, as columns without texts. No other source can add to it.
-- entries_by_source leads; within a log the order of the times is that of the places.
SELECT e.seq, e.recorded_at, e.action, e.actor_id, e.outcome, e.resource_type, e.resource_id, e.labels,
    e.source_id || '/' || e.event_id
FROM ledger.entries e
WHERE e.log_id = %(log)s AND e.source_id = (SELECT l.system_source FROM ledger.logs l WHERE l.log_id = %(log)s)
    AND e.recorded_at >= coalesce(%(since)s::timestamptz, '-infinity') AND e.seq >= %(first)s
ORDER BY e.recorded_at, e.seq
LIMIT %(limit)s
