-- The tokens over some checkpoints.
SELECT size, authority, stamped_at, valid_until, seq, token
FROM ledger.anchors WHERE log_id = %(log)s AND size = ANY(%(sizes)s) ORDER BY size, authority
