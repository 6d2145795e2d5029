-- Stored tokens by size and authority, above a pair of them, and the labels of the entry that records each.
SELECT a.size, a.authority, a.token, a.seq, e.labels
FROM ledger.anchors a
LEFT JOIN ledger.entries e ON e.log_id = a.log_id AND e.seq = a.seq AND e.recorded_at = a.recorded_at
WHERE a.log_id = %(log)s AND (a.size, a.authority) > (%(size)s, %(authority)s)
ORDER BY a.size, a.authority LIMIT %(limit)s
