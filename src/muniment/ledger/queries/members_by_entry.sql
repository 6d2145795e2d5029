-- The entries of any other population. The conditions of also_control and also_label may follow.
FROM ledger.entries e
WHERE e.log_id = %(log)s
    AND (%(since)s::timestamptz IS NULL OR e.recorded_at >= %(since)s)
    AND (%(until)s::timestamptz IS NULL OR e.recorded_at < %(until)s)
    AND (%(action)s::text IS NULL OR e.action = %(action)s)
    AND (%(prefix)s::text IS NULL OR (e.action >= %(prefix)s AND e.action < %(beyond_prefix)s))
    AND (%(actor)s::text IS NULL OR e.actor_id = %(actor)s)
    AND (%(actor_type)s::text IS NULL OR e.actor_type = %(actor_type)s)
    AND (%(tool)s::text IS NULL OR e.tool = %(tool)s)
    AND (%(workspace)s::text IS NULL OR e.workspace = %(workspace)s)
    AND (%(resource)s::text IS NULL OR e.resource_id = %(resource)s)
    AND (%(resource_type)s::text IS NULL OR e.resource_type = %(resource_type)s)
    AND (%(outcome)s::text IS NULL OR e.outcome = %(outcome)s)
    AND (%(trace)s::bytea IS NULL OR e.trace_id = %(trace)s)
    AND (%(source)s::text IS NULL OR e.source_id = %(source)s)
    AND e.seq < %(below)s
