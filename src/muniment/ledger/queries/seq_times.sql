-- Between which times the entries from first to last were recorded, as far as the checkpoints around them tell.
SELECT
    (SELECT c.last_at FROM ledger.checkpoints c WHERE c.log_id = %(log)s AND c.size <= %(first)s + 1 ORDER BY c.size DESC LIMIT 1),
    (SELECT c.last_at FROM ledger.checkpoints c WHERE c.log_id = %(log)s AND c.size >= %(last)s + 1 ORDER BY c.size LIMIT 1)
