-- What was refused or failed since a time, by action; at most %(cap)s of the newest of each kind are looked at.
-- The outcomes stand here in words, because only so does the partial index on them lead.
SELECT s.outcome, s.action, count(*), max(s.recorded_at)
FROM (
    (SELECT e.outcome, e.action, e.recorded_at FROM ledger.entries e
     WHERE e.log_id = %(log)s AND e.outcome = 'denied' AND e.recorded_at >= %(since)s
     ORDER BY e.recorded_at DESC, e.seq DESC LIMIT %(cap)s)
    UNION ALL
    (SELECT e.outcome, e.action, e.recorded_at FROM ledger.entries e
     WHERE e.log_id = %(log)s AND e.outcome = 'failure' AND e.recorded_at >= %(since)s
     ORDER BY e.recorded_at DESC, e.seq DESC LIMIT %(cap)s)
) s
GROUP BY s.outcome, s.action
ORDER BY s.outcome, count(*) DESC, s.action
