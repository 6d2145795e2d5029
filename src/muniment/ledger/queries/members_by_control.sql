-- The entries that evidence a control and are asked for by nothing else but time, in the order of the index.
FROM ledger.entry_controls e
WHERE e.log_id = %(log)s AND e.control = %(control)s
    AND (%(since)s::timestamptz IS NULL OR e.recorded_at >= %(since)s)
    AND (%(until)s::timestamptz IS NULL OR e.recorded_at < %(until)s)
    AND e.seq < %(below)s
