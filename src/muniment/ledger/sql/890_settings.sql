-- Invariant: what a session has set does not change what a function of the ledger means.
-- With standard_conforming_strings off, the backslashes in a function's literals are read as escapes: '\.' in a pattern would become '.',
-- and the grammar would let more pass. So every function that acts as the owner, or guards a table, fixes it, as it fixes search_path.
-- A file that adds such a function after this one brings both settings itself; a test looks at all of them.
DO $$
DECLARE
    f regprocedure;
BEGIN
    FOR f IN SELECT p.oid FROM pg_catalog.pg_proc p
             WHERE p.pronamespace = 'ledger'::regnamespace AND (p.prosecdef OR p.prorettype = 'trigger'::regtype) LOOP
        EXECUTE format('ALTER FUNCTION %s SET standard_conforming_strings = on', f);
    END LOOP;
END $$;
