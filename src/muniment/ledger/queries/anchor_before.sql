-- Of each authority the token over the largest checkpoint that is larger than %(above)s and at most %(up_to)s.
SELECT DISTINCT ON (authority) size, authority, stamped_at, valid_until, seq, token
FROM ledger.anchors
WHERE log_id = %(log)s AND size > %(above)s AND size <= %(up_to)s
ORDER BY authority, size DESC
