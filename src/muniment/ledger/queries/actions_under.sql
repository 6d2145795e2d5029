-- The actions of a log that begin with a prefix, found by stepping through entries_by_action.
WITH RECURSIVE actions (action) AS (
    (SELECT a.action FROM ledger.entries a
     WHERE a.log_id = %(log)s AND a.action >= %(prefix)s AND a.action < %(beyond_prefix)s ORDER BY a.action LIMIT 1)
    UNION ALL
    SELECT (SELECT a.action FROM ledger.entries a
            WHERE a.log_id = %(log)s AND a.action > actions.action AND a.action < %(beyond_prefix)s ORDER BY a.action LIMIT 1)
    FROM actions WHERE actions.action IS NOT NULL
)
SELECT action FROM actions WHERE action IS NOT NULL
