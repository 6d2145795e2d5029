SELECT every FROM ledger.anchor_cadences WHERE log_id = %(log)s
