SELECT n.number, n.next_size, l.origin, l.genesis_hash
FROM ledger.logs l CROSS JOIN LATERAL ledger.next_keys_note(l.log_id) AS n
WHERE l.log_id = %(log)s
