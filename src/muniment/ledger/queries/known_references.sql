-- Which of some events, each named by source and id, the log holds; event_ids alone is read.
SELECT r.source_id || '/' || r.event_id
FROM unnest(%(sources)s::text[], %(events)s::text[]) AS r (source_id, event_id)
JOIN ledger.event_ids i ON i.log_id = %(log)s AND i.event_id = r.event_id AND i.source_id = r.source_id
