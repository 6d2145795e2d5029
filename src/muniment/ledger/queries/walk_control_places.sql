-- Where the index of controls has some controls among some entries: for each of them the numbers of its entries, 8 bytes each.
SELECT k.control, string_agg(int8send(k.seq), ''::bytea)
FROM ledger.entry_controls k
WHERE k.log_id = %(log)s AND k.control = ANY(%(values)s::text[])
    AND k.recorded_at >= %(since)s AND k.recorded_at <= %(until)s AND k.seq >= %(first)s AND k.seq < %(end)s
GROUP BY k.control
