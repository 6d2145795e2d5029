-- A condition of the find_* and population_* queries: the entry holds one of some controls, or its action is annotated with one.
    AND (e.action = ANY (%(noted)s::text[])
        OR (%(own)s AND e.action >= 'x.' AND e.action < 'x/' AND e.action <> ALL (%(besides)s::text[]))
        OR EXISTS (
            SELECT FROM ledger.entry_controls k
            WHERE k.log_id = %(log)s AND k.control = ANY (%(evident)s::text[]) AND k.recorded_at = e.recorded_at AND k.seq = e.seq))
