-- A log as it stands, in one statement, so in one snapshot. What lies beyond the head was not put there by append().
SELECT
    l.origin, l.genesis_hash, h.size, h.entry_hash, h.last_at, coalesce(e.size, 0), coalesce(e.edge, '{}'),
    (SELECT max(c.size) FROM ledger.checkpoints c WHERE c.log_id = l.log_id),
    (SELECT count(*) FROM ledger.entries b WHERE b.log_id = l.log_id AND b.seq >= h.size),
    (SELECT count(*) FROM ledger.entries b WHERE b.log_id = l.log_id AND b.seq < 0),
    clock_timestamp()
FROM ledger.logs l
JOIN ledger.heads h USING (log_id)
LEFT JOIN ledger.tree_edges e USING (log_id)
WHERE l.log_id = %(log)s
