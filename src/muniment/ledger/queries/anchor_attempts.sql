-- How the authorities of a log do that failed at least once.
SELECT authority, failures, failing_since, tried_at, retry_at, word, reason
FROM ledger.anchor_attempts WHERE log_id = %(log)s ORDER BY authority
