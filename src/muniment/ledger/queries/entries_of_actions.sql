-- For each action, how many entries of a time have it; from the index alone.
SELECT e.action, count(*)
FROM ledger.entries e
WHERE e.log_id = %(log)s
    AND (%(since)s::timestamptz IS NULL OR e.recorded_at >= %(since)s)
    AND (%(until)s::timestamptz IS NULL OR e.recorded_at < %(until)s)
GROUP BY e.action
