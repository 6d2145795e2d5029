-- Entries of one action that carry one of some labels, with their bodies, in the order of the log; entry_labels leads.
-- OFFSET 0 keeps the planner from starting with the entries, as in find_by_label.
SELECT e.seq, e.recorded_at, e.entry_hash, e.entry, b.state, b.salt, b.body
FROM ledger.entry_labels k
CROSS JOIN LATERAL (
    SELECT n.seq, n.recorded_at, n.entry_hash, n.entry
    FROM ledger.entries n
    WHERE n.log_id = k.log_id AND n.recorded_at = k.recorded_at AND n.seq = k.seq AND n.action = %(action)s
    OFFSET 0
) e
LEFT JOIN ledger.bodies b ON b.log_id = k.log_id AND b.seq = e.seq AND b.recorded_at = e.recorded_at
WHERE k.log_id = %(log)s AND k.label = ANY(%(labels)s)
ORDER BY e.seq
LIMIT %(limit)s
