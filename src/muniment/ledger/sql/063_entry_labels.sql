-- Labels as an index that is a table, for the reason entry_controls gives: @> on the array is not leakproof.
-- Not partitioned: its only reader names one label, and finds it by one descent whatever the size.
CREATE TABLE ledger.entry_labels (
    log_id      int NOT NULL,
    tenant_id   uuid NOT NULL,
    label       text COLLATE "C" NOT NULL,
    recorded_at timestamptz NOT NULL,
    seq         bigint NOT NULL,
    PRIMARY KEY (log_id, label, recorded_at, seq)
);
SELECT ledger.protect('ledger.entry_labels');
SELECT ledger.refuse_changes('ledger.entry_labels');

-- Invariant: every label of an entry has its row here. Holds because the statement that records the entries writes the rows.
CREATE FUNCTION ledger.index_labels() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO ledger.entry_labels (log_id, tenant_id, label, recorded_at, seq)
        SELECT a.log_id, a.tenant_id, label, a.recorded_at, a.seq FROM added a, unnest(a.labels) AS label WHERE a.labels IS NOT NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER index_labels AFTER INSERT ON ledger.entries
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ledger.index_labels();

GRANT SELECT ON ledger.entry_labels TO muniment_app, muniment_auditor;
