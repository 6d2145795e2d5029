SELECT number, started_at, finished_at, ok, total_rows, head, broken_at, report
FROM ledger.walks
WHERE log_id = %(log)s AND finished_at IS NOT NULL AND (%(below)s::bigint IS NULL OR number < %(below)s)
    AND (NOT %(full)s OR (report -> 'walk' ->> 'from') = '0')
ORDER BY number DESC LIMIT %(limit)s
