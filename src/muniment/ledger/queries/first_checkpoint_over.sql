-- The oldest checkpoint that covers a place.
SELECT c.size, c.sealed_at FROM ledger.checkpoints c WHERE c.log_id = %(log)s AND c.size > %(seq)s ORDER BY c.size LIMIT 1
