-- The log's size at the beginning of each of the last minutes and now. seq counts without a gap, so the differences are the entries of
-- each minute, whatever lies between: one descent of an index for each.
SELECT m.at, coalesce(
    (SELECT e.seq FROM ledger.entries e WHERE e.log_id = h.log_id AND e.recorded_at >= m.at ORDER BY e.recorded_at, e.seq LIMIT 1),
    h.size)
FROM ledger.heads h
CROSS JOIN LATERAL (
    SELECT date_trunc('minute', statement_timestamp()) - make_interval(mins => n) AS at FROM generate_series(%(minutes)s - 1, -1, -1) AS n
) m
WHERE h.log_id = %(log)s
ORDER BY m.at
