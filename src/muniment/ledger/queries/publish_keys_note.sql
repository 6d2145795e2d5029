SELECT ledger.publish_keys_note(%(by)s, %(log)s, %(number)s, %(note)s, %(salt)b, %(mapping)s, %(controls)s)
