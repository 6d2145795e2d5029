-- What the index of controls says about some entries.
SELECT k.seq, array_agg(k.control ORDER BY k.control)
FROM ledger.entry_controls k
WHERE k.log_id = %(log)s AND k.control = ANY(%(values)s::text[])
    AND k.recorded_at >= %(since)s AND k.recorded_at <= %(until)s AND k.seq >= %(first)s AND k.seq < %(end)s
GROUP BY k.seq
