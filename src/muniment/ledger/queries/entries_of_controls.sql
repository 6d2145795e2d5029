-- For each control id, how many entries of a time hold it; from the index alone.
SELECT k.control, count(*)
FROM ledger.entry_controls k
WHERE k.log_id = %(log)s AND k.control = ANY (%(controls)s::text[])
    AND (%(since)s::timestamptz IS NULL OR k.recorded_at >= %(since)s)
    AND (%(until)s::timestamptz IS NULL OR k.recorded_at < %(until)s)
GROUP BY k.control
