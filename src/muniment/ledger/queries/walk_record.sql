SELECT number, finished_at FROM ledger.record_walk(%(log)s, %(started)s, %(ok)s, %(total)s, %(head)b, %(broken)s, %(report)s)
