-- Whether more entries evidence something than one gathers from the indexes gladly; otherwise all entries of the time are looked at.
SELECT count(*) > %(many)s
FROM (
    SELECT FROM ledger.entry_controls k
    WHERE k.log_id = %(log)s AND k.control = ANY (%(evident)s::text[])
        AND (%(since)s::timestamptz IS NULL OR k.recorded_at >= %(since)s)
        AND (%(until)s::timestamptz IS NULL OR k.recorded_at < %(until)s)
    UNION ALL
    SELECT FROM ledger.entries n
    WHERE n.log_id = %(log)s AND n.action = ANY (%(noted)s::text[])
        AND (%(since)s::timestamptz IS NULL OR n.recorded_at >= %(since)s)
        AND (%(until)s::timestamptz IS NULL OR n.recorded_at < %(until)s)
    LIMIT %(many)s + 1
) found
