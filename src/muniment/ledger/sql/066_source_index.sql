-- What a source did last, and what an API key's sources sent first: the pages about sources ask it of every source at once.
CREATE INDEX entries_by_source ON ledger.entries (log_id, source_id, recorded_at, seq);
