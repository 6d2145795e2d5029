-- Entries whose action begins with a prefix, in the order of the log. The actions under the prefix are few: they are found by
-- stepping through entries_by_action, which then leads for each of them.
-- Planned anew for each question: the conditions that were not asked fall away before an index is chosen.
-- {beyond} and {order}: < and DESC for the newest first, > and ASC for the oldest first.
-- Before the order stand also_control, also_label, both or nothing: only as conditions of their own are they turned into joins.
WITH RECURSIVE actions (action) AS (
    (SELECT a.action FROM ledger.entries a
     WHERE a.log_id = %(log)s AND a.action >= %(prefix)s AND a.action < %(beyond_prefix)s ORDER BY a.action LIMIT 1)
    UNION ALL
    SELECT (SELECT a.action FROM ledger.entries a
            WHERE a.log_id = %(log)s AND a.action > actions.action AND a.action < %(beyond_prefix)s ORDER BY a.action LIMIT 1)
    FROM actions WHERE actions.action IS NOT NULL
)
SELECT f.seq, f.recorded_at, f.entry_hash, f.entry
FROM actions
CROSS JOIN LATERAL (
    SELECT e.seq, e.recorded_at, e.entry_hash, e.entry
    FROM ledger.entries e
    WHERE e.log_id = %(log)s AND e.action = actions.action
        AND (%(since)s::timestamptz IS NULL OR e.recorded_at >= %(since)s)
        AND (%(until)s::timestamptz IS NULL OR e.recorded_at < %(until)s)
        AND (%(at)s::timestamptz IS NULL OR (e.recorded_at {beyond}= %(at)s AND (e.recorded_at, e.seq) {beyond} (%(at)s, %(seq)s)))
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
{also}    ORDER BY e.recorded_at {order}, e.seq {order}
    LIMIT %(limit)s
) f
ORDER BY f.recorded_at {order}, f.seq {order}
LIMIT %(limit)s
