-- Some entries in the order of the log, with every column and what is known of their bodies.
SELECT
    e.seq, e.recorded_at, e.entry_hash, e.prev, e.submitter, e.mapping, e.controls, e.event_id, e.action, e.actor_type, e.actor_id,
    e.outcome, e.occurred_at, e.source_id, e.epoch, e.source_seq, e.source_prev, e.tool, e.workspace, e.resource_type, e.resource_id,
    e.trace_id, e.span_id, e.labels, e.causes, e.event_controls, e.body_commit, e.body_len, e.body_type, e.body_scheme,
    e.entry, b.state, b.salt, b.body
FROM ledger.entries e
LEFT JOIN ledger.bodies b ON b.log_id = e.log_id AND b.seq = e.seq AND b.recorded_at = e.recorded_at
WHERE e.log_id = %(log)s AND e.seq >= %(first)s AND e.seq < %(end)s
ORDER BY e.seq, e.recorded_at
