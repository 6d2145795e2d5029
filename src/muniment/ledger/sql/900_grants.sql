-- Who may do what. Nobody but the owner writes a ledger table; everything goes through the functions named here.
-- A file that adds a function after this one brings its own grant.

REVOKE ALL ON SCHEMA ledger FROM PUBLIC;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA ledger FROM PUBLIC;
GRANT USAGE ON SCHEMA ledger TO muniment_app, muniment_ingest, muniment_auditor;

-- The ingest service: in with a key, in with entries, nothing else.
GRANT EXECUTE ON FUNCTION ledger.authenticate, ledger.append TO muniment_ingest;

-- The application: reads under row level security, and writes through functions.
GRANT SELECT ON ledger.tenants, ledger.logs, ledger.heads, ledger.sources, ledger.entries, ledger.event_ids, ledger.entry_controls,
    ledger.bodies, ledger.tiles, ledger.tree_edges, ledger.checkpoints, ledger.signatures, ledger.keys_notes, ledger.walks
    TO muniment_app, muniment_auditor;
GRANT SELECT (tenant_id, key_id, log_id, scope, label, created_at, revoked_at) ON ledger.api_keys TO muniment_app, muniment_auditor;
GRANT EXECUTE ON FUNCTION ledger.authenticate, ledger.append, ledger.append_system, ledger.erase_body, ledger.create_tenant, ledger.create_log,
    ledger.set_public_verify, ledger.create_api_key, ledger.revoke_api_key, ledger.bind_source, ledger.tenant_by_slug, ledger.log_by_origin,
    ledger.all_logs, ledger.create_partitions, ledger.months_ready TO muniment_app;
GRANT EXECUTE ON FUNCTION ledger.all_logs, ledger.tenant_by_slug, ledger.log_by_origin, ledger.months_ready TO muniment_auditor;
