-- Questions for what kind of thing was touched: the last filter of find_*.sql and population_*.sql that no index led.
CREATE INDEX entries_by_resource_type ON ledger.entries (log_id, resource_type, recorded_at, seq) WHERE resource_type IS NOT NULL;
