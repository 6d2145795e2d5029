-- For each control, how many entries evidence it since a time, counted up to a cap, and the newest.
SELECT c.control, n.entries, n.latest
FROM unnest(%(controls)s::text[]) WITH ORDINALITY AS c (control, place)
CROSS JOIN LATERAL (
    SELECT count(*) AS entries, max(k.recorded_at) AS latest
    FROM (
        SELECT i.recorded_at FROM ledger.entry_controls i
        WHERE i.log_id = %(log)s AND i.control = c.control AND i.recorded_at >= %(since)s
        ORDER BY i.recorded_at DESC, i.seq DESC LIMIT %(cap)s
    ) k
) n
ORDER BY c.place
