-- The tokens of a log, that of the largest checkpoint first, those over one checkpoint by authority; after one of them, if one is given.
SELECT size, authority, stamped_at, valid_until, seq, token
FROM ledger.anchors
WHERE log_id = %(log)s
    AND (%(size)s::bigint IS NULL OR size < %(size)s OR (size = %(size)s AND authority > %(authority)s::text COLLATE "C"))
ORDER BY size DESC, authority LIMIT %(limit)s
