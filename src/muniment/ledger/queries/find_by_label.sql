-- Entries that carry a label, in the order of the log; entry_labels leads.
-- Planned anew for each question: the conditions that were not asked fall away before an index is chosen.
-- {beyond} and {order}: < and DESC for the newest first, > and ASC for the oldest first.
SELECT e.seq, e.recorded_at, e.entry_hash, e.entry
FROM ledger.entry_labels k
JOIN ledger.entries e ON e.log_id = k.log_id AND e.recorded_at = k.recorded_at AND e.seq = k.seq
WHERE k.log_id = %(log)s AND k.label = %(label)s
    AND (%(since)s::timestamptz IS NULL OR k.recorded_at >= %(since)s)
    AND (%(until)s::timestamptz IS NULL OR k.recorded_at < %(until)s)
    AND (%(at)s::timestamptz IS NULL OR (k.recorded_at {beyond}= %(at)s AND (k.recorded_at, k.seq) {beyond} (%(at)s, %(seq)s)))
    AND (%(action)s::text IS NULL OR e.action = %(action)s)
    AND (%(prefix)s::text IS NULL OR starts_with(e.action, %(prefix)s))
    AND (%(actor)s::text IS NULL OR e.actor_id = %(actor)s)
    AND (%(tool)s::text IS NULL OR e.tool = %(tool)s)
    AND (%(workspace)s::text IS NULL OR e.workspace = %(workspace)s)
    AND (%(resource)s::text IS NULL OR e.resource_id = %(resource)s)
    AND (%(resource_type)s::text IS NULL OR e.resource_type = %(resource_type)s)
    AND (%(outcome)s::text IS NULL OR e.outcome = %(outcome)s)
    AND (%(trace)s::bytea IS NULL OR e.trace_id = %(trace)s)
    AND (%(source)s::text IS NULL OR e.source_id = %(source)s)
ORDER BY k.recorded_at {order}, k.seq {order}
LIMIT %(limit)s
