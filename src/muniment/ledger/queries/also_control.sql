-- A condition of the find_* and population_* queries: the entry evidences a control.
    AND EXISTS (
        SELECT FROM ledger.entry_controls k
        WHERE k.log_id = %(log)s AND k.control = %(control)s AND k.recorded_at = e.recorded_at AND k.seq = e.seq)
