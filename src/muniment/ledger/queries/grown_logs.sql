SELECT tenant_id, log_id FROM ledger.all_logs() WHERE size > sealed ORDER BY tenant_id, log_id
