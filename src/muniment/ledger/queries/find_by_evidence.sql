-- Entries that hold one of some controls or come from an annotated action, and are asked for by nothing else but time. entry_controls
-- leads for each control and entries_by_action for each action, so that no step reads more than a page; an entry found twice is one.
-- {beyond} and {order}: < and DESC for the newest first, > and ASC for the oldest first.
WITH RECURSIVE own (action) AS (
    (SELECT a.action FROM ledger.entries a
     WHERE %(own)s AND a.log_id = %(log)s AND a.action >= 'x.' AND a.action < 'x/' ORDER BY a.action LIMIT 1)
    UNION ALL
    SELECT (SELECT a.action FROM ledger.entries a
            WHERE a.log_id = %(log)s AND a.action > own.action AND a.action < 'x/' ORDER BY a.action LIMIT 1)
    FROM own WHERE own.action IS NOT NULL
), noted (action) AS (
    SELECT unnest(%(noted)s::text[]) UNION SELECT own.action FROM own WHERE own.action <> ALL (%(besides)s::text[])
)
SELECT e.seq, e.recorded_at, e.entry_hash, e.entry
FROM (
    SELECT u.recorded_at, u.seq
    FROM (
        SELECT k.recorded_at, k.seq
        FROM unnest(%(evident)s::text[]) AS c (control)
        CROSS JOIN LATERAL (
            SELECT i.recorded_at, i.seq
            FROM ledger.entry_controls i
            WHERE i.log_id = %(log)s AND i.control = c.control
                AND (%(since)s::timestamptz IS NULL OR i.recorded_at >= %(since)s)
                AND (%(until)s::timestamptz IS NULL OR i.recorded_at < %(until)s)
                AND (%(below)s::bigint IS NULL OR i.seq < %(below)s)
                AND (%(at)s::timestamptz IS NULL OR (i.recorded_at {beyond}= %(at)s AND (i.recorded_at, i.seq) {beyond} (%(at)s, %(seq)s)))
            ORDER BY i.recorded_at {order}, i.seq {order}
            LIMIT %(limit)s
        ) k
        UNION
        SELECT a.recorded_at, a.seq
        FROM noted
        CROSS JOIN LATERAL (
            SELECT i.recorded_at, i.seq
            FROM ledger.entries i
            WHERE i.log_id = %(log)s AND i.action = noted.action
                AND (%(since)s::timestamptz IS NULL OR i.recorded_at >= %(since)s)
                AND (%(until)s::timestamptz IS NULL OR i.recorded_at < %(until)s)
                AND (%(below)s::bigint IS NULL OR i.seq < %(below)s)
                AND (%(at)s::timestamptz IS NULL OR (i.recorded_at {beyond}= %(at)s AND (i.recorded_at, i.seq) {beyond} (%(at)s, %(seq)s)))
            ORDER BY i.recorded_at {order}, i.seq {order}
            LIMIT %(limit)s
        ) a
    ) u
    ORDER BY u.recorded_at {order}, u.seq {order}
    LIMIT %(limit)s
) f
CROSS JOIN LATERAL (
    SELECT n.seq, n.recorded_at, n.entry_hash, n.entry
    FROM ledger.entries n
    WHERE n.log_id = %(log)s AND n.recorded_at = f.recorded_at AND n.seq = f.seq
    OFFSET 0
) e
ORDER BY e.recorded_at {order}, e.seq {order}
