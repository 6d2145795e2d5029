-- Invariant: a session sees and writes the rows of one tenant, the one named by the transaction-local setting muniment.tenant, and none
-- while it is unset. Holds for every role but superusers, the owner included, because row level security is enabled and forced
-- on every table and partition with a tenant_id. After a transaction the setting is '' and not null, hence nullif.
-- The sub-select makes the planner evaluate the setting once a statement instead of once a row.

CREATE FUNCTION ledger.protect(p_table regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', p_table);
    EXECUTE format($policy$
        CREATE POLICY tenant ON %s
            USING (tenant_id = (SELECT nullif(current_setting('muniment.tenant', true), '')::uuid))
            WITH CHECK (tenant_id = (SELECT nullif(current_setting('muniment.tenant', true), '')::uuid))
        $policy$, p_table);
END $$;

SELECT ledger.protect(t::regclass) FROM unnest(ARRAY[
    'ledger.tenants', 'ledger.logs', 'ledger.heads', 'ledger.api_keys', 'ledger.sources',
    'ledger.entries', 'ledger.event_ids', 'ledger.entry_controls', 'ledger.bodies',
    'ledger.tiles', 'ledger.tree_edges', 'ledger.checkpoints', 'ledger.signatures', 'ledger.keys_notes', 'ledger.walks']) AS t;

-- Before the tenant is known, the owner's functions (and nobody else) may find the one row whose name they were given.
CREATE POLICY by_name ON ledger.api_keys FOR SELECT TO muniment_owner
    USING (key_id = (SELECT nullif(current_setting('muniment.lookup', true), '')));
CREATE POLICY by_name ON ledger.tenants FOR SELECT TO muniment_owner
    USING (slug = (SELECT nullif(current_setting('muniment.lookup', true), '')));
CREATE POLICY by_name ON ledger.logs FOR SELECT TO muniment_owner
    USING (origin = (SELECT nullif(current_setting('muniment.lookup', true), '')));

-- The sealer has to find, over all tenants, the logs that grew. ledger.all_logs() alone names this setting.
CREATE POLICY to_seal ON ledger.logs FOR SELECT TO muniment_owner
    USING ((SELECT current_setting('muniment.lookup', true)) = '*');
CREATE POLICY to_seal ON ledger.heads FOR SELECT TO muniment_owner
    USING ((SELECT current_setting('muniment.lookup', true)) = '*');
CREATE POLICY to_seal ON ledger.tree_edges FOR SELECT TO muniment_owner
    USING ((SELECT current_setting('muniment.lookup', true)) = '*');
