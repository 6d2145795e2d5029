-- What the index of labels says about some entries.
SELECT k.seq, array_agg(k.label ORDER BY k.label)
FROM ledger.entry_labels k
WHERE k.log_id = %(log)s AND k.label = ANY(%(values)s::text[])
    AND k.recorded_at >= %(since)s AND k.recorded_at <= %(until)s AND k.seq >= %(first)s AND k.seq < %(end)s
GROUP BY k.seq
