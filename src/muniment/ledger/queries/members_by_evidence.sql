-- The entries that hold one of some controls or come from an annotated action, and are asked for by nothing else but time, each once:
-- entry_controls gives the one kind, entries_by_action those of the other kind that hold none of the controls.
FROM (
    SELECT DISTINCT k.seq, k.recorded_at, true AS held
    FROM ledger.entry_controls k
    WHERE k.log_id = %(log)s AND k.control = ANY (%(evident)s::text[])
        AND (%(since)s::timestamptz IS NULL OR k.recorded_at >= %(since)s)
        AND (%(until)s::timestamptz IS NULL OR k.recorded_at < %(until)s)
        AND k.seq < %(below)s
    UNION ALL
    SELECT n.seq, n.recorded_at, false
    FROM ledger.entries n
    WHERE n.log_id = %(log)s
        AND (n.action = ANY (%(noted)s::text[])
            OR (%(own)s AND n.action >= 'x.' AND n.action < 'x/' AND n.action <> ALL (%(besides)s::text[])))
        AND (n.controls IS NULL OR NOT n.controls && %(evident)s::text[])
        AND (%(since)s::timestamptz IS NULL OR n.recorded_at >= %(since)s)
        AND (%(until)s::timestamptz IS NULL OR n.recorded_at < %(until)s)
        AND n.seq < %(below)s
) e
