-- How many entries of a time hold any of some control ids, each once.
SELECT count(*)
FROM (
    SELECT DISTINCT k.seq
    FROM ledger.entry_controls k
    WHERE k.log_id = %(log)s AND k.control = ANY (%(controls)s::text[])
        AND (%(since)s::timestamptz IS NULL OR k.recorded_at >= %(since)s)
        AND (%(until)s::timestamptz IS NULL OR k.recorded_at < %(until)s)
) held
