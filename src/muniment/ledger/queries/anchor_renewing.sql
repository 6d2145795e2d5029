-- An authority's newest token over a checkpoint of at most %(up_to)s entries that holds entry %(seq)s, made before %(before)s.
SELECT size, authority, stamped_at, valid_until, seq, token
FROM ledger.anchors
WHERE log_id = %(log)s AND authority = %(authority)s AND size > %(seq)s AND size <= %(up_to)s AND stamped_at <= %(before)s
ORDER BY size DESC LIMIT 1
