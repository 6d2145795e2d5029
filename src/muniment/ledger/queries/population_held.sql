-- The same; members_by_evidence follows.
SELECT count(*) FILTER (WHERE e.held), count(*)
