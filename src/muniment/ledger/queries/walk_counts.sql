-- How many rows stand beside the entries before a size: more of them than the entries call for were not put there by append().
SELECT
    (SELECT count(*) FROM ledger.event_ids k WHERE k.log_id = %(log)s AND k.seq < %(end)s),
    (SELECT count(*) FROM ledger.entry_controls k WHERE k.log_id = %(log)s AND k.seq < %(end)s),
    (SELECT count(*) FROM ledger.entry_labels k WHERE k.log_id = %(log)s AND k.seq < %(end)s),
    (SELECT count(*) FROM ledger.bodies k WHERE k.log_id = %(log)s AND k.seq < %(end)s)
