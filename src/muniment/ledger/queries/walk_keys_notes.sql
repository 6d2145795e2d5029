SELECT seq, number, note FROM ledger.keys_notes WHERE log_id = %(log)s ORDER BY number
