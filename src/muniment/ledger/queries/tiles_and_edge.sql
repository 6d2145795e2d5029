-- Tiles by name, full ones as stored, the unfinished one of a level from the edge; null for what lies beyond the tree.
SELECT w.level, w.tile, CASE WHEN e.size >> (8 * (w.level + 1)) = w.tile THEN e.edge[w.level + 1] ELSE t.hashes END
FROM ledger.tree_edges e
CROSS JOIN unnest(%(levels)b::smallint[], %(tiles)b::bigint[]) AS w (level, tile)
LEFT JOIN ledger.tiles t ON t.log_id = e.log_id AND t.level = w.level AND t.tile = w.tile
WHERE e.log_id = %(log)s
