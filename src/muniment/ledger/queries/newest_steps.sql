-- For each thing of a type and each of some actions, the newest entry under a place that the server itself recorded of it.
-- Another source can record the same action; what it says is not what the server did, and what was refused is no step.
SELECT DISTINCT ON (e.resource_id, e.action) e.resource_id, e.action, e.seq, e.labels
FROM ledger.entries e
WHERE e.log_id = %(log)s AND e.action = ANY(%(actions)s::text[]) AND e.resource_type = %(type)s AND e.outcome = 'success'
    AND e.source_id = (SELECT l.system_source FROM ledger.logs l WHERE l.log_id = %(log)s)
    AND e.seq < %(below)s
ORDER BY e.resource_id, e.action, e.seq DESC
