-- The newest tokens of a log, the one of the largest checkpoint first; below a size, if one is given.
SELECT size, authority, stamped_at, valid_until, seq, token
FROM ledger.anchors
WHERE log_id = %(log)s AND (%(below)s::bigint IS NULL OR size < %(below)s)
ORDER BY size DESC, authority LIMIT %(limit)s
