-- A condition of the find_* and population_* queries: the entry carries a label.
    AND EXISTS (
        SELECT FROM ledger.entry_labels l
        WHERE l.log_id = %(log)s AND l.label = %(label)s AND l.recorded_at = e.recorded_at AND l.seq = e.seq)
