-- The same for each stratum; members_by_entry follows, and then the grouping by the first column.
SELECT CASE %(stratum)s::text
        WHEN 'actor' THEN e.actor_id
        WHEN 'action' THEN e.action
        WHEN 'outcome' THEN e.outcome
        WHEN 'workspace' THEN coalesce(e.workspace, '')
        ELSE to_char(e.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')
    END,
    string_agg(int8send(e.seq), ''::bytea ORDER BY e.recorded_at, e.seq)
