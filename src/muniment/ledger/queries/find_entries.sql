-- Entries by whatever was asked, in the order of the log; one of the entries_by_* indexes leads.
-- Planned anew for each question: the conditions that were not asked fall away before an index is chosen.
-- {beyond} and {order}: < and DESC for the newest first, > and ASC for the oldest first.
-- Before the order stand also_control, also_label, both or nothing: only as conditions of their own are they turned into joins.
SELECT e.seq, e.recorded_at, e.entry_hash, e.entry
FROM ledger.entries e
WHERE e.log_id = %(log)s
    AND (%(since)s::timestamptz IS NULL OR e.recorded_at >= %(since)s)
    AND (%(until)s::timestamptz IS NULL OR e.recorded_at < %(until)s)
    AND (%(at)s::timestamptz IS NULL OR (e.recorded_at {beyond}= %(at)s AND (e.recorded_at, e.seq) {beyond} (%(at)s, %(seq)s)))
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
    AND (%(actor_type)s::text IS NULL OR e.actor_type = %(actor_type)s)
    AND (%(below)s::bigint IS NULL OR e.seq < %(below)s)
{also}ORDER BY e.recorded_at {order}, e.seq {order}
LIMIT %(limit)s
