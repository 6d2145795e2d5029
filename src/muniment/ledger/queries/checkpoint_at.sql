-- A checkpoint with its signatures, in the order of their lines: of exactly this size, or the newest.
SELECT c.size, c.root, c.sealed_at, s.key_names, s.key_ids, s.signatures
FROM (
    SELECT * FROM ledger.checkpoints
    WHERE log_id = %(log)s AND (%(size)s::bigint IS NULL OR size = %(size)s)
    ORDER BY size DESC LIMIT 1
) c
CROSS JOIN LATERAL (
    SELECT array_agg(g.key_name ORDER BY g.position) AS key_names, array_agg(g.key_id ORDER BY g.position) AS key_ids,
        array_agg(g.signature ORDER BY g.position) AS signatures
    FROM ledger.signatures g WHERE g.log_id = c.log_id AND g.size = c.size
) s
