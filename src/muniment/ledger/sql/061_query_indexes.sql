-- One index for each question that auditors ask (ledger/queries/find_*.sql), each ending in the order of the answer. Equality on
-- text and the order of times are leakproof, so a role under row level security uses them.

CREATE INDEX entries_by_tool ON ledger.entries (log_id, tool, recorded_at, seq) WHERE tool IS NOT NULL;
CREATE INDEX entries_by_workspace ON ledger.entries (log_id, workspace, recorded_at, seq) WHERE workspace IS NOT NULL;
CREATE INDEX entries_by_resource ON ledger.entries (log_id, resource_id, recorded_at, seq) WHERE resource_id IS NOT NULL;
-- Nearly everything succeeds: that answer comes from entries_by_time.
CREATE INDEX entries_by_outcome ON ledger.entries (log_id, outcome, recorded_at, seq) WHERE outcome <> 'success';
