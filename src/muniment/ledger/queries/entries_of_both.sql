-- How many entries of a time have one of some actions and hold any of some control ids.
SELECT count(*)
FROM ledger.entries e
WHERE e.log_id = %(log)s AND e.action = ANY (%(actions)s::text[]) AND e.controls && %(controls)s::text[]
    AND (%(since)s::timestamptz IS NULL OR e.recorded_at >= %(since)s)
    AND (%(until)s::timestamptz IS NULL OR e.recorded_at < %(until)s)
