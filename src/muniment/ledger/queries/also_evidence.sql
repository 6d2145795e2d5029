-- A condition of the find_* and population_* queries: the entry holds one of some controls, or its action is annotated with one.
    AND (e.controls && %(evident)s::text[]
        OR e.action = ANY (%(noted)s::text[])
        OR (%(own)s AND e.action >= 'x.' AND e.action < 'x/' AND e.action <> ALL (%(besides)s::text[])))
