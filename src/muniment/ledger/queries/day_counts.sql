-- Of the entries between two places, how many there are of each day (UTC), action and set of control ids, and the last of them.
-- The time only prunes partitions.
SELECT (e.recorded_at AT TIME ZONE 'UTC')::date, e.action, coalesce(e.controls, '{}'), count(*), max(e.seq), max(e.recorded_at)
FROM ledger.entries e
WHERE e.log_id = %(log)s AND e.seq >= %(first)s AND e.seq < %(end)s
    AND e.recorded_at >= coalesce(%(since)s::timestamptz, '-infinity')
GROUP BY 1, 2, 3
