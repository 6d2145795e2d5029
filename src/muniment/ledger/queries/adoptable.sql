SELECT l.origin, l.genesis_hash, l.system_source,
    (SELECT k.note FROM ledger.keys_notes k WHERE k.log_id = l.log_id ORDER BY k.number DESC LIMIT 1)
FROM ledger.logs l WHERE l.log_id = %(log)s
