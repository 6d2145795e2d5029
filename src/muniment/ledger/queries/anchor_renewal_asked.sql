-- Whether the log was already told to grow, so that a checkpoint comes to stand behind entry %(seq)s.
SELECT EXISTS (
    SELECT FROM ledger.entries
    WHERE log_id = %(log)s AND action = 'anchor.renew' AND seq > %(seq)s AND recorded_at >= %(since)s
)
