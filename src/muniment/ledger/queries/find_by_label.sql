-- Entries that carry a label, and are asked for by nothing else but time; entry_labels leads.
-- OFFSET 0 keeps the planner from starting with the entries: it expects one row of the join, and would sort them all.
-- Planned anew for each question: the conditions that were not asked fall away before an index is chosen.
-- {beyond} and {order}: < and DESC for the newest first, > and ASC for the oldest first.
SELECT e.seq, e.recorded_at, e.entry_hash, e.entry
FROM ledger.entry_labels k
CROSS JOIN LATERAL (
    SELECT n.seq, n.recorded_at, n.entry_hash, n.entry
    FROM ledger.entries n
    WHERE n.log_id = k.log_id AND n.recorded_at = k.recorded_at AND n.seq = k.seq
    OFFSET 0
) e
WHERE k.log_id = %(log)s AND k.label = %(label)s
    AND (%(since)s::timestamptz IS NULL OR k.recorded_at >= %(since)s)
    AND (%(until)s::timestamptz IS NULL OR k.recorded_at < %(until)s)
    AND (%(below)s::bigint IS NULL OR k.seq < %(below)s)
    AND (%(at)s::timestamptz IS NULL OR (k.recorded_at {beyond}= %(at)s AND (k.recorded_at, k.seq) {beyond} (%(at)s, %(seq)s)))
ORDER BY k.recorded_at {order}, k.seq {order}
LIMIT %(limit)s
