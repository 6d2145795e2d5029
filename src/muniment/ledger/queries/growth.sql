-- What sealing some logs of this tenant takes: the stored tree, what stands beyond it (at most %(step)s entries), whether that is due.
-- One statement, so one snapshot: the keys note belongs to the very entries that are read here.
-- Due are: entries that are not the ledger's own; a log without any checkpoint; and the ledger's own entries, records of
-- anchors apart, after half of the promised time. Sealing an anchor's record at once would make another anchor due, for ever.
-- OFFSET 0 keeps the bounds columns: inside coalesce() they are not leakproof, and under row level security no index would serve.
SELECT
    g.log_id, g.origin, g.genesis_hash, g.size, g.sealed, g.edge, g.root, k.note, coalesce(n.leaves, ''::bytea),
    coalesce(n.foreign_entries OR g.sealed = 0 OR n.oldest <= clock_timestamp() - make_interval(secs => g.seal_within / 2.0), false)
FROM (
    SELECT
        l.log_id, l.origin, l.genesis_hash, l.seal_within, h.size, h.last_at, c.root,
        coalesce(e.size, 0) AS sealed, coalesce(e.edge, '{}') AS edge,
        least(h.size, coalesce(e.size, 0) + %(step)s) AS up_to, coalesce(c.last_at, '-infinity') AS since
    FROM ledger.logs l
    JOIN ledger.heads h USING (log_id)
    LEFT JOIN ledger.tree_edges e USING (log_id)
    LEFT JOIN ledger.checkpoints c ON c.log_id = l.log_id AND c.size = e.size
    WHERE l.log_id = ANY(%(logs)s)
    OFFSET 0
) g
LEFT JOIN LATERAL (
    SELECT note FROM ledger.keys_notes WHERE log_id = g.log_id ORDER BY number DESC LIMIT 1
) k ON true
CROSS JOIN LATERAL (
    SELECT
        string_agg(r.entry_hash, ''::bytea ORDER BY r.seq) AS leaves,
        bool_or(r.submitter <> 'system:muniment') AS foreign_entries,
        min(r.recorded_at) FILTER (WHERE r.action <> 'anchor.record') AS oldest
    FROM ledger.entries r
    WHERE r.log_id = g.log_id AND r.seq >= g.sealed AND r.seq < g.up_to
        AND r.recorded_at >= g.since AND r.recorded_at <= g.last_at
) n
