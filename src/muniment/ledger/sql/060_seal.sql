-- Sealing: the only way into tiles, tree_edges, checkpoints, signatures and keys_notes.
-- The application role signs outside the database and calls seal(); it has no INSERT on these tables.

-- recorded_at of the entry size-1. Along seq recorded_at never falls, so two neighbouring checkpoints bound the time of every
-- entry between them: a lookup by seq finds its partition here.
ALTER TABLE ledger.checkpoints ADD COLUMN last_at timestamptz NOT NULL;

-- Invariant: the stored tree holds exactly the hashes of the entries, in their order, and each size is sealed once.
-- Holds because this function, under the edge's row lock, takes up the tree only at the size where the caller read it, compares the
-- leaf level with the entries themselves, and is the only writer. Upper levels and root are the signer's word: the walk recomputes them.
-- Returns false, having done nothing, when the tree is no longer of size p_from.
CREATE FUNCTION ledger.seal(
    p_log int, p_from bigint, p_size bigint, p_root bytea, p_edge bytea[],
    p_levels smallint[], p_tiles bigint[], p_hashes bytea[],
    p_key_names text[], p_key_ids bytea[], p_signatures bytea[]
) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    the_tenant uuid;
    head_size  bigint;
    old_size   bigint;
    old_leaves bytea;
    since      timestamptz;
    through    timestamptz;
    new_leaves bytea;
    counted    bigint;
BEGIN
    SELECT h.tenant_id, h.size INTO the_tenant, head_size FROM ledger.heads h WHERE h.log_id = p_log;
    IF the_tenant IS NULL THEN
        RAISE EXCEPTION 'there is no log % for this tenant', p_log USING ERRCODE = 'no_data_found';
    END IF;
    INSERT INTO ledger.tree_edges (log_id, tenant_id, size, edge) VALUES (p_log, the_tenant, 0, '{}') ON CONFLICT DO NOTHING;
    SELECT e.size, coalesce(e.edge[1], ''::bytea) INTO old_size, old_leaves
        FROM ledger.tree_edges e WHERE e.log_id = p_log FOR UPDATE;
    IF old_size <> p_from THEN
        RETURN false;
    END IF;
    IF p_size <= p_from OR p_size > head_size THEN
        RAISE EXCEPTION 'a log of % entries sealed to % cannot be sealed to %', head_size, p_from, p_size USING ERRCODE = 'check_violation';
    END IF;
    SELECT c.last_at INTO since FROM ledger.checkpoints c WHERE c.log_id = p_log AND c.size = p_from;
    SELECT string_agg(n.entry_hash, ''::bytea ORDER BY n.seq), max(n.recorded_at), count(*) INTO new_leaves, through, counted
        FROM ledger.entries n
        WHERE n.log_id = p_log AND n.seq >= p_from AND n.seq < p_size AND n.recorded_at >= coalesce(since, '-infinity');
    IF counted <> p_size - p_from THEN
        RAISE EXCEPTION 'log % has % of the % entries from % to %', p_log, counted, p_size - p_from, p_from, p_size
            USING ERRCODE = 'check_violation';
    END IF;
    IF old_leaves || new_leaves <> coalesce(
            (SELECT string_agg(t.hashes, ''::bytea ORDER BY t.tile)
             FROM unnest(p_levels, p_tiles, p_hashes) AS t (level, tile, hashes) WHERE t.level = 0), ''::bytea)
            || coalesce(p_edge[1], ''::bytea) THEN
        RAISE EXCEPTION 'the tiles given for log % do not hold its entries from % to %', p_log, p_from, p_size
            USING ERRCODE = 'check_violation';
    END IF;
    INSERT INTO ledger.tiles (log_id, tenant_id, level, tile, hashes)
        SELECT p_log, the_tenant, t.level, t.tile, t.hashes FROM unnest(p_levels, p_tiles, p_hashes) AS t (level, tile, hashes);
    UPDATE ledger.tree_edges SET size = p_size, edge = p_edge WHERE log_id = p_log;
    INSERT INTO ledger.checkpoints (log_id, tenant_id, size, root, sealed_at, last_at)
        VALUES (p_log, the_tenant, p_size, p_root, clock_timestamp(), through);
    INSERT INTO ledger.signatures (log_id, tenant_id, size, position, key_name, key_id, signature)
        SELECT p_log, the_tenant, p_size, s.place - 1, s.key_name, s.key_id, s.signature
        FROM unnest(p_key_names, p_key_ids, p_signatures) WITH ORDINALITY AS s (key_name, key_id, signature, place);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'a checkpoint of log % needs a signature', p_log USING ERRCODE = 'check_violation';
    END IF;
    RETURN true;
END $$;

GRANT EXECUTE ON FUNCTION ledger.seal TO muniment_app;
