-- How many entries of a population hold one of the controls; members_by_entry follows.
SELECT count(*) FILTER (WHERE e.controls && %(evident)s::text[]), count(*)
