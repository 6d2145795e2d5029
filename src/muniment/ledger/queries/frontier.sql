-- How far a log reaches, how much of it the newest checkpoint covers, where the newest walk found it broken, and how much of it the
-- largest timestamped checkpoint covers: nothing counts as timestamped while the newest full walk says that a token does not hold.
SELECT h.size, h.last_at,
    coalesce((SELECT max(c.size) FROM ledger.checkpoints c WHERE c.log_id = h.log_id), 0),
    (SELECT w.broken_at FROM ledger.walks w WHERE w.log_id = h.log_id AND w.finished_at IS NOT NULL ORDER BY w.number DESC LIMIT 1),
    CASE WHEN (
        SELECT w.report -> 'checks' @> '[{"name": "anchors", "state": "failed"}]'
        FROM ledger.walks w
        WHERE w.log_id = h.log_id AND w.finished_at IS NOT NULL AND (w.report -> 'walk' ->> 'from') = '0'
        ORDER BY w.number DESC LIMIT 1
    ) THEN 0 ELSE coalesce((SELECT max(a.size) FROM ledger.anchors a WHERE a.log_id = h.log_id), 0) END
FROM ledger.heads h WHERE h.log_id = %(log)s
