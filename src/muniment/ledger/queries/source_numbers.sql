-- The numbers that a source gave its newest entries.
SELECT encode(n.epoch, 'hex'), n.source_seq, n.seq, n.recorded_at
FROM ledger.entries n
WHERE n.log_id = %(log)s AND n.source_id = %(source)s
ORDER BY n.recorded_at DESC, n.seq DESC LIMIT %(limit)s
