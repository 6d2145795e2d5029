-- Entries of a trace that name one of many events as a cause; entries_by_trace leads.
SELECT e.seq, e.recorded_at, e.entry_hash, e.entry
FROM ledger.entries e
WHERE e.log_id = %(log)s AND e.trace_id = %(trace)s AND e.causes IS NOT NULL
    AND EXISTS (SELECT FROM unnest(e.causes) AS c (reference) WHERE c.reference = ANY (%(references)s::text[]))
ORDER BY e.recorded_at, e.seq
LIMIT %(limit)s
