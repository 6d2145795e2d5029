SELECT ledger.record_anchor(%(by)s, %(log)s, %(size)s, %(authority)s, %(token)b, %(imprint)b, %(stamped)s, %(until)s,
    %(body)b, %(salt)b, %(mapping)s, %(controls)s)
