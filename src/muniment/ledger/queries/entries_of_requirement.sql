-- How many entries of a time hold any of some control ids, and how many of those have one of some actions.
SELECT count(*), count(*) FILTER (WHERE e.action = ANY (%(actions)s::text[]))
FROM (
    SELECT DISTINCT k.recorded_at, k.seq
    FROM ledger.entry_controls k
    WHERE k.log_id = %(log)s AND k.control = ANY (%(controls)s::text[])
        AND (%(since)s::timestamptz IS NULL OR k.recorded_at >= %(since)s)
        AND (%(until)s::timestamptz IS NULL OR k.recorded_at < %(until)s)
) held
LEFT JOIN ledger.entries e ON %(joined)s AND e.log_id = %(log)s AND e.recorded_at = held.recorded_at AND e.seq = held.seq
