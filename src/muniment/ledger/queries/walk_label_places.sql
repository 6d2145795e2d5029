-- Where the index of labels has some labels among some entries: for each of them the numbers of its entries, 8 bytes each.
SELECT k.label, string_agg(int8send(k.seq), ''::bytea)
FROM ledger.entry_labels k
WHERE k.log_id = %(log)s AND k.label = ANY(%(values)s::text[])
    AND k.recorded_at >= %(since)s AND k.recorded_at <= %(until)s AND k.seq >= %(first)s AND k.seq < %(end)s
GROUP BY k.label
