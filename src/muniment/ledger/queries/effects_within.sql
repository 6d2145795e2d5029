-- Entries of a stretch of the log that name one of many events as a cause. No index knows causes: the stretch is read, each cause looked up once.
SELECT e.seq, e.recorded_at, e.entry_hash, e.entry
FROM ledger.entries e
WHERE e.log_id = %(log)s AND e.seq >= %(first)s AND e.seq <= %(last)s
    AND e.recorded_at >= coalesce(%(since)s::timestamptz, '-infinity') AND e.recorded_at <= coalesce(%(until)s::timestamptz, 'infinity')
    AND e.causes IS NOT NULL
    AND EXISTS (SELECT FROM unnest(e.causes) AS c (reference) WHERE c.reference = ANY (%(references)s::text[]))
ORDER BY e.seq
LIMIT %(limit)s
