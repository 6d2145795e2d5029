SELECT failures, retry_at, news FROM ledger.count_anchor_failure(%(log)s, %(authority)s, %(word)s, %(reason)s)
