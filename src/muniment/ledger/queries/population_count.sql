-- How many entries a population has; members_by_control or members_by_entry follows.
SELECT count(*)
