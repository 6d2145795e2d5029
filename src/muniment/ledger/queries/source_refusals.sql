-- The entries by which a source's refused numbers have a name; docs/format.md says which labels they carry.
SELECT e.submitter, e.labels
FROM ledger.entry_labels k
JOIN ledger.entries e ON e.log_id = k.log_id AND e.recorded_at = k.recorded_at AND e.seq = k.seq
WHERE k.log_id = %(log)s AND k.label = 'refused.source=' || %(source)s AND e.action = 'event.refused'
ORDER BY k.recorded_at DESC, k.seq DESC LIMIT %(limit)s
