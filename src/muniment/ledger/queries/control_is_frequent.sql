-- Whether more entries of a time evidence a control than one looks up gladly.
SELECT count(*) > %(many)s
FROM (
    SELECT FROM ledger.entry_controls k
    WHERE k.log_id = %(log)s AND k.control = %(control)s
        AND (%(since)s::timestamptz IS NULL OR k.recorded_at >= %(since)s)
        AND (%(until)s::timestamptz IS NULL OR k.recorded_at < %(until)s)
    LIMIT %(many)s + 1
) found
