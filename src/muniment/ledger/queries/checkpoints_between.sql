-- Checkpoints whose sizes lie above %(above)s and up to %(up_to)s, smallest first, as checkpoint_at gives them.
SELECT c.size, c.root, c.sealed_at, s.key_names, s.key_ids, s.signatures
FROM ledger.checkpoints c
CROSS JOIN LATERAL (
    SELECT array_agg(g.key_name ORDER BY g.position) AS key_names, array_agg(g.key_id ORDER BY g.position) AS key_ids,
        array_agg(g.signature ORDER BY g.position) AS signatures
    FROM ledger.signatures g WHERE g.log_id = c.log_id AND g.size = c.size
) s
WHERE c.log_id = %(log)s AND c.size > %(above)s AND c.size <= %(up_to)s
ORDER BY c.size LIMIT %(limit)s
