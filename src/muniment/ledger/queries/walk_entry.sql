-- The newest entry that says what a walk over the whole log found: its place, and the number of the walk.
SELECT seq, labels FROM ledger.entries
WHERE log_id = %(log)s AND action = 'audit.walk' ORDER BY recorded_at DESC, seq DESC LIMIT 1
