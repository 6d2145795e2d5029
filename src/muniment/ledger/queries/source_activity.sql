-- The sources of a log, each with its key, its newest entry, its usual pause (nine of ten pauses between its newest entries are
-- shorter) and its entries of the last hour, counted up to a cap.
SELECT s.source_id, s.key_id, k.label, k.revoked_at, s.bound_at, s.source_id = l.system_source, e.recorded_at, e.seq, e.actor_id,
    e.source_seq IS NOT NULL, p.pauses, p.usual, h.entries
FROM ledger.sources s
JOIN ledger.logs l ON l.log_id = s.log_id
LEFT JOIN ledger.api_keys k ON k.key_id = s.key_id
LEFT JOIN LATERAL (
    SELECT n.recorded_at, n.seq, n.actor_id, n.source_seq FROM ledger.entries n
    WHERE n.log_id = s.log_id AND n.source_id = s.source_id ORDER BY n.recorded_at DESC, n.seq DESC LIMIT 1
) e ON true
CROSS JOIN LATERAL (
    SELECT count(o.pause) AS pauses, percentile_cont(0.9) WITHIN GROUP (ORDER BY o.pause) AS usual
    FROM (
        SELECT extract(epoch FROM lag(r.recorded_at) OVER (ORDER BY r.recorded_at DESC, r.seq DESC) - r.recorded_at)::float8 AS pause
        FROM (
            SELECT n.recorded_at, n.seq FROM ledger.entries n
            WHERE n.log_id = s.log_id AND n.source_id = s.source_id ORDER BY n.recorded_at DESC, n.seq DESC LIMIT 50
        ) r
    ) o
) p
CROSS JOIN LATERAL (
    SELECT count(*) AS entries
    FROM (
        SELECT FROM ledger.entries n
        WHERE n.log_id = s.log_id AND n.source_id = s.source_id AND n.recorded_at >= statement_timestamp() - interval '1 hour' LIMIT %(cap)s
    ) r
) h
WHERE s.log_id = %(log)s AND (%(source)s::text IS NULL OR s.source_id = %(source)s)
ORDER BY e.recorded_at DESC NULLS LAST, s.source_id
LIMIT %(limit)s
