-- What the index of event ids says about some events; each is looked up by itself, whatever the planner knows of the table.
SELECT w.place, i.seq, i.recorded_at, i.event_hash
FROM unnest(%(events)s::text[], %(sources)s::text[]) WITH ORDINALITY AS w (event_id, source_id, place)
CROSS JOIN LATERAL (
    SELECT k.seq, k.recorded_at, k.event_hash FROM ledger.event_ids k
    WHERE k.log_id = %(log)s AND k.event_id = w.event_id AND k.source_id = w.source_id OFFSET 0
) i
