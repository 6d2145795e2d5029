-- How far a log reaches, how much of it the newest checkpoint covers, and where the newest walk found it broken.
SELECT h.size, h.last_at,
    coalesce((SELECT max(c.size) FROM ledger.checkpoints c WHERE c.log_id = h.log_id), 0),
    (SELECT w.broken_at FROM ledger.walks w WHERE w.log_id = h.log_id AND w.finished_at IS NOT NULL ORDER BY w.number DESC LIMIT 1)
FROM ledger.heads h WHERE h.log_id = %(log)s
