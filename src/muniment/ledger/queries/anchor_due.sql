-- How each of some authorities stands to the newest checkpoint of a log: what it stamped last, and whether there is anything to stamp.
-- news: an entry that is not the ledger's own stands between, or nothing was stamped yet. No row while nothing is sealed.
SELECT
    a.name, n.size, l.size, l.seq, l.recorded_at, l.valid_until,
    l.size IS NULL OR EXISTS (
        SELECT FROM ledger.entries e
        WHERE e.log_id = %(log)s AND e.seq >= l.size AND e.seq < n.size AND e.submitter <> 'system:muniment'
            AND e.recorded_at >= l.last_at AND e.recorded_at <= n.last_at
    ),
    coalesce(t.retry_at <= clock_timestamp(), true), clock_timestamp()
FROM unnest(%(authorities)s::text[]) AS a (name)
CROSS JOIN (SELECT size, last_at FROM ledger.checkpoints WHERE log_id = %(log)s ORDER BY size DESC LIMIT 1) n
LEFT JOIN LATERAL (
    SELECT s.size, s.seq, s.recorded_at, s.valid_until, c.last_at
    FROM ledger.anchors s JOIN ledger.checkpoints c ON c.log_id = s.log_id AND c.size = s.size
    WHERE s.log_id = %(log)s AND s.authority = a.name
    ORDER BY s.size DESC LIMIT 1
) l ON true
LEFT JOIN ledger.anchor_attempts t ON t.log_id = %(log)s AND t.authority = a.name
ORDER BY a.name
