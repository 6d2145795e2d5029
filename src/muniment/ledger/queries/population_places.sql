-- The places of a population in one value, 8 bytes each, big-endian, ascending: a million of them are 8 MB and no million rows.
-- members_by_control or members_by_entry follows.
SELECT string_agg(int8send(e.seq), ''::bytea ORDER BY e.recorded_at, e.seq)
